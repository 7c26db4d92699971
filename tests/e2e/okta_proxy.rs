//! `ANY /api/v1/{proxy+}`

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use okta_emulator::Drop;
use serde_json::{Value, json};
use tests::{Answer, Superuser, TestStack, repository};

use crate::dropped;

const SECRET: &str = "demo-secret-of-the-okta-emulator";

/// An access token of the org itself, of the service integration.
async fn org_token(stack: &TestStack, scope: &str) -> String {
    let form = format!(
        "grant_type=client_credentials&scope={scope}&client_id=0oa1integration00001&client_secret={SECRET}"
    );
    stack.keep_out_of_logs(SECRET);
    let url = format!("{}/oauth2/v1/token", stack.okta().url());
    let client = reqwest::Client::builder().build().unwrap();
    let request = client.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    stack.keep_out_of_logs(&token);
    token
}

async fn call(stack: &TestStack, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
    let headers = [
        ("authorization", format!("Bearer {token}")),
        ("content-type", "application/json".to_owned()),
        ("cookie", "sid=not-for-okta".to_owned()),
        ("x-forwarded-for", "203.0.113.7".to_owned()),
    ];
    stack
        .raw(method, path, &headers, body.map(|body| body.to_string()).unwrap_or_default().into_bytes())
        .await
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let token = org_token(&stack, "okta.users.manage+okta.groups.manage").await;
    let user = stack.user("user@acme.test").await;
    let path = format!("/api/v1/users/{user}");
    let read = call(&stack, "GET", &path, &token, None).await;
    assert_eq!((read.status, &read.body["profile"]["login"]), (200, &json!("user@acme.test")), "{read}");
    assert!(
        !read.header("x-rate-limit-limit").is_empty() && !read.header("x-okta-request-id").is_empty(),
        "{read}"
    );
    // Bodies and statuses are Okta's.
    let changed = call(&stack, "POST", &path, &token, Some(json!({ "profile": { "nickName": "ü" } }))).await;
    assert_eq!((changed.status, &changed.body["profile"]["nickName"]), (200, &json!("ü")), "{changed}");
    let group =
        call(&stack, "POST", "/api/v1/groups", &token, Some(json!({ "profile": { "name": "proxied" } })))
            .await;
    let member = format!("/api/v1/groups/{}/users/{user}", group.body["id"].as_str().unwrap());
    let added = call(&stack, "PUT", &member, &token, None).await;
    assert_eq!((added.status, &added.body), (204, &Value::Null), "{added}");
    let absent = call(&stack, "GET", "/api/v1/users/00unobody", &token, None).await;
    assert_eq!((absent.status, &absent.body["errorCode"]), (404, &json!("E0000007")), "{absent}");
    // pxy_04: what is no JSON reaches Okta as it is, and its answer the caller.
    let bad = stack
        .raw(
            "POST",
            &path,
            &[("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())],
            b"{not json".to_vec(),
        )
        .await;
    assert_eq!((bad.status, &bad.body["errorCode"]), (400, &json!("E0000003")), "{bad}");
}

/// pxy_06: links lead here, and what they carry works.
#[tokio::test]
async fn links_lead_to_this_api() {
    let stack = TestStack::start().await;
    let token = org_token(&stack, "okta.users.manage").await;
    let search = "/api/v1/users?search=status%20eq%20%22ACTIVE%22&limit=2";
    let page = call(&stack, "GET", search, &token, None).await;
    let link = page.header("link");
    assert!(!link.contains(&stack.okta().url()), "{page}");
    let next = link.lines().find(|line| line.ends_with("rel=\"next\"")).unwrap();
    let next = next.split(['<', '>']).nth(1).unwrap();
    let path = next.strip_prefix(&stack.stack.api_url()).unwrap_or_else(|| panic!("{next}"));
    let second = call(&stack, "GET", path, &token, None).await;
    assert_eq!(second.status, 200, "{second}");
    assert_ne!(second.body[0]["id"], page.body[0]["id"]);
}

/// Also where more than one segment follows.
#[tokio::test]
async fn links_below_an_object_lead_to_this_api() {
    let stack = TestStack::start().await;
    let token = org_token(&stack, "okta.users.manage+okta.groups.manage").await;
    let groups = call(&stack, "GET", "/api/v1/groups?q=Everyone", &token, None).await;
    let group = groups.body[0]["id"].as_str().unwrap_or_else(|| panic!("{groups}"));
    let page = call(&stack, "GET", &format!("/api/v1/groups/{group}/users?limit=1"), &token, None).await;
    let here = format!("{}/api/v1/groups/{group}/users?", stack.stack.api_url());
    let link = page.header("link");
    assert!(link.lines().all(|line| line.starts_with(&format!("<{here}"))), "{page}");
    let next = link.lines().find(|line| line.ends_with("rel=\"next\"")).unwrap_or_else(|| panic!("{page}"));
    let path = next.split(['<', '>']).nth(1).unwrap().strip_prefix(&stack.stack.api_url()).unwrap();
    let second = call(&stack, "GET", path, &token, None).await;
    assert_eq!(second.status, 200, "{second}");
    assert_ne!(second.body[0]["id"], page.body[0]["id"]);
}

/// Whether it is done, only Okta knows; it must not be said that nothing was changed.
#[tokio::test]
async fn outcome_unknown() {
    let stack = TestStack::start().await;
    let token = org_token(&stack, "okta.groups.manage").await;
    let body = json!({ "profile": { "name": "proxied" } });
    stack.break_call(1, 1, dropped(Drop::After));
    let lost = call(&stack, "POST", "/api/v1/groups", &token, Some(body)).await;
    assert_eq!((lost.status, lost.code(), &lost.body["retryable"]), (504, "outcome-unknown", &json!(false)));
    let snapshot = stack.okta().stable_snapshot();
    assert!(snapshot["groups"].get("group:proxied").is_some(), "{}", snapshot["groups"]);
    stack.break_call(1, 1, dropped(Drop::After));
    let read = call(&stack, "GET", "/api/v1/groups", &token, None).await;
    assert_eq!((read.status, read.code()), (503, "okta-unavailable"), "{read}");
}

/// Okta decides by the bearer's own scopes and role; nothing of ours is added.
#[tokio::test]
async fn pxy_01_nothing_but_the_callers_token_reaches_okta() {
    let stack = TestStack::start().await;
    let token = org_token(&stack, "okta.groups.manage").await;
    let refused = call(&stack, "GET", "/api/v1/users", &token, None).await;
    assert_eq!((refused.status, &refused.body["errorCode"]), (403, &json!("E0000006")), "{refused}");
    let before = stack.okta().arrivals();
    let ours = stack.token("superuser@demo.test");
    for header in [
        "",
        "Bearer",
        "Bearer a.b.c",
        "SSWS 00demoApiTokenOfTheOktaEmulatorIsNoSecret00",
        &format!("Bearer {ours}"),
    ] {
        let answer =
            stack.raw("GET", "/api/v1/users", &[("authorization", header.to_owned())], Vec::new()).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{header}: {answer}");
    }
    assert_eq!(stack.get("/api/v1/users", Superuser).await.status, 401);
    assert_eq!(stack.okta().arrivals(), before, "none of it reaches Okta");
    // The function has no permission to read the credential, and knows no extension.
    let template = std::fs::read_to_string(repository().join("template.yaml")).unwrap();
    let block = template.split("  OktaProxyFunction:").nth(1).unwrap().split("\n\n").next().unwrap();
    assert!(!block.contains("Policies") && !block.contains("Layers"), "{block}");
}

#[tokio::test]
async fn pxy_02_paths_that_lead_elsewhere() {
    let stack = TestStack::start().await;
    let token = org_token(&stack, "okta.users.manage+okta.apps.manage").await;
    let before = stack.okta().arrivals();
    for path in [
        "apps",
        "idps",
        "users/..%2fapps",
        "users/%2e%2e/apps",
        "users//me",
        "users%2f..%2fapps",
        "authn",
        "users/%252e%252e",
    ] {
        let answer = call(&stack, "GET", &format!("/api/v1/{path}"), &token, None).await;
        assert!(matches!(answer.code(), "forbidden" | "invalid-request"), "{path}: {answer}");
    }
    assert_eq!(stack.okta().arrivals(), before);
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let token = org_token(&stack, "okta.users.manage").await;
    let body = json!({ "profile": { "login": "a".repeat(2 << 20) } });
    let answer = call(&stack, "POST", "/api/v1/users", &token, Some(body)).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

/// Okta gone: said in our words, with the headers that browsers need.
#[tokio::test]
async fn okta_that_does_not_answer() {
    let stack = TestStack::start().await;
    let token = org_token(&stack, "okta.users.manage").await;
    stack.break_call(1, u64::MAX, crate::dropped(okta_emulator::Drop::Before));
    let answer = call(&stack, "GET", "/api/v1/users", &token, None).await;
    assert_eq!((answer.status, answer.code()), (503, "okta-unavailable"), "{answer}");
    assert!(!answer.header("access-control-allow-origin").is_empty());
}

/// A token of the right shape, which nobody signed.
fn unsigned(stack: &TestStack, serial: usize) -> String {
    let org = stack.okta().url();
    let claims = json!({ "iss": org, "aud": org, "exp": 4_102_444_800_i64, "scp": ["okta.users.read"], "jti": serial });
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.{}",
        part(&json!({ "alg": "RS256", "kid": "x" })),
        part(&claims),
        part(&json!("signature"))
    )
}

/// No more requests than the throttle lets through reach Okta.
#[tokio::test]
async fn a_thousand_unsigned_tokens() {
    let stack = TestStack::start().await;
    let (before, started) = (stack.okta().arrivals(), std::time::Instant::now());
    let send = |serial| {
        let (stack, token) = (&stack, unsigned(&stack, serial));
        async move { call(stack, "GET", "/api/v1/users", &token, None).await.status }
    };
    let statuses = futures::future::join_all((0..1_000).map(send)).await;
    let most = 100.0 + 50.0 * started.elapsed().as_secs_f64() + 1.0;
    let reached = stack.okta().arrivals() - before;
    assert!(reached as f64 <= most, "{reached} of at most {most}");
    let throttled = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(statuses.iter().filter(|status| **status == 401).count() + throttled, 1_000);
    assert!(throttled > 0, "{statuses:?}");
}

/// However slow Okta is: the proxy has so many environments and no more.
#[tokio::test]
async fn the_proxy_takes_no_more_than_its_reserved_concurrency() {
    let stack = TestStack::start_as(|options| {
        options.parameters.insert("ReservedConcurrency".to_owned(), "on".to_owned());
        options.concurrency = 12;
    })
    .await;
    stack.okta().configure(|settings| settings.latency_ms = 3_000);
    let send = |serial| {
        let (stack, token) = (&stack, unsigned(&stack, serial));
        async move { call(stack, "GET", "/api/v1/users", &token, None).await }
    };
    let before = stack.okta().arrivals();
    let answers = futures::future::join_all((0..40).map(send)).await;
    assert!(stack.okta().arrivals() - before <= 10);
    let throttled = answers.iter().filter(|answer| answer.status == 500);
    let bodies: Vec<&Value> = throttled.map(|answer| &answer.body).collect();
    assert!(bodies.len() >= 30, "{answers:?}");
    assert!(bodies.iter().all(|body| **body == json!({ "message": "Internal server error" })), "{bodies:?}");
    let others = answers.iter().filter(|answer| ![500, 401].contains(&answer.status));
    assert_eq!(others.count(), 0);
}

/// A token that Okta refused is not sent to Okta again.
#[tokio::test]
async fn a_refused_token_is_remembered() {
    let stack = TestStack::start().await;
    let token = unsigned(&stack, 0);
    assert_eq!(call(&stack, "GET", "/api/v1/users", &token, None).await.status, 401);
    let before = stack.okta().arrivals();
    for _ in 0..3 {
        let answer = call(&stack, "GET", "/api/v1/users/me", &token, None).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{answer}");
    }
    assert_eq!(stack.okta().arrivals(), before);
}

/// Which of two tokens was looked at, Okta would not know.
#[tokio::test]
async fn two_authorizations_are_refused() {
    let stack = TestStack::start().await;
    let token = org_token(&stack, "okta.users.manage").await;
    let before = stack.okta().arrivals();
    let headers = [("authorization", format!("Bearer {token}")), ("authorization", "Bearer x".to_owned())];
    let answer = stack.raw("GET", "/api/v1/users", &headers, Vec::new()).await;
    assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{answer}");
    assert_eq!(stack.okta().arrivals(), before);
}
