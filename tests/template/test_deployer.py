"""docs/deployer-policy.json has what the template needs, and no more."""

import json
import unittest

from deployer import LONGEST, PATH, actions_of, policy, text
from test_size import TEMPLATE

TOPIC = "\n  Topic:\n    Type: AWS::SNS::Topic\n"


class Deployer(unittest.TestCase):
    def test_the_policy_is_that_of_the_template(self):
        expected = text(policy(TEMPLATE.read_text("utf-8")))
        self.assertEqual(PATH.read_text("utf-8"), expected, "run `make deployer-policy`")

    def test_the_policy_fits(self):
        self.assertLess(len(json.dumps(json.loads(PATH.read_text("utf-8")), separators=(",", ":"))), LONGEST)

    def test_a_resource_of_another_kind_needs_more(self):
        template = TEMPLATE.read_text("utf-8")
        more = template.replace("\n  # End of functions.\n", TOPIC + "\n  # End of functions.\n")
        self.assertIn("sns:CreateTopic", actions_of(more) - actions_of(template))
        with self.assertRaises(ValueError):
            policy(more)

    def test_who_deploys_reads_no_data(self):
        actions = {action for statement in policy(TEMPLATE.read_text("utf-8"))["Statement"] for action in statement["Action"]}
        for data in ("dynamodb:GetItem", "dynamodb:Scan", "secretsmanager:GetSecretValue", "logs:GetLogEvents", "lambda:InvokeFunction", "dynamodb:PutResourcePolicy", "iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary"):
            self.assertNotIn(data, actions)
        self.assertFalse([action for action in actions if "*" in action])


if __name__ == "__main__":
    unittest.main()
