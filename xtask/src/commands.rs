//! `cli/src/api/commands.json`: the commands of `okta-dac` for the operations of the API, from
//! the table and from the schemas of the OpenAPI document.

use heck::ToKebabCase;
use lambda_kit::Description;
use operations::{Method, Operation, Package};
use serde_json::{Map, Value, json};

use crate::openapi::openapi;

/// The group of a package's operations, and the words that the names of its commands leave out.
const fn group(package: Package) -> Option<(&'static str, &'static [&'static str])> {
    Some(match package {
        Package::Tenants => ("tenants", &["tenant", "tenants"]),
        Package::TenantAdmins => ("admins", &["tenant", "admin", "admins"]),
        Package::Apps => ("apps", &["app", "apps"]),
        Package::TenantApps => ("tenant-apps", &["tenant", "app", "apps"]),
        Package::TenantDomains => ("domains", &["tenant", "domain", "domains"]),
        Package::Idps => ("idps", &["idp", "idps"]),
        Package::Delegation => ("delegation", &["delegation"]),
        Package::Responses => ("responses", &["response", "responses"]),
        _ => return None,
    })
}

/// The catalogue, as the program reads it.
pub(crate) fn commands(endpoints: &[&'static Description]) -> Value {
    let document = openapi(endpoints);
    let of = |endpoint: &&&Description| command(&document, endpoint.operation);
    endpoints.iter().filter_map(|endpoint| of(&endpoint)).collect()
}

fn command(document: &Value, operation: &Operation) -> Option<Value> {
    let http = operation.http()?;
    let (group, left_out) = group(operation.package)?;
    let name: Vec<&str> = operation.name.split('-').filter(|word| !left_out.contains(word)).collect();
    let described = &document["paths"][http.path][http.method.as_str().to_lowercase()];
    let mut parameters = Vec::new();
    for given in described["parameters"].as_array().into_iter().flatten() {
        let name = given["name"].as_str().unwrap_or_default();
        let is_paging = ["limit", "after"].contains(&name);
        match given["in"].as_str() {
            Some("path") => parameters.push(json!({
                "name": name, "in": "path", "kind": "text", "required": true, "help": place(name),
            })),
            Some("query") if !is_paging => parameters.push(json!({
                "name": name, "in": "query", "kind": "text", "required": false,
                "help": sentence(&given["description"]), "values": given["schema"]["enum"],
            })),
            _ => {}
        }
    }
    let body = body(document, described);
    let needs_body = described["requestBody"]["required"] == true;
    parameters.extend(members(document, body.as_ref(), needs_body));
    let answer = &described["responses"][operation.success().to_string()]["content"];
    let answer = resolved(document, &answer["application/json"]["schema"]);
    Some(json!({
        "group": group,
        "name": name.join("-"),
        "operation": operation.name,
        "about": operation.summary.trim_end_matches('.'),
        "who": http.access.describe(),
        "method": http.method.as_str(),
        "path": http.path,
        "idempotent": http.idempotent || !matches!(http.method, Method::Post),
        "pages": described["parameters"].as_array().into_iter().flatten().any(|given| given["name"] == "after"),
        "body": body.is_some(),
        "columns": columns(document, &answer),
        "parameters": parameters,
    }))
}

/// The schema behind a reference.
fn resolved(document: &Value, schema: &Value) -> Value {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    match name {
        Some(name) => document["components"]["schemas"][name].clone(),
        None => schema.clone(),
    }
}

fn body(document: &Value, described: &Value) -> Option<Value> {
    let schema = &described["requestBody"]["content"]["application/json"]["schema"];
    (!schema.is_null()).then(|| resolved(document, schema))
}

/// The members of a body that a command line can say.
fn members(document: &Value, body: Option<&Value>, needs_body: bool) -> Vec<Value> {
    let required: Vec<&str> = body
        .and_then(|body| body["required"].as_array())
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let members = body.and_then(|body| body["properties"].as_object()).into_iter().flatten();
    let mut parameters: Vec<Value> = members
        .map(|(name, schema)| {
            let inner = resolved(document, schema);
            let (kind, values) = kind(&inner, document);
            let help = [schema, &inner].iter().find_map(|schema| schema["description"].as_str());
            json!({
                "name": name, "in": "body", "kind": kind, "required": needs_body && required.contains(&name.as_str()),
                "help": sentence(&help.into()), "values": values,
            })
        })
        .collect();
    // What has to be there comes first: the first one is said without its name.
    parameters.sort_by_key(|parameter| parameter["required"] != true);
    parameters
}

/// How a value is written, and which there are.
fn kind(schema: &Value, document: &Value) -> (&'static str, Value) {
    let inner = |schemas: &Value| {
        let schemas = schemas.as_array().into_iter().flatten();
        schemas.map(|schema| resolved(document, schema)).find(|schema| schema["type"] != "null")
    };
    if let Some(one) = inner(&schema["anyOf"]).filter(|_| schema["type"].is_null()) {
        return kind(&one, document);
    }
    if let Some(values) = schema["oneOf"].as_array() {
        let names: Option<Vec<&Value>> =
            values.iter().map(|of| of.get("const").filter(|of| of.is_string())).collect();
        return names.map_or(("json", Value::Null), |names| ("text", json!(names)));
    }
    let is = |word: &str| {
        let types = &schema["type"];
        types == word || types.as_array().is_some_and(|types| types.iter().any(|of| of == word))
    };
    match () {
        () if is("string") => ("text", schema["enum"].clone()),
        () if is("boolean") => ("flag", Value::Null),
        () if is("integer") => ("number", Value::Null),
        () if is("array") => ("list", resolved(document, &schema["items"])["enum"].clone()),
        () => ("json", Value::Null),
    }
}

/// What a table of the answer shows: members with one value.
fn columns(document: &Value, answer: &Value) -> Vec<String> {
    let element =
        if answer["type"] == "array" { resolved(document, &answer["items"]) } else { answer.clone() };
    let members: Map<String, Value> = element["properties"].as_object().cloned().unwrap_or_default();
    let is_one =
        |schema: &Value| ["text", "flag", "number"].contains(&kind(&resolved(document, schema), document).0);
    members.iter().filter(|(_, schema)| is_one(schema)).map(|(name, _)| name.clone()).take(6).collect()
}

/// The first sentence, without its end.
fn sentence(text: &Value) -> String {
    let text = text.as_str().unwrap_or_default().replace('\n', " ");
    text.split(". ").next().unwrap_or_default().trim_end_matches('.').to_owned()
}

fn place(name: &str) -> String {
    match name {
        "tenant" => "Name of the tenant".to_owned(),
        "domain" => "The domain".to_owned(),
        other => format!("Id of the {}", other.to_kebab_case().trim_end_matches("-id").replace('-', " ")),
    }
}
