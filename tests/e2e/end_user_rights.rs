//! `GET` and `POST /events/okta`

use gateway::HOOK_SECRET;
use okta_emulator::DeliverRequest;
use serde_json::{Value, json};
use tests::{Bearer, Superuser, TestStack};

const HOOK: &str = "/events/okta";

async fn send(stack: &TestStack, method: &str, headers: &[(&str, &str)], body: &Value) -> tests::Answer {
    let headers: Vec<(&str, String)> =
        headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
    stack.raw(method, HOOK, &headers, body.to_string().into_bytes()).await
}

/// What the hook answered to the events since the last time.
async fn delivered(stack: &TestStack, request: DeliverRequest) -> Vec<Vec<u16>> {
    let delivered = stack.okta().deliver(&request).await;
    delivered.into_iter().map(|delivered| delivered.statuses).collect()
}

/// Whatever Okta ends: the tokens of before give nothing, and a new one counts if the
/// right came back. Each event comes twice, and the newest first.
#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let groups = stack.get("/tenants/acme", Superuser).await.body;
    let admins = groups["ADMINS_groupId"].as_str().unwrap();
    let superusers = stack.prepare("GET", "/api/v1/groups?q=SUPERUSERS", json!({})).await;
    let superusers = superusers[0]["id"].as_str().unwrap();
    let (admin, root) = (stack.user("admin@acme.test").await, stack.user("superuser@demo.test").await);
    for (login, path, ends, back) in [
        (
            "admin@acme.test",
            "/tenants/acme",
            ("POST", format!("/api/v1/users/{admin}/lifecycle/suspend")),
            ("POST", format!("/api/v1/users/{admin}/lifecycle/unsuspend")),
        ),
        (
            "admin@acme.test",
            "/tenants/acme",
            ("DELETE", format!("/api/v1/groups/{admins}/users/{admin}")),
            ("PUT", format!("/api/v1/groups/{admins}/users/{admin}")),
        ),
        (
            "superuser@demo.test",
            "/tenants",
            ("DELETE", format!("/api/v1/groups/{superusers}/users/{root}")),
            ("PUT", format!("/api/v1/groups/{superusers}/users/{root}")),
        ),
    ] {
        let old = stack.token(login);
        assert_eq!(stack.get(path, Bearer(old.clone())).await.status, 200, "{login}");
        stack.prepare(ends.0, &ends.1, json!({})).await;
        // Late: until the event comes, the token counts.
        assert_eq!(stack.get(path, Bearer(old.clone())).await.status, 200, "{login}");
        let answers = delivered(&stack, DeliverRequest { reversed: true, times: 2 }).await;
        assert_eq!(answers, [[200], [200]], "{login}");
        let refused = stack.get(path, Bearer(old)).await;
        assert_eq!((refused.status, refused.code()), (403, "forbidden"), "{login}: {refused}");
        stack.prepare(back.0, &back.1, json!({})).await;
        stack.okta().configure(|settings| settings.clock_offset_ms += 2_000);
        assert_eq!(stack.get(path, Bearer(stack.token(login))).await.status, 200, "{login}");
    }
    // One record among the tenant's, although the event came twice.
    let events = stack.get("/tenants/acme/events", Superuser).await;
    let records: Vec<_> = events.body.as_array().unwrap().iter().collect();
    assert_eq!(records.len(), 1, "{events}");
    assert_eq!(
        (&records[0]["operation"], &records[0]["actor"], &records[0]["outcome"]),
        (&json!("end-user-rights"), &json!("okta-hook"), &json!("done"))
    );
    // A user of the tenant who is no admin leaves a group: nobody's right ended.
    let (user, users) = (stack.user("user@acme.test").await, groups["USERS_groupId"].as_str().unwrap());
    let admin = stack.token("admin@acme.test");
    stack.prepare("DELETE", &format!("/api/v1/groups/{users}/users/{user}"), json!({})).await;
    assert_eq!(delivered(&stack, DeliverRequest::default()).await, [[200]]);
    assert_eq!(stack.get("/tenants/acme", Bearer(admin)).await.status, 200);
}

/// A group that is gone is known by its name: no tenant's admin can delete one.
#[tokio::test]
async fn the_end_of_a_group_ends_the_rights_of_its_members() {
    let stack = TestStack::start().await;
    let acme = stack.get("/tenants/acme", Superuser).await.body;
    let admins = acme["ADMINS_groupId"].as_str().unwrap();
    let token = stack.token("admin@acme.test");
    stack.prepare("DELETE", &format!("/api/v1/groups/{admins}"), json!({})).await;
    assert_eq!(delivered(&stack, DeliverRequest::default()).await, [[200]]);
    assert_eq!(stack.get("/apps", Bearer(token)).await.body, json!([]));
    let refused = stack.get("/tenants/acme", Bearer(stack.token("admin@acme.test"))).await;
    assert_ne!(refused.status, 200);

    let superusers = stack.prepare("GET", "/api/v1/groups?q=SUPERUSERS", json!({})).await;
    let token = stack.token("superuser@demo.test");
    let path = format!("/api/v1/groups/{}", superusers[0]["id"].as_str().unwrap());
    stack.prepare("DELETE", &path, json!({})).await;
    assert_eq!(delivered(&stack, DeliverRequest::default()).await, [[200]]);
    assert_eq!(stack.get("/tenants", Bearer(token)).await.status, 403);
}

#[tokio::test]
async fn okta_verifies_the_hook() {
    let stack = TestStack::start().await;
    let hook = json!({
        "name": "rights", "events": { "type": "EVENT_TYPE", "items": gateway::EVENT_HOOK_EVENTS },
        "channel": { "type": "HTTP", "version": "1.0.0", "config": {
            "uri": format!("{}{HOOK}", stack.stack.api_url()),
            "authScheme": { "type": "HEADER", "key": "Authorization", "value": HOOK_SECRET },
        } },
    });
    let made = stack.prepare("POST", "/api/v1/eventHooks", hook).await;
    assert_eq!(made["verificationStatus"], "UNVERIFIED");
    let verify = format!("/api/v1/eventHooks/{}/lifecycle/verify", made["id"].as_str().unwrap());
    assert_eq!(stack.prepare("POST", &verify, json!({})).await["verificationStatus"], "VERIFIED");
}

#[tokio::test]
async fn invalid_request() {
    let stack = TestStack::start().await;
    let secret = ("authorization", HOOK_SECRET);
    for headers in [&[secret][..], &[secret, ("x-okta-verification-challenge", &"a".repeat(257))]] {
        let answer = send(&stack, "GET", headers, &Value::Null).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid-request"), "{answer}");
    }
    for body in [json!(null), json!({ "data": {} })] {
        let answer = send(&stack, "POST", &[secret, ("content-type", "application/json")], &body).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid-request"), "{answer}");
    }
    // An event that cannot be read does not hide the others.
    let id = stack.user("admin@acme.test").await;
    let event = json!({
        "uuid": "1", "published": "2100-01-01T00:00:00.000Z", "eventType": "user.lifecycle.suspend",
        "target": [{ "id": id, "type": "User" }],
    });
    let body = json!({ "data": { "events": [{ "uuid": 7 }, event] } });
    let (old, path) = (stack.token("admin@acme.test"), "/tenants/acme");
    let answer = send(&stack, "POST", &[secret, ("content-type", "application/json")], &body).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(stack.get(path, Bearer(old)).await.status, 403);
}

#[tokio::test]
async fn unauthorized() {
    let stack = TestStack::start().await;
    for headers in [&[][..], &[("authorization", "wrong")]] {
        for method in ["GET", "POST"] {
            let answer = send(&stack, method, headers, &json!({ "data": { "events": [] } })).await;
            assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{method}: {answer}");
        }
    }
}

/// Okta sends the event once more, and then never again.
#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let admin = stack.user("admin@acme.test").await;
    stack.prepare("POST", &format!("/api/v1/users/{admin}/lifecycle/suspend"), json!({})).await;
    stack.stack.stop_dynamodb();
    assert_eq!(delivered(&stack, DeliverRequest::default()).await, [[503, 503]]);
}
