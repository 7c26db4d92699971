//! `template.yaml`: checked, not generated, because people tune it.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToPascalCase;
use operations::{Access, EnvVar, OPERATIONS, Operation, Resource, StateUse};
use serde_norway::Value;
use tests::repository;

use crate::{Complaints, assert_none, assert_some, differences};

fn template() -> String {
    std::fs::read_to_string(repository().join("template.yaml")).expect("template.yaml")
}

/// What `template.yaml` must have for an operation, ready to paste.
fn block(operation: &Operation) -> String {
    let tables: String = tables(operation)
        .into_iter()
        .map(|(table, actions)| {
            let actions: Vec<String> = actions.iter().map(|action| format!("dynamodb:{action}")).collect();
            let actions = match actions.as_slice() {
                [one] => one.clone(),
                several => format!("[{}]", several.join(", ")),
            };
            format!("            - Effect: Allow\n              Action: {actions}\n              Resource: !GetAtt {table}.Arn\n")
        })
        .collect();
    let environment = match (operation.resource, operation.name) {
        (Resource::Delegation, DELEGATION_FIRST) => {
            let lines =
                EnvVar::DELEGATION.iter().map(|v| format!("          {}: !Ref {}\n", v.name, parameter(v)));
            format!("      Environment: &delegation\n        Variables:\n{}", lines.collect::<String>())
        }
        (Resource::Delegation, _) => "      Environment: *delegation\n".to_owned(),
        _ => String::new(),
    };
    let hook = match operation.access {
        Access::HookSecret => {
            "            - Effect: Allow\n              Action: secretsmanager:GetSecretValue\n              Resource: !Ref HookSecretArn\n"
        }
        _ => "",
    };
    let no_authorizer = "            Auth:\n              Authorizer: NONE\n";
    // What passes requests on has no credential of ours, and no authorizer before it.
    let (credential, auth) = match operation.access {
        Access::OktaToken => (String::new(), no_authorizer),
        access => (
            format!(
                "{environment}      Layers: !If [HasSecretsExtension, [!Ref SecretsExtensionLayerArn], !Ref AWS::NoValue]\n      Policies:\n        - Statement:\n            - Effect: Allow\n              Action: secretsmanager:GetSecretValue\n              Resource: !Ref OktaCredentialSecretArn\n{hook}{tables}"
            ),
            if access.has_authorizer() { "" } else { no_authorizer },
        ),
    };
    format!(
        "  {}:\n    Type: AWS::Serverless::Function\n    Properties:\n      FunctionName: !Sub ${{NamePrefix}}-{name}\n      CodeUri: target/lambda/{name}/\n{credential}      Events:\n        Api:\n          Type: Api\n          Properties:\n            RestApiId: !Ref Api\n            Path: {}\n            Method: {}\n{auth}",
        operation.logical_id(),
        operation.path,
        operation.method.as_str().to_lowercase(),
        name = operation.name,
    )
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
    let mut expected: Vec<String> = OPERATIONS.iter().map(Operation::logical_id).collect();
    expected.push("AuthorizerFunction".to_owned());
    let mut complaints = differences("template.yaml", functions, expected.iter().map(String::as_str));
    for operation in OPERATIONS {
        let properties = &resources[operation.logical_id()]["Properties"];
        let code = format!("target/lambda/{}/", operation.name);
        let name = format!("${{NamePrefix}}-{}", operation.name);
        let events = properties["Events"].as_mapping();
        let event = &properties["Events"]["Api"]["Properties"];
        let route = (event["Path"].as_str(), event["Method"].as_str());
        let method = operation.method.as_str().to_lowercase();
        let right = properties["CodeUri"].as_str() == Some(&code)
            && untag(&properties["FunctionName"]).as_str() == Some(&name)
            && events.is_some_and(|events| events.len() == 1)
            && route == (Some(operation.path), Some(&method))
            && event["Auth"]["Authorizer"].as_str() == (!operation.access.has_authorizer()).then_some("NONE");
        if !right {
            complaints.push(format!("template.yaml must have\n{}", block(operation)));
        }
    }
    complaints.extend(permissions(resources));
    complaints.extend(state(resources));
    complaints.extend(environment(&root));
    complaints
}

/// The first of delegation's functions: the others take its environment.
const DELEGATION_FIRST: &str = "add-delegation-agent";

/// What an operation may do with which table, both in their order.
fn tables(operation: &Operation) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut tables: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (table, actions) in operation.state.iter().flat_map(|state| state.permissions()) {
        tables.entry(*table).or_default().extend(actions.iter().copied());
    }
    tables
}

/// The parameter, or the table, that a variable comes from.
fn parameter(variable: &EnvVar) -> String {
    match variable.name {
        "HOOK_SECRET_ID" => "HookSecretArn".to_owned(),
        name => name.to_pascal_case(),
    }
}

/// Who may use the tables, and who may flush the authorizer's cache: exactly the
/// operations whose entries say so.
fn state(resources: &Value) -> Complaints {
    let statements = |operation: &Operation| {
        let policies = &resources[operation.logical_id()]["Properties"]["Policies"];
        serde_norway::to_string(policies).unwrap_or_default()
    };
    let mut complaints = Complaints::new();
    for table in ["DelegationEventsTable", "StateTable"] {
        let may_use = OPERATIONS.iter().filter(|operation| statements(operation).contains(table));
        let uses = OPERATIONS.iter().filter(|operation| tables(operation).contains_key(table));
        let what = format!("permissions on {table}");
        complaints.extend(differences(&what, may_use.map(|o| o.name), uses.map(|o| o.name)));
    }
    let roles = resources["FlushPolicy"]["Properties"]["Roles"].as_sequence().into_iter().flatten();
    let roles: Vec<&str> = roles.filter_map(|role| untag(role).as_str()).collect();
    let revoking = OPERATIONS.iter().filter(|operation| operation.state.contains(&StateUse::Revokes));
    let revoking: Vec<String> = revoking.map(|operation| format!("{}Role", operation.logical_id())).collect();
    complaints.extend(differences("FlushPolicy", roles, revoking.iter().map(String::as_str)));
    complaints
}

/// Least privilege: nothing for all, nothing of all.
fn permissions(resources: &Value) -> Complaints {
    let mut complaints = Complaints::new();
    for name in keys(resources) {
        let policies = &resources[name]["Properties"]["Policies"];
        for statement in
            policies.as_sequence().into_iter().flatten().flat_map(|p| p["Statement"].as_sequence()).flatten()
        {
            for part in ["Action", "Resource"] {
                let text = serde_norway::to_string(&statement[part]).unwrap_or_default();
                if text.contains('*') {
                    complaints.push(format!("{name}: a permission has a `*` in {part}"));
                }
            }
        }
        if policies.as_sequence().into_iter().flatten().any(|policy| policy.is_string()) {
            complaints.push(format!("{name}: a managed policy allows more than it needs"));
        }
    }
    complaints
}

/// Exactly the variables that the functions read, each from a parameter.
fn environment(root: &Value) -> Complaints {
    let global = &root["Globals"]["Function"]["Environment"]["Variables"];
    let own = &root["Resources"]["AuthorizerFunction"]["Properties"]["Environment"]["Variables"];
    let mut complaints = differences("Globals", keys(global), EnvVar::OPERATION.iter().map(|v| v.name));
    complaints.extend(differences(
        "AuthorizerFunction",
        keys(own),
        EnvVar::AUTHORIZER.iter().map(|v| v.name),
    ));
    let function = operations::get(DELEGATION_FIRST).logical_id();
    let delegation = &root["Resources"][&function]["Properties"]["Environment"]["Variables"];
    complaints.extend(differences(&function, keys(delegation), EnvVar::DELEGATION.iter().map(|v| v.name)));
    for (variables, name) in
        [(global, "Globals"), (own, "AuthorizerFunction"), (delegation, function.as_str())]
    {
        for variable in keys(variables) {
            if !matches!(&variables[variable], Value::Tagged(tagged) if tagged.tag == "!Ref") {
                complaints.push(format!("{name}: {variable} must come from a parameter"));
            }
        }
    }
    for parameter in keys(&root["Parameters"]) {
        let suspicious = ["Token", "Password", "Key", "Secret"].iter().any(|word| parameter.ends_with(word));
        if suspicious {
            complaints.push(format!("{parameter}: a parameter must name a secret, not hold it"));
        }
    }
    complaints
}

#[test]
fn the_template_is_as_the_table_says() {
    assert_none(check(&template()));
}

#[test]
fn a_template_that_differs_is_noticed() {
    let good = template();
    for (from, to, about) in [
        ("GetTenantFunction:", "FetchTenantFunction:", "lacks `GetTenantFunction`"),
        ("GetTenantFunction:", "FetchTenantFunction:", "has `FetchTenantFunction`"),
        ("target/lambda/get-tenant/", "target/lambda/list-tenants/", "GetTenantFunction"),
        (
            "Path: /tenants/{tenant}\n            Method: put",
            "Path: /tenants/{tenant}\n            Method: patch",
            "UpdateTenantFunction",
        ),
        (
            "Path: /tenants/{tenant}\n            Method: get",
            "Path: /tenants/{id}\n            Method: get",
            "GetTenantFunction",
        ),
        ("Action: secretsmanager:GetSecretValue", "Action: secretsmanager:*", "`*` in Action"),
        ("Resource: !Ref OktaCredentialSecretArn", "Resource: '*'", "`*` in Resource"),
        ("TOKEN_ISSUER: !Ref TokenIssuer", "TOKEN_ISSUER: https://example.test", "TOKEN_ISSUER must come"),
        ("CORS_ALLOW_ORIGIN:", "CORS_ORIGIN:", "lacks `CORS_ALLOW_ORIGIN`"),
        ("        - !Ref UpdateTenantFunctionRole\n", "", "FlushPolicy lacks `UpdateTenantFunctionRole`"),
        (
            "Resource: !GetAtt StateTable.Arn\n      Events",
            "Resource: !GetAtt Other.Arn\n      Events",
            "StateTable",
        ),
        (
            "  OktaDacAppId:\n    Type",
            "  OktaApiToken:\n    Type: String\n  OktaDacAppId:\n    Type",
            "OktaApiToken",
        ),
        (
            "            Path: /tenants/{tenant}\n            Method: delete",
            "            Path: /tenants/{tenant}\n            Method: delete\n            Auth: {Authorizer: NONE}",
            "DeleteTenantFunction",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        assert_some(check(&good.replacen(from, to, 1)), about);
    }
}

#[test]
fn the_block_to_paste_is_what_the_template_has() {
    for operation in OPERATIONS {
        assert!(template().contains(&block(operation)), "{}", block(operation));
    }
}
