//! What raises an alarm is made to happen, and the metric stands over its threshold in the log.

use gateway::HOOK_SECRET;
use okta_emulator::Action;
use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};
use xtask::{Alarm, alarms};

fn alarm(name: &str) -> Alarm {
    alarms().into_iter().find(|alarm| alarm.name == name).unwrap()
}

fn failing() -> Action {
    Action { status: Some(500), ..Action::default() }
}

/// The values of the alarm's metric in lines of log, as CloudWatch reads them.
fn values(alarm: &Alarm, lines: &[Value]) -> Vec<f64> {
    let is_meant = |line: &&Value| {
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten();
        let names = directives.flat_map(|directive| directive["Metrics"].as_array().into_iter().flatten());
        names.into_iter().any(|metric| metric["Name"] == alarm.measure.name)
            && alarm.dimensions.iter().all(|(name, value)| line[*name] == value.as_str())
    };
    lines.iter().filter(is_meant).filter_map(|line| line[alarm.measure.name].as_f64()).collect()
}

#[track_caller]
fn raised(name: &str, lines: &[Value]) {
    let alarm = alarm(name);
    let values = values(&alarm, lines);
    assert!(alarm.is_raised_by(&values), "{name}: {values:?} {lines:?}");
}

#[track_caller]
fn quiet(name: &str, lines: &[Value]) {
    let alarm = alarm(name);
    assert!(!alarm.is_raised_by(&values(&alarm, lines)), "{name} is raised by nothing: {lines:?}");
}

#[tokio::test]
async fn server_errors() {
    let stack = TestStack::start().await;
    stack.get("/tenants/acme", Superuser).await;
    quiet("ServerErrors", &stack.metrics("get-tenant"));
    stack.break_call(1, 1_000, failing());
    for _ in 0..5 {
        assert!(stack.get("/tenants/acme", Superuser).await.status >= 500);
    }
    raised("ServerErrors", &stack.metrics("get-tenant"));
}

#[tokio::test]
async fn something_is_left_behind() {
    let stack = TestStack::start().await;
    let body = json!({ "name": "initech" });
    // Okta stops in the middle, and takes nothing back.
    stack.break_call(5, 1_000, failing());
    let answer = stack.post("/tenants", Superuser, body).await;
    assert_eq!(answer.code(), "operation-incomplete", "{answer}");
    raised("LeftBehind", &stack.metrics("add-tenant"));
}

#[tokio::test]
async fn oktas_limits() {
    let stack = TestStack::start().await;
    stack.get("/tenants/acme", Superuser).await;
    quiet("OktaRemainingApps", &stack.metrics("get-tenant"));
    // Another client of the org uses nearly all of the limit.
    stack.okta().configure(|settings| settings.rate_limits = true);
    let (client, app) = (stack.okta_client().with_share(100), "0oa1dacapp0000000001".into());
    while client.least_remaining().is_none_or(|(_, left)| left > 8.0) {
        client.get_application_group_assignment(&app, &"00gabsent".into()).await.unwrap_err();
    }
    stack.get("/tenants/acme", Superuser).await;
    raised("OktaRemainingApps", &stack.metrics("get-tenant"));
}

#[tokio::test]
async fn a_task_fails() {
    let stack = TestStack::start().await;
    stack.break_call(1, 10_000, failing());
    for _ in 0..2 {
        stack.local("/_local/schedules/watch-passwords", json!({})).await;
    }
    raised("FailuresWatchPasswords", &stack.metrics("watch-passwords"));
}

#[tokio::test]
async fn findings_are_left_to_a_person() {
    let stack = TestStack::start().await;
    stack.local("/_local/schedules/reconcile", json!({})).await;
    quiet("OpenFindings", &stack.metrics("reconcile"));
    stack.delete_users_group("acme").await;
    stack.okta().configure(|settings| settings.clock_offset_ms += 120_000);
    stack.okta().catch_up();
    stack.local("/_local/schedules/reconcile", json!({})).await;
    raised("OpenFindings", &stack.metrics("reconcile"));
}

#[tokio::test]
async fn a_hook_is_in_doubt() {
    let stack = TestStack::start().await;
    stack.break_call(1, 10_000, failing());
    let payload = json!({
        "eventType": "com.okta.oauth2.tokens.transform",
        "data": {
            "context": { "protocol": { "client": { "id": "0oa1" } }, "user": { "id": "00u00000000000000008" } },
            "access": { "claims": { "uid": "00u00000000000000008" } },
        },
    });
    let headers =
        [("authorization", HOOK_SECRET.to_owned()), ("content-type", "application/json".to_owned())];
    for _ in 0..3 {
        let body = payload.to_string().into_bytes();
        let answer = stack.raw("POST", "/tokenEnrichment/entity", &headers, body).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
    raised("HookDoubtsEnrichEntityToken", &stack.metrics("enrich-entity-token"));
}

/// A problem is counted by its code alone.
#[tokio::test]
async fn no_name_becomes_a_dimension() {
    let stack = TestStack::start().await;
    stack.get("/tenants/no-such-tenant", TenantAdmin("acme")).await;
    stack.get("/tenants/no-such-tenant", Superuser).await;
    let lines = stack.metrics("get-tenant");
    assert!(!lines.is_empty());
    for line in lines {
        assert!(!line.to_string().contains("no-such-tenant"), "{line}");
    }
}
