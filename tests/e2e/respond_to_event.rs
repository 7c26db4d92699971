//! The task `respond-to-event`.

use serde_json::{Value, json};
use tests::TestStack;

use crate::add_response::{SUPERUSER, body};

async fn status(stack: &TestStack, login: &str) -> String {
    stack.okta_client().get_user(login).await.unwrap().status
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let event = json!({
        "id": "1", "source": "okta-dac.response", "detail-type": "Respond",
        "detail": body("user@acme.test", &["suspend"]),
    });
    for _ in 0..2 {
        let answer = stack.local("/_local/events", event.clone()).await;
        assert_eq!(answer.body["invoked"][0]["payload"]["outcome"], "responded", "{answer}");
    }
    assert_eq!(status(&stack, "user@acme.test").await, "SUSPENDED");
    let all = stack.get("/responses", SUPERUSER).await;
    // Beside that of the demo org.
    assert_eq!(all.body.as_array().map(Vec::len), Some(2), "{all}");
}

/// The System Log through a partner's bus: the first rule that matches, in its mode.
#[tokio::test]
async fn a_rule_says_what_is_done() {
    let rules = json!([
        { "name": "risky", "match": { "eventType": ["user.risk.detect"], "minRisk": "HIGH" },
          "actions": ["suspend", "clear-sessions"], "expiresIn": 3600, "mode": "act" },
        { "name": "watch", "match": { "eventType": ["user.risk.detect"] }, "actions": ["suspend"], "mode": "observe" },
    ]);
    let stack = TestStack::start_as(|options| {
        options.response_rules = Some(rules.to_string());
    })
    .await;
    let (risky, other) = (stack.user("user@acme.test").await, stack.user("user@globex.test").await);
    let published = stack.okta_client();
    published.get_user("user@acme.test").await.unwrap();
    let event = |id: &str, user: &str, risk: &str| {
        json!({
            "id": id, "source": "aws.partner/okta.com/demo/System", "detail-type": "SystemLog",
            "detail": {
                "uuid": id, "eventType": "user.risk.detect", "published": published.time(), "severity": "WARN",
                "actor": { "id": "00ubehind", "type": "User" }, "target": [{ "id": user, "type": "User" }],
                "debugContext": { "debugData": { "risk": format!("{{level={risk}}}") } },
            },
        })
    };
    let outcome = async |event: Value| {
        let answer = stack.local("/_local/events", event).await;
        answer.body["invoked"][0]["payload"]["outcome"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(outcome(event("1", &risky, "HIGH")).await, "responded");
    assert_eq!(outcome(event("2", &other, "MEDIUM")).await, "observed");
    assert_eq!(
        (status(&stack, "user@acme.test").await, status(&stack, "user@globex.test").await),
        ("SUSPENDED".to_owned(), "ACTIVE".to_owned())
    );
    let all = stack.get("/responses", SUPERUSER).await;
    assert_eq!(all.body[1]["actor"]["rule"], "risky", "{all}");
}

/// Rules that cannot be read are an error to Lambda, which keeps the event.
#[tokio::test]
async fn rules_that_are_wrong_fail() {
    let stack = TestStack::start_as(|options| {
        options.response_rules = Some("[{}]".to_owned());
    })
    .await;
    let client = stack.okta_client();
    client.get_user("user@acme.test").await.unwrap();
    let event = json!({
        "source": "okta-dac.response", "detail-type": "x",
        "detail": { "uuid": "1", "eventType": "x", "published": client.time(), "actor": { "id": "00u9" } },
    });
    let answer = stack.local("/_local/events", event).await;
    assert_eq!(answer.body["invoked"][0]["functionError"], "Unhandled", "{answer}");
}
