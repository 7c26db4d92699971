//! `template.yaml` as CloudFormation reads it: a second look at what the generator
//! wrote, and at what people wrote around it.

use operations::{EnvVar, OPERATIONS, Operation, Trigger};
use serde_norway::Value;
use tests::repository;

use crate::{Complaints, assert_none, assert_some, differences};

fn template() -> String {
    std::fs::read_to_string(repository().join("template.yaml")).expect("template.yaml")
}

fn untag(value: &Value) -> &Value {
    match value {
        Value::Tagged(tagged) => &tagged.value,
        value => value,
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_mapping().into_iter().flatten().filter_map(|(key, _)| key.as_str()).collect()
}

fn check(yaml: &str) -> Complaints {
    let root: Value = serde_norway::from_str(yaml).expect("YAML");
    let resources = &root["Resources"];
    let is_function = |name: &&str| resources[*name]["Type"] == "AWS::Serverless::Function";
    let functions: Vec<&str> = keys(resources).into_iter().filter(is_function).collect();
    let expected: Vec<String> = OPERATIONS.iter().map(Operation::logical_id).collect();
    let mut complaints = differences("template.yaml", functions, expected.iter().map(String::as_str));
    for operation in OPERATIONS {
        complaints.extend(function(operation, &resources[operation.logical_id()]));
        complaints.extend(environment(operation, &root));
    }
    complaints.extend(permissions(resources));
    complaints.extend(tables(resources));
    complaints.extend(parameters(&root));
    // `sam build` and people stumble over anchors.
    let is_anchor = |word: &str| {
        let name = word.strip_prefix(['&', '*']).unwrap_or_default();
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    for line in yaml.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let words = line.split_whitespace().filter(|word| is_anchor(word));
        complaints.extend(words.map(|word| format!("`{word}` is a YAML anchor")));
    }
    complaints
}

/// Code, name, role and route of a function.
fn function(operation: &Operation, resource: &Value) -> Complaints {
    let (id, properties) = (operation.logical_id(), &resource["Properties"]);
    let mut complaints = Complaints::new();
    let mut must = |what: &str, holds: bool| {
        if !holds {
            complaints.push(format!("{id}: {what} is not as the table says"));
        }
    };
    let code = format!("target/lambda/{}/", operation.name);
    must("CodeUri", properties["CodeUri"].as_str() == Some(&code));
    let name = format!("${{NamePrefix}}-{}", operation.name);
    must("FunctionName", untag(&properties["FunctionName"]).as_str() == Some(&name));
    must("Role", untag(&properties["Role"]).as_str() == Some(&format!("{id}Role.Arn")));
    must("SkipBuild", resource["Metadata"]["SkipBuild"] == true);
    must("MemorySize", properties["MemorySize"].as_u64() == Some(operation.size.memory_mib.into()));
    must("Timeout", properties["Timeout"].as_u64() == Some(operation.size.timeout_seconds.into()));
    must("Layers", properties["Layers"].is_null() != operation.reads_secrets());
    let event = &properties["Events"]["Api"]["Properties"];
    if let Some((method, path)) = operation.route() {
        must("Path", event["Path"].as_str() == Some(path));
        let method = match operation.trigger {
            Trigger::EventHook { .. } => "post".to_owned(),
            _ => method.as_str().to_lowercase(),
        };
        must("Method", event["Method"].as_str() == Some(&method));
        let without = operation.http().is_none().then_some("NONE");
        must("Authorizer", event["Auth"]["Authorizer"].as_str() == without);
    } else {
        must("Api", event.is_null());
    }
    complaints
}

/// What a function's role may do with the tables, one line for each action.
fn table_rights(resources: &Value, operation: &Operation) -> Vec<String> {
    let policies = &resources[format!("{}Role", operation.logical_id())]["Properties"]["Policies"];
    let statements = policies[0]["PolicyDocument"]["Statement"].as_sequence().into_iter().flatten();
    let mut rights = Vec::new();
    for statement in statements {
        let actions = match &statement["Action"] {
            Value::Sequence(actions) => actions.clone(),
            one => vec![one.clone()],
        };
        let resource = untag(&statement["Resource"]).as_str().unwrap_or_default();
        let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"][0];
        let keys = keys.as_str().unwrap_or("all items");
        let actions = actions.iter().filter_map(|action| action.as_str()?.strip_prefix("dynamodb:"));
        rights.extend(actions.map(|action| format!("{action} on {resource}, {keys}")));
    }
    rights
}

/// Who may use the tables: exactly as the entries say.
fn tables(resources: &Value) -> Complaints {
    let mut complaints = Complaints::new();
    for operation in OPERATIONS {
        let mut expected = Vec::new();
        for ((resource, keys), actions) in xtask::tables(operation) {
            let resource = match resource.split_once('/') {
                Some((table, index)) => format!("${{{table}.Arn}}/{index}"),
                None => format!("{resource}.Arn"),
            };
            let keys = keys.unwrap_or("all items");
            expected.extend(actions.into_iter().map(|action| format!("{action} on {resource}, {keys}")));
        }
        let rights = table_rights(resources, operation);
        let what = format!("the role of {}", operation.name);
        let (rights, expected) = (rights.iter().map(String::as_str), expected.iter().map(String::as_str));
        complaints.extend(differences(&what, rights, expected));
    }
    complaints
}

/// Which function rotates a secret (Service Authorization Reference, Secrets Manager).
const ROTATED_BY: &str = "secretsmanager:resource/AllowRotationLambdaArn";

/// Least privilege: nothing for all, nothing of all.
fn permissions(resources: &Value) -> Complaints {
    let mut complaints = Complaints::new();
    for name in keys(resources) {
        let properties = &resources[name]["Properties"];
        if !properties["ManagedPolicyArns"].is_null() || properties["Policies"][0].is_string() {
            complaints.push(format!("{name}: a managed policy allows more than it needs"));
        }
        let policies = properties["Policies"].as_sequence().into_iter().flatten();
        let documents =
            policies.map(|policy| &policy["PolicyDocument"]).chain([&properties["PolicyDocument"]]);
        for statement in documents.filter_map(|document| document["Statement"].as_sequence()).flatten() {
            for part in ["Action", "Resource"] {
                let text = serde_norway::to_string(&statement[part]).unwrap_or_default();
                // Nothing of such a name is secret: public keys, as everybody may read them.
                let text = text.replace(":secret:okta-dac/connections/*/jwks-??????", "");
                // Secrets of whoever let this very function rotate them.
                let rotates = &statement["Condition"]["StringEquals"][ROTATED_BY];
                let text = match rotates.is_null() {
                    true => text,
                    false => text.replace(":secret:${RotationSecretPrefix}*", ""),
                };
                let lists = statement["Action"].as_str() == Some("secretsmanager:ListSecrets");
                // An action without a resource.
                if text.contains('*') && !lists {
                    complaints.push(format!("{name}: a permission has a `*` in {part}"));
                }
            }
        }
    }
    complaints
}

/// Exactly the variables that the function reads, each from a parameter or a table.
fn environment(operation: &Operation, root: &Value) -> Complaints {
    let id = operation.logical_id();
    let variables = &root["Resources"][&id]["Properties"]["Environment"]["Variables"];
    let expected = operation.variables();
    let mut complaints = differences(&id, keys(variables), expected.iter().map(|variable| variable.name));
    for name in keys(variables) {
        let sources = sources(&variables[name]);
        let is_there =
            |source: &&str| !(root["Parameters"][*source].is_null() && root["Resources"][*source].is_null());
        if sources.is_empty() || !sources.iter().all(is_there) {
            complaints.push(format!("{id}: {name} must come from a parameter or a table"));
        }
        if name == EnvVar::OKTA_CREDENTIAL_SECRET_ID.name && sources != operation.okta.credentials() {
            complaints.push(format!("{id}: {name} must be the credential of its class"));
        }
    }
    complaints
}

/// What a value refers to: `!Ref`, or each choice of an `!If`.
fn sources(value: &Value) -> Vec<&str> {
    match value {
        Value::Tagged(tagged) if tagged.tag == "!Ref" => tagged.value.as_str().into_iter().collect(),
        Value::Tagged(tagged) if tagged.tag == "!If" => {
            [sources(&tagged.value[1]), sources(&tagged.value[2])].concat()
        }
        _ => Vec::new(),
    }
}

/// Parameters name secrets and do not hold them.
fn parameters(root: &Value) -> Complaints {
    let suspicious =
        |name: &&str| ["Token", "Password", "Key", "Secret"].iter().any(|word| name.ends_with(word));
    let found = keys(&root["Parameters"]).into_iter().filter(suspicious);
    found.map(|name| format!("{name}: a parameter must name a secret, not hold it")).collect()
}

/// What a deployment starts with: every parameter that has no default, no other name, and values
/// that the template takes.
fn example(yaml: &str, example: &str) -> Complaints {
    let root: Value = serde_norway::from_str(yaml).expect("YAML");
    let given: Vec<(&str, &str)> = example
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")?.split_once('='))
        .collect();
    let parameters = root["Parameters"].as_mapping().expect("parameters");
    let mut complaints = Complaints::new();
    for (name, parameter) in parameters {
        let name = name.as_str().unwrap_or_default();
        let is_required = parameter["Default"].is_null();
        if is_required && !given.iter().any(|(of, _)| *of == name) {
            complaints.push(format!("samconfig.toml.example lacks `{name}`"));
        }
        if is_required && parameter["AllowedPattern"].is_null() {
            complaints.push(format!("{name}: a required parameter needs an AllowedPattern"));
        }
        if parameter["Description"].as_str().is_none_or(str::is_empty) {
            complaints.push(format!("{name}: a parameter needs a description"));
        }
    }
    for (name, value) in given {
        let parameter = &root["Parameters"][name];
        if parameter.is_null() {
            complaints.push(format!("samconfig.toml.example has `{name}`, and the template does not"));
        }
        let pattern = parameter["AllowedPattern"].as_str();
        if pattern.is_some_and(|pattern| !regex_lite::Regex::new(pattern).expect("a pattern").is_match(value))
        {
            complaints
                .push(format!("samconfig.toml.example: `{name}` has a value that the template refuses"));
        }
    }
    complaints
}

#[test]
fn the_example_of_a_deployment_is_whole() {
    let text = std::fs::read_to_string(repository().join("samconfig.toml.example")).expect("the example");
    assert_none(example(&template(), &text));
    for (from, to, about) in [
        ("  \"OktaDacAppId=0oa1example0000000001\",\n", "", "lacks `OktaDacAppId`"),
        ("TokenAudiences=api", "TokenAudience=api", "has `TokenAudience`"),
        ("OktaOrgUrl=https", "OktaOrgUrl=ftp", "`OktaOrgUrl` has a value"),
    ] {
        assert_some(example(&template(), &text.replace(from, to)), about);
    }
}

#[test]
fn the_template_is_as_the_table_says() {
    assert_none(check(&template()));
}

#[test]
fn a_template_that_differs_is_noticed() {
    let good = template();
    for (from, to, about) in [
        ("  GetTenantFunction:", "  FetchTenantFunction:", "lacks `GetTenantFunction`"),
        ("  GetTenantFunction:", "  FetchTenantFunction:", "has `FetchTenantFunction`"),
        ("target/lambda/get-tenant/", "target/lambda/list-tenants/", "GetTenantFunction: CodeUri"),
        (
            "Path: /tenants/{tenant}\n            Method: put",
            "Path: /tenants/{tenant}\n            Method: patch",
            "UpdateTenantFunction: Method",
        ),
        (
            "Path: /tenants/{tenant}\n            Method: get",
            "Path: /tenants/{id}\n            Method: get",
            "GetTenantFunction: Path",
        ),
        ("!GetAtt GetTenantFunctionRole.Arn", "!GetAtt AddTenantFunctionRole.Arn", "GetTenantFunction: Role"),
        ("      SkipBuild: true", "      SkipBuild: false", "SkipBuild is not"),
        ("Action: secretsmanager:GetSecretValue", "Action: secretsmanager:*", "`*` in Action"),
        ("Resource: !Ref HookSecretArn", "Resource: '*'", "`*` in Resource"),
        (
            "!Ref OktaTenantsCredentialSecretArn, !Ref",
            "!Ref HookSecretArn, !Ref",
            "the credential of its class",
        ),
        ("      Policies:\n", "      ManagedPolicyArns: [x]\n      Policies:\n", "a managed policy"),
        ("TOKEN_ISSUER: !Ref TokenIssuer", "TOKEN_ISSUER: https://example.test", "TOKEN_ISSUER must come"),
        ("TOKEN_ISSUER: !Ref TokenIssuer", "TOKEN_ISSUER: !Ref Nothing", "TOKEN_ISSUER must come"),
        ("CORS_ALLOW_ORIGIN:", "CORS_ORIGIN:", "lacks `CORS_ALLOW_ORIGIN`"),
        (
            "Resource: !GetAtt StateTable.Arn",
            "Resource: !GetAtt Other.Arn",
            "the role of assign-app-to-tenant lacks `PutItem on StateTable.Arn, all items`",
        ),
        (
            ROTATED_BY,
            "aws:ResourceTag/any",
            "RotateUserSecretFunctionRole: a permission has a `*` in Resource",
        ),
        ("['budget#*']", "['*']", "has `UpdateItem on StateTable.Arn, *`"),
        ("/index/open", "/index/*", "has `Query on ${DelegationEventsTable.Arn}/index/*, all items`"),
        (
            "  OktaDacAppId:\n    Type",
            "  OktaApiToken:\n    Type: String\n  OktaDacAppId:\n    Type",
            "OktaApiToken",
        ),
        (
            "            Path: /tenants/{tenant}\n            Method: delete",
            "            Path: /tenants/{tenant}\n            Method: delete\n            Auth: {Authorizer: NONE}",
            "DeleteTenantFunction: Authorizer",
        ),
        ("AllowMethods: \"", "AllowMethods: &anchor \"", "`&anchor` is a YAML anchor"),
    ] {
        assert!(good.contains(from), "{from}");
        assert_some(check(&good.replacen(from, to, 1)), about);
    }
}
