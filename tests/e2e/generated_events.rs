//! Events that nobody sends on purpose: whatever API Gateway's event holds, a function answers, and
//! does not end.

use fastrand::Rng;
use serde_json::{Value, json};
use tests::{TestStack, repository};

/// Events of each function; 10,000 in all.
const EACH: usize = 1_000;

const FUNCTIONS: [&str; 10] = [
    "add-tenant",
    "add-tenant-domain",
    "add-tenant-response",
    "authorizer",
    "end-user-rights",
    "enrich-agent-token",
    "get-tenant",
    "list-tenants",
    "okta-proxy",
    "update-idp",
];

/// What stands in the way of careless parsers.
fn nasty(rng: &mut Rng) -> Value {
    let texts = [
        "",
        " ",
        "\0",
        "..",
        "/",
        "//",
        "%",
        "%00%ff",
        "%E2%28%A1",
        "https,http",
        "[",
        "a:99999999",
        "{}",
        "[]",
        "\u{202e}",
        "é",
        "Bearer ",
        "Bearer a.b.c",
        "-1",
        "1e999",
        "2027-13-41T99:99:99Z",
        "<?xml version=\"1.0\"?><a",
        "-----BEGIN CERTIFICATE-----",
        "9999999999999999999999",
    ];
    match rng.u8(0..12) {
        0 => Value::Null,
        1 => true.into(),
        2 => json!(i64::MIN),
        3 => json!(1e308),
        4 => json!([]),
        5 => json!({}),
        6 => json!([null, [], {}]),
        7 => "x".repeat(5_000).into(),
        8 => (0..100).fold(json!("deep"), |inner, _| json!([inner])),
        9 => json!({ "": { "a": [texts[rng.usize(0..texts.len())]] } }),
        10 => (0..rng.usize(0..40)).map(|_| rng.char(..)).collect::<String>().into(),
        _ => texts[rng.usize(0..texts.len())].into(),
    }
}

/// Changes something, somewhere.
fn mutate(value: &mut Value, rng: &mut Rng) {
    match value {
        Value::Object(members) if !members.is_empty() && rng.u8(0..8) > 0 => {
            let names: Vec<String> = members.keys().cloned().collect();
            let name = &names[rng.usize(0..names.len())];
            match rng.u8(0..10) {
                0 => drop(members.remove(name)),
                1 => drop(members.insert((0..5).map(|_| rng.alphanumeric()).collect(), nasty(rng))),
                _ => mutate(members.entry(name.clone()).or_insert(Value::Null), rng),
            }
        }
        Value::Array(elements) if !elements.is_empty() && rng.u8(0..4) > 0 => {
            let at = rng.usize(0..elements.len());
            mutate(&mut elements[at], rng);
        }
        // A body that is JSON of its own.
        Value::String(text) if rng.bool() && text.starts_with('{') => {
            let mut inner = serde_json::from_str(text).unwrap_or_default();
            mutate(&mut inner, rng);
            *value = inner.to_string().into();
        }
        other => *other = nasty(rng),
    }
}

/// An event, without what is long.
fn excerpt(event: &Value) -> String {
    event.to_string().replace(&"x".repeat(5_000), "xxx…")
}

fn sample(function: &str) -> Value {
    if function == "authorizer" {
        return json!({
            "type": "REQUEST", "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api1/v1/GET/tenants/acme",
            "resource": "/tenants/{tenant}", "path": "/tenants/acme", "httpMethod": "GET",
            "headers": { "Authorization": "Bearer e30.e30.AA" },
            "multiValueHeaders": { "Authorization": ["Bearer e30.e30.AA"] },
            "queryStringParameters": {}, "multiValueQueryStringParameters": {}, "pathParameters": { "tenant": "acme" },
            "stageVariables": {}, "requestContext": { "path": "/v1/tenants/acme", "resourcePath": "/tenants/{tenant}" },
        });
    }
    let event = std::fs::read(repository().join(format!("events/{function}.json"))).unwrap();
    serde_json::from_slice(&event).unwrap()
}

#[tokio::test]
async fn no_event_ends_a_function() {
    let stack = TestStack::start().await;
    let mut rng = Rng::with_seed(20_261_130);
    for function in FUNCTIONS {
        let sample = sample(function);
        stack.invoke(function, sample.to_string().into_bytes()).await;
        for n in 0..EACH {
            let mut event = sample.clone();
            for _ in 0..rng.usize(1..4) {
                mutate(&mut event, &mut rng);
            }
            let answer = stack.invoke(function, event.to_string().into_bytes()).await;
            let said = answer.body.to_string();
            assert!(
                answer.status == 200 && !["panicked", "Runtime."].iter().any(|end| said.contains(end)),
                "{function} {n}: {}\n{answer}",
                excerpt(&event)
            );
            // What a client of the API gets is an answer of ours.
            if let Some(status) = answer.body["statusCode"].as_u64() {
                assert!(
                    (200..=503).contains(&status) && status != 500,
                    "{function} {n}: {}\n{answer}",
                    excerpt(&event)
                );
            }
        }
    }
}
