//! The OpenAPI 3.1 document.

use std::collections::BTreeMap;

use heck::ToPascalCase;
use lambda_kit::{Description, Example, Values};
use operations::{Method, Operation, ProblemCode, Trigger};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The document of all operations.
pub fn openapi(endpoints: &[&Description]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in endpoints {
        // OpenAPI has no parameter for the rest of a path.
        let Some((_, path)) = endpoint.operation.route() else { continue };
        let path = paths.entry(path.replace("+}", "}")).or_insert_with(|| json!({}));
        for (method, id) in methods(endpoint.operation) {
            let mut described = operation(endpoint, &mut generator);
            if matches!(endpoint.operation.trigger, Trigger::EventHook { .. }) {
                event_hook(&mut described, method, &(endpoint.example)());
            }
            described["operationId"] = id.into();
            path[method.to_lowercase()] = described;
        }
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "okta-dac", "version": env!("CARGO_PKG_VERSION"),
            "summary": "One Okta org as a multi-tenant identity platform that tenants administer themselves.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:3000", "description": "The local stack" }],
        "security": [{ "accessToken": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "accessToken": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "Access token of the custom authorization server, with the scope `dac.admin`, `managed.access` for delegation, or `dac.respond` for responses.",
                },
                "hookSecret": {
                    "type": "apiKey", "in": "header", "name": "Authorization",
                    "description": "What Okta sends with its inline hooks.",
                },
            },
        },
    })
}

/// The methods that an operation answers, each with its operationId.
pub fn methods(operation: &Operation) -> Vec<(&'static str, String)> {
    if let Trigger::EventHook { .. } = operation.trigger {
        let id = operation.operation_id();
        return vec![("GET", format!("{id}Verification")), ("POST", id)];
    }
    match operation.route().map(|(method, _)| method) {
        None => Vec::new(),
        Some(Method::Any) => ["GET", "POST", "PUT", "DELETE"]
            .map(|method| (method, format!("{}{}", operation.operation_id(), method.to_pascal_case())))
            .into(),
        Some(method) => vec![(method.as_str(), operation.operation_id())],
    }
}

/// What a parameter of a path may hold: a tenant's name, a domain, or an Okta id.
fn path_schema(name: &str) -> Value {
    match name {
        "tenant" => json!({ "type": "string", "minLength": 1, "maxLength": 220 }),
        "domain" => json!({ "type": "string", "format": "hostname", "minLength": 3, "maxLength": 253 }),
        "connection" => json!({ "type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$" }),
        "proxy" => json!({ "type": "string", "pattern": "^(users|groups)(/[A-Za-z0-9@._-]+)*$" }),
        _ => json!({ "type": "string", "pattern": "^[A-Za-z0-9]{1,40}$" }),
    }
}

fn operation(endpoint: &Description, generator: &mut SchemaGenerator) -> Value {
    let (operation, example) = (endpoint.operation, (endpoint.example)());
    let path = operation.route().map_or("", |(_, path)| path);
    let segments = path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
    let segments = segments.map(|name| name.trim_end_matches('+'));
    let path = segments
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": path_schema(name) }));
    let query = endpoint.query.iter().map(|parameter| {
        json!({
            "name": parameter.name, "in": "query", "description": parameter.description,
            "schema": match parameter.values {
                Values::Text => json!({ "type": "string" }),
                Values::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
                Values::OneOf(values) => json!({ "type": "string", "enum": values }),
            },
        })
    });
    let key = json!({
        "name": "Idempotency-Key", "in": "header",
        "description": "1 to 255 printable characters: the same key and request within 24 hours give the same answer.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
    });
    let key = operation.http().is_some_and(|http| http.idempotent).then_some(key);
    let parameters: Vec<Value> = path.chain(query).chain(key).collect();
    let mut described = json!({
        "tags": [operation.package.name()],
        "summary": operation.summary, "description": format!("Who: {}.", operation.started_by()),
        "responses": responses(endpoint, generator, example.answer),
    });
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Trigger::Public { .. } = operation.trigger {
        described["security"] = json!([]);
    }
    if let Trigger::InlineHook { .. } = operation.trigger {
        // Okta's own description says what it sends and takes.
        let hook = "https://developer.okta.com/docs/reference/token-hook/";
        described["security"] = json!([{ "hookSecret": [] }]);
        described["externalDocs"] = json!({ "description": "Token inline hook", "url": hook });
        let content = json!({ "schema": { "type": "object" }, "example": example.body });
        described["requestBody"] = json!({ "required": true, "content": { "application/json": content } });
        let answer = json!({ "type": "object", "properties": {
            "commands": { "type": "array", "items": { "type": "object" } }, "error": { "type": "object" },
        } });
        let content = json!({ "application/json": { "schema": answer } });
        described["responses"][operation.success().to_string()]["content"] = content;
    }
    if let Some(schema) = (endpoint.body)(generator) {
        let mut content = json!({ "schema": schema });
        if let Some(body) = example.body {
            content["example"] = body;
        }
        described["requestBody"] =
            json!({ "required": endpoint.body_required, "content": { "application/json": content } });
    }
    described
}

/// Okta's own description says what it sends and takes.
fn event_hook(described: &mut Value, method: &str, example: &Example) {
    let hook = "https://developer.okta.com/docs/concepts/event-hooks/";
    described["security"] = json!([{ "hookSecret": [] }]);
    described["externalDocs"] = json!({ "description": "Event hooks", "url": hook });
    let answer = if method == "GET" {
        described["summary"] = "Send Okta's one-time challenge back, which verifies the hook.".into();
        described["parameters"] = json!([{
            "name": "X-Okta-Verification-Challenge", "in": "header", "required": true,
            "schema": { "type": "string", "minLength": 1, "maxLength": 256 },
        }]);
        json!({ "type": "object", "properties": { "verification": { "type": "string" } } })
    } else {
        let content = json!({ "schema": { "type": "object" }, "example": example.body });
        described["requestBody"] = json!({ "required": true, "content": { "application/json": content } });
        json!({ "type": "object" })
    };
    described["responses"]["200"]["content"] = json!({ "application/json": { "schema": answer } });
}

fn responses(endpoint: &Description, generator: &mut SchemaGenerator, answer: Option<Value>) -> Value {
    let mut responses = BTreeMap::new();
    let content = (endpoint.output)(generator).map(|schema| json!({ "schema": schema }));
    let content = content.or_else(|| (endpoint.media_type != "application/json").then(|| json!({})));
    let mut success = json!({ "description": "Done." });
    if let Some((status, when)) = endpoint.other_success {
        let content = json!({ (endpoint.media_type): content.clone().unwrap_or_default() });
        responses.insert(status.to_string(), json!({ "description": when, "content": content }));
    }
    if let Some(mut content) = content.filter(|_| endpoint.operation.success() != 204) {
        if let Some(answer) = answer {
            content["example"] = answer;
        }
        success["content"] = json!({ (endpoint.media_type): content });
    }
    responses.insert(endpoint.operation.success().to_string(), success);
    let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
    for code in endpoint.operation.all_problems() {
        by_status.entry(code.status()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let description: Vec<_> =
            codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
        let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
        let mut content = json!({ "application/problem+json": problem });
        if matches!(status, 401 | 403 | 503) {
            // API Gateway's own answer, before a function is called.
            content["application/json"] = json!({ "schema": { "type": "object" } });
        }
        responses
            .insert(status.to_string(), json!({ "description": description.join(" "), "content": content }));
    }
    json!(responses)
}

fn problem_schema() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let codes: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    let objects = json!({ "type": "array", "items": { "type": "object" } });
    json!({
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance", "code", "retryable", "message"],
        "properties": {
            "type": text("`/problems/` and the code."), "title": text("The same for every occurrence."),
            "status": { "type": "integer" }, "detail": text("What is wrong with this request, and what to do."),
            "instance": text("Id of the request."), "code": { "type": "string", "enum": codes },
            "retryable": { "type": "boolean", "description": "Whether the same request may succeed later." },
            "message": text("As `detail`."),
            "error": text("As `detail`; of the operations that the predecessor had."),
            "errors": { "type": "array", "items": {
                "type": "object", "required": ["pointer", "detail"],
                "properties": { "pointer": text("JSON pointer, or `query.` or `path.` and a name."), "detail": text("The rule.") },
            } },
            "existingId": text("Id of the tenant that has the name."),
            "completed": { "type": "array", "items": { "type": "string" } },
            "undone": objects, "leftBehind": objects, "deleted": objects,
            "errorCode": text("Okta's."), "errorSummary": text("Okta's."), "errorId": text("Okta's."),
        },
    })
}
