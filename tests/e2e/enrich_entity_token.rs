//! `POST /tokenEnrichment/entity`

use gateway::HOOK_SECRET;
use serde_json::{Value, json};
use tests::TestStack;

const HOOK: &str = "/tokenEnrichment/entity";
const USER: &str = "00u00000000000000008";
const ENTITY: &str = "00u00000000000000005";

async fn hook(stack: &TestStack, secret: &str, payload: &Value) -> tests::Answer {
    let headers = [("authorization", secret.to_owned()), ("content-type", "application/json".to_owned())];
    stack.raw("POST", HOOK, &headers, payload.to_string().into_bytes()).await
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let attribute = |title: &str| json!({ "title": title, "type": "string" });
    let properties = json!({ "entityId": attribute("Id"), "entityName": attribute("Name") });
    let change = json!({ "definitions": { "custom": { "id": "#custom", "type": "object", "properties": properties } } });
    stack.prepare("POST", "/api/v1/meta/schemas/user/default", change).await;
    let side = |name: &str| json!({ "name": name, "title": name, "description": name, "type": "USER" });
    let definition = json!({ "primary": side("parentEntity"), "associated": side("member") });
    stack.prepare("POST", "/api/v1/meta/schemas/user/linkedObjects", definition).await;
    let profile = json!({ "profile": { "entityId": "E-1", "entityName": "Entity One" } });
    stack.prepare("POST", &format!("/api/v1/users/{ENTITY}"), profile).await;
    stack
        .prepare("PUT", &format!("/api/v1/users/{USER}/linkedObjects/parentEntity/{ENTITY}"), json!({}))
        .await;
    let payload = json!({
        "eventType": "com.okta.oauth2.tokens.transform",
        "data": {
            "context": { "protocol": { "client": { "id": "0oa1" } }, "user": { "id": USER } },
            "access": { "claims": { "uid": USER } },
        },
    });
    let answer = hook(&stack, HOOK_SECRET, &payload).await;
    let operations = json!([{ "op": "add", "path": "/claims/entity", "value": "E-1" }]);
    assert_eq!((answer.status, &answer.body["commands"][0]["value"]), (200, &operations), "{answer}");
    let refused = hook(&stack, "wrong", &payload).await;
    assert_eq!((refused.status, refused.code()), (401, "unauthorized"), "{refused}");
}
