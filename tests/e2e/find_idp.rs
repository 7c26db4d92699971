//! `GET /.well-known/webfinger`

use serde_json::json;
use tests::{Answer, Superuser, TenantAdmin, TestStack};

/// Without any token.
async fn find(stack: &TestStack, query: &str) -> Answer {
    stack.raw("GET", &format!("/.well-known/webfinger{query}"), &[], Vec::new()).await
}

async fn started() -> TestStack {
    let stack = TestStack::start_configured(&[("DiscoveryBy", "webfinger")]).await;
    // The rules of the demo org are noted, and then nobody reads all of them.
    let report = stack.local("/_local/schedules/reconcile", json!({})).await;
    assert_eq!(report.body["payload"]["complete"], true, "{report}");
    stack
}

#[tokio::test]
async fn succeeds() {
    let stack = started().await;
    let domain = json!({ "domain": "acme.test", "verified": true });
    assert_eq!(stack.post("/tenants/acme/domains", Superuser, domain).await.status, 201);
    let shown = stack.get("/tenants/acme/domains/acme.test", TenantAdmin("acme")).await;
    assert_eq!(shown.body["verified"], true, "{shown}");
    let answer = find(&stack, "?resource=acct%3Aann%40eu.acme.test&rel=okta%3Aidp").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jrd+json"), "{answer}");
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let tenant = stack.get("/tenants/acme", Superuser).await.body["id"].as_str().unwrap().to_owned();
    let link = &answer.body["links"][0];
    assert_eq!(answer.body["subject"], "acct:ann@eu.acme.test");
    assert_eq!((&link["rel"], &link["properties"]["okta:idp:id"]), (&json!("okta:idp"), &json!(tenant)));
    assert!(link["href"].as_str().unwrap().ends_with(&format!("/sso/idps/{tenant}")), "{answer}");
    // A relation that there is not: no link, and no error (RFC 7033, section 4.3).
    let other =
        find(&stack, "?resource=ann%40acme.test&rel=author&rel=http%3A%2F%2Fexample.test%2Frel").await;
    assert_eq!((other.status, &other.body["links"]), (200, &json!([])), "{other}");
    // The domain of a rule is found, too.
    let globex = find(&stack, "?resource=ann%40globex.test").await;
    assert_eq!(globex.status, 200, "{globex}");
    // A suspended tenant is not.
    let suspended = stack.put("/tenants/acme", Superuser, json!({ "status": "SUSPENDED" })).await;
    assert_eq!(suspended.status, 200, "{suspended}");
    assert_eq!(find(&stack, "?resource=ann%40acme.test").await.code(), "domain-not-found");
}

#[tokio::test]
async fn invalid_request() {
    let stack = started().await;
    for query in [
        "",
        "?",
        "?rel=okta%3Aidp",
        "?resource=",
        "?resource=ann",
        "?resource=a%40a.test&resource=b%40b.test",
    ] {
        let answer = find(&stack, query).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid-request"), "{query}: {answer}");
        assert_eq!(answer.body["errors"][0]["pointer"], "query.resource", "{query}: {answer}");
    }
}

#[tokio::test]
async fn domain_not_found() {
    let stack = started().await;
    // Nobody's, one that is pending, a neighbour in letters, and a domain above.
    for domain in ["nobody.test", "globex-labs.test", "notglobex.test", "test.test"] {
        let answer = find(&stack, &format!("?resource=ann%40{domain}")).await;
        assert_eq!((answer.status, answer.code()), (404, "domain-not-found"), "{domain}: {answer}");
    }
    let stack = TestStack::start().await;
    let answer = find(&stack, "?resource=ann%40globex.test").await;
    assert_eq!((answer.status, answer.code()), (404, "domain-not-found"), "{answer}");
    assert!(answer.body["detail"].as_str().unwrap().contains("DiscoveryBy"), "{answer}");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = started().await;
    stack.stack.stop_dynamodb();
    let answer = find(&stack, "?resource=ann%40globex.test").await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
}
