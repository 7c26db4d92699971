"""What whoever deploys needs: docs/deployer-policy.json, from the template as SAM transforms it.

AWS says in the schema of each type of resource which actions CloudFormation needs for it
("handlers", in the schemas that cfn-lint carries). The policy has these actions, without those of
features that the template does not use, for names that begin as those of the stack do.

    deployer.py        prints the policy, for a stack called okta-dac in any region of one account
"""

import glob
import json
import re
import sys
from pathlib import Path

import cfnlint

from test_size import TEMPLATE, resources_of

PATH = Path(__file__).parents[2] / "docs" / "deployer-policy.json"
# A managed policy has at most so many characters, white space not counted.
LONGEST = 6_144

# What the schemas have for features that no resource of ours uses, and why a deployer must not have
# more of it than of anything else.
UNUSED = {
    r"ec2:|elasticfilesystem:|s3files:": "no function is in a network of its own",
    r"lambda:.*(CapacityProvider|RuntimeAlias)": "functions run where Lambda puts them",
    r"kinesis:|firehose:": "nothing is streamed",
    r"dynamodb:(BatchWrite|Delete|Get|Put|Update)Item|dynamodb:(Query|Scan)|dynamodb:.*TableReplica": "who deploys reads no data, and no table has a replica",
    r"dynamodb:.*(Kinesis|Import)|s3:|iam:CreateServiceLinkedRole": "no table is imported or streamed",
    r"dynamodb:(Put|Delete)ResourcePolicy": "tables have no policy of their own, which could let others read them",
    r"iam:.*PermissionsBoundary|iam:(Attach|Detach)RolePolicy$": "roles have policies of their own, and no boundary that could be taken away",
    r"lambda:(Put|Delete).*(CodeSigning|RecursionConfig|ScalingConfig)": "functions have none of these",
    r"kms:": "keys are the account's: their policies name who uses them",
    r"apigateway:UpdateRestApiPolicy": "the API has no policy of its own",
    r"logs:.*(BearerToken|DataProtection|IndexPolic|ResourcePolic|LogDelivery|LogStream|KmsKey|PutLogEvents)": "groups of logs are plain",
}

# Where the actions of a service apply.
ARNS = {
    "apigateway": ["arn:aws:apigateway:*::/restapis", "arn:aws:apigateway:*::/restapis/*", "arn:aws:apigateway:*::/tags/*"],
    "cloudwatch": ["arn:aws:cloudwatch:*:ACCOUNT:alarm:okta-dac-*", "arn:aws:cloudwatch::ACCOUNT:dashboard/okta-dac"],
    "dynamodb": ["arn:aws:dynamodb:*:ACCOUNT:table/okta-dac-*"],
    "events": ["arn:aws:events:*:ACCOUNT:rule/okta-dac-*", "arn:aws:events:*:ACCOUNT:rule/*/okta-dac-*"],
    "iam": ["arn:aws:iam::ACCOUNT:role/okta-dac-*"],
    "lambda": ["arn:aws:lambda:*:ACCOUNT:function:okta-dac-*"],
    "logs": ["arn:aws:logs:*:ACCOUNT:log-group:okta-dac*"],
    "sqs": ["arn:aws:sqs:*:ACCOUNT:okta-dac-*"],
}

# Actions that tell what there is, and the layer, which is AWS's: for any name. Lists have no name
# that AWS could check.
NAMELESS = r":(List|Describe)|lambda:GetLayerVersion$"

PASS = "iam:PassRole"

# What `sam deploy` itself does: its bucket, the stack, the transformation.
SAM = [
    {
        "Sid": "Stack", "Effect": "Allow",
        "Action": [
            "cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet", "cloudformation:DeleteStack",
            "cloudformation:DescribeChangeSet", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStackResource",
            "cloudformation:DescribeStacks", "cloudformation:ExecuteChangeSet", "cloudformation:GetTemplate",
            "cloudformation:GetTemplateSummary", "cloudformation:ListStackResources",
        ],
        "Resource": [
            "arn:aws:cloudformation:*:ACCOUNT:stack/aws-sam-cli-managed-default/*",
            "arn:aws:cloudformation:*:ACCOUNT:stack/okta-dac/*",
            "arn:aws:cloudformation:*:aws:transform/Serverless-2016-10-31",
        ],
    },
    {
        "Sid": "Bucket", "Effect": "Allow",
        "Action": [
            "s3:CreateBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning",
            "s3:PutEncryptionConfiguration", "s3:PutObject",
        ],
        "Resource": ["arn:aws:s3:::aws-sam-cli-managed-default-*"],
    },
]


def handlers():
    """The actions that CloudFormation needs for each type."""
    found = {}
    for path in glob.glob(f"{cfnlint.__path__[0]}/data/schemas/resources/*.json"):
        schema = json.loads(Path(path).read_text("utf-8"))
        actions = {action for handler in schema.get("handlers", {}).values() for action in handler["permissions"]}
        found.setdefault(schema.get("typeName"), set()).update(actions)
    return found


def actions_of(template):
    """What the resources of a template need."""
    known, needed = handlers(), set()
    for kind in {resource["Type"] for resource in resources_of(template).values()}:
        if not known.get(kind):
            raise ValueError(f"AWS does not say what {kind} needs: add it by hand")
        # A shortened path of S3's API is no action.
        needed |= {action for action in known[kind] if re.fullmatch(r"[a-z]+:[A-Za-z]+", action)}
    return {action for action in needed if not any(re.match(unused, action) for unused in UNUSED)}


def policy(template):
    actions = actions_of(template)
    nameless = {action for action in actions if re.search(NAMELESS, action)}
    statements = [dict(statement) for statement in SAM]
    for service in sorted({action.split(":")[0] for action in actions - nameless}):
        if service not in ARNS:
            raise ValueError(f"nobody says where the actions of {service} apply: add them to ARNS")
        own = sorted(action for action in actions - nameless - {PASS} if action.startswith(f"{service}:"))
        statements.append({"Sid": service.capitalize(), "Effect": "Allow", "Action": own, "Resource": ARNS[service]})
    if PASS in actions:
        # To Lambda alone: a role of the stack is of no use elsewhere.
        condition = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
        statements.append({"Sid": "PassRole", "Effect": "Allow", "Action": [PASS], "Resource": ARNS["iam"], "Condition": condition})
    statements.append({"Sid": "Read", "Effect": "Allow", "Action": sorted(nameless), "Resource": ["*"]})
    return {"Version": "2012-10-17", "Statement": statements}


def text(document):
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text(policy(TEMPLATE.read_text("utf-8"))))
