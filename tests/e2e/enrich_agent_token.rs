//! `POST /tokenEnrichment/agent`

use gateway::HOOK_SECRET;
use serde_json::{Value, json};
use tests::{Answer, Managed, Superuser, TestStack};

const HOOK: &str = "/tokenEnrichment/agent";
const AGENT: &str = "00u00000000000000008";
const CLIENT: &str = "0oa1dacapp0000000001";

/// Starts a delegation with a token of the okta-dac app.
async fn started(stack: &TestStack) -> String {
    let start = json!({ "entityid": "00u00000000000000009" });
    let answer = stack.post("/agent", Managed("agent@demo.test"), start).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.body["id"].as_str().unwrap().to_owned()
}

fn payload(state: &str) -> Value {
    json!({
        "eventType": "com.okta.oauth2.tokens.transform",
        "data": {
            "context": { "protocol": { "request": { "state": state }, "client": { "id": CLIENT } }, "user": { "id": AGENT } },
            "access": { "claims": { "uid": AGENT, "cid": CLIENT, "sub": "agent@demo.test" } },
        },
    })
}

async fn hook(stack: &TestStack, secret: Option<&str>, payload: &Value) -> Answer {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(secret.map(|secret| ("authorization", secret.to_owned())));
    stack.raw("POST", HOOK, &headers, payload.to_string().into_bytes()).await
}

fn is_delegated(answer: &Answer) -> bool {
    answer.body.to_string().contains("on_behalf_sub")
}

/// Started by one process, used up by another: nothing is kept in either.
#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let id = started(&stack).await;
    let answer = hook(&stack, Some(HOOK_SECRET), &payload(&id)).await;
    assert!(answer.status == 200 && is_delegated(&answer), "{answer}");
    assert_ne!(stack.stack.processes("start-delegation"), stack.stack.processes("enrich-agent-token"));
    let again = hook(&stack, Some(HOOK_SECRET), &payload(&id)).await;
    assert_eq!((again.status, &again.body), (200, &json!({ "commands": [] })), "{again}");
    for body in ["", "null", "[]", "{", "\"text\""] {
        let headers = [("authorization", HOOK_SECRET.to_owned())];
        let answer = stack.raw("POST", HOOK, &headers, body.as_bytes().to_vec()).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "commands": [] })), "{body}: {answer}");
    }
}

/// DLG-05: the secret is all there is before the hook.
#[tokio::test]
async fn dlg_05_whoever_does_not_know_the_secret_is_refused() {
    let stack = TestStack::start().await;
    let id = started(&stack).await;
    let token = stack.bearer(Superuser);
    let wrong = format!("{}x", &HOOK_SECRET[..HOOK_SECRET.len() - 1]);
    let bearer = format!("Bearer {HOOK_SECRET}");
    for secret in [None, Some(""), Some("x"), Some(&wrong[..]), Some(&bearer), Some(&token), Some("{}")] {
        let answer = hook(&stack, secret, &payload(&id)).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{secret:?}: {answer}");
    }
    assert!(is_delegated(&hook(&stack, Some(HOOK_SECRET), &payload(&id)).await), "not used up");
}

#[tokio::test]
async fn dlg_05_two_secrets_for_rotation_and_none_that_is_short() {
    let next = "the-next-secret-of-the-token-hook-000002";
    let both = json!({ "current": next, "previous": HOOK_SECRET }).to_string();
    let stack = TestStack::start_as(|options| options.hook_secret = Some(both)).await;
    for secret in [next, HOOK_SECRET] {
        let id = started(&stack).await;
        assert!(is_delegated(&hook(&stack, Some(secret), &payload(&id)).await), "{secret}");
    }
    for stored in
        [json!({ "current": "short" }), json!({ "current": next, "previous": "short" }), json!("text")]
    {
        let stored = stored.to_string();
        let stack = TestStack::start_as(|options| options.hook_secret = Some(stored)).await;
        let id = started(&stack).await;
        for secret in ["short", next, "", HOOK_SECRET] {
            assert!(!is_delegated(&hook(&stack, Some(secret), &payload(&id)).await), "{secret}");
        }
        let log = stack.log("enrich-agent-token");
        assert!(log.iter().any(|line| line["level"] == "ERROR" && line["message"] == "the hook's secret cannot be read"), "{log:?}");
    }
}

/// With `deny`, a doubt stops the token: also where Okta or the table is away.
#[tokio::test]
async fn man_26_a_doubt_can_deny_the_token() {
    let stack = TestStack::start_configured(&[("DelegationFail", "deny")]).await;
    let denied = json!({ "error": { "errorSummary": "The delegation could not be confirmed." } });
    let id = started(&stack).await;
    stack.break_call(1, u64::MAX, crate::status(500));
    let answer = hook(&stack, Some(HOOK_SECRET), &payload(&id)).await;
    assert_eq!((answer.status, &answer.body), (200, &denied), "{answer}");
    stack.okta().clear_faults();
    stack.stack.stop_dynamodb();
    let answer = hook(&stack, Some(HOOK_SECRET), &payload(&id)).await;
    assert_eq!((answer.status, &answer.body), (200, &denied), "{answer}");
    let ordinary = hook(&stack, Some(HOOK_SECRET), &payload("its-own")).await;
    assert_eq!((ordinary.status, &ordinary.body), (200, &json!({ "commands": [] })), "{ordinary}");
}

/// MAN-26: Okta waits three seconds; the hook answers before, whatever Okta does.
#[tokio::test]
async fn man_26_a_slow_okta_is_no_lost_answer() {
    let stack = TestStack::start().await;
    let id = started(&stack).await;
    hook(&stack, Some(HOOK_SECRET), &payload("its-own")).await; // The process runs.
    stack.okta().configure(|settings| settings.latency_ms = 10_000);
    let asked = std::time::Instant::now();
    let answer = hook(&stack, Some(HOOK_SECRET), &payload(&id)).await;
    assert_eq!((answer.status, &answer.body), (200, &json!({ "commands": [] })), "{answer}");
    assert!(asked.elapsed() < std::time::Duration::from_secs(3), "{:?}", asked.elapsed());
    stack.okta().configure(|settings| settings.latency_ms = 0);
    // There was time left for the record.
    let records = stack.get("/delegator/events?limit=1", Managed("delegator@demo.test")).await;
    assert_eq!(records.body[0]["reason"], "Okta does not answer", "{records}");
    assert!(is_delegated(&hook(&stack, Some(HOOK_SECRET), &payload(&id)).await), "not used up");
}

/// A configuration that cannot work does not start.
#[tokio::test]
async fn a_reserved_claim_is_refused_at_the_start() {
    let stack = TestStack::start_configured(&[("DelegatedAccessClaims", "department,tenants")]).await;
    let answer = hook(&stack, Some(HOOK_SECRET), &payload("x")).await;
    assert!(answer.status >= 500, "{answer}");
    let log = format!("{:?}", stack.log("enrich-agent-token"));
    assert!(log.contains("the function cannot start") && log.contains("DELEGATED_ACCESS_CLAIMS"), "{log}");
}
