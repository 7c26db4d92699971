//! `reconcile`: a schedule starts it.

use domain::AdminsDescription;
use okta_client::models::{GroupProfile, RoleAssignmentId};
use okta_emulator::Action;
use serde_json::{Value, json};
use tenancy::group_called;
use tests::{Superuser, TestStack};

/// Records that a tenant is suspended, and does nothing that belongs to that.
async fn half_suspend(stack: &TestStack, tenant: &str) {
    let okta = stack.okta_client();
    stack.okta().catch_up();
    let admins = group_called(&okta, &format!("ADMINS_{tenant}")).await.unwrap().unwrap();
    let record = AdminsDescription::parse(&admins.profile.description).unwrap();
    let record = AdminsDescription { status: Some(domain::TenantStatus::Suspended), ..record };
    let profile = GroupProfile { description: record.to_text(), ..admins.profile };
    okta.replace_group(&admins.id, &profile).await.unwrap();
    // Nobody can be at work any more.
    stack.okta().configure(|settings| settings.clock_offset_ms += 120_000);
    stack.okta().catch_up();
}

fn with<'l>(lines: &'l [Value], member: &str, value: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line[member] == value).collect()
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    half_suspend(&stack, "acme").await;
    let before = stack.okta().snapshot();
    let answer = stack.local("/_local/schedules/reconcile", json!({})).await;
    let report = &answer.body["payload"];
    assert_eq!((&report["worked"], &report["complete"]), (&json!(true), &json!(true)), "{answer}");
    assert_eq!(report["findings"][0]["kind"], "suspended-role-held", "{answer}");
    assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(stack.okta().snapshot(), before);

    let lines = stack.log("reconcile");
    let records = with(&lines, "message", "finding");
    assert_eq!(records.len(), 1, "{lines:?}");
    assert_eq!((&records[0]["level"], &records[0]["tenant"]), (&json!("WARN"), &json!("acme")));
    assert!(records[0]["remedy"].as_str().is_some_and(|remedy| remedy.contains("SUSPENDED")), "{lines:?}");
    let metrics = stack.metrics("reconcile");
    let of_kind = with(&metrics, "kind", "suspended-role-held");
    assert!(of_kind.iter().any(|line| line["Findings"] == 1.0), "{metrics:?}");
    // One line of each for the run.
    assert_eq!(with(&lines, "message", "task").len(), 1, "{lines:?}");
    let runs = metrics.iter().filter(|line| line["Runs"] == 1.0 && line["Failures"] == 0.0);
    assert_eq!(runs.count(), 1, "{metrics:?}");
}

/// A cure is a change of the tenant: it has a record.
#[tokio::test]
async fn what_it_cures_is_recorded() {
    let stack = TestStack::start().await;
    let okta = stack.okta_client();
    stack.okta().catch_up();
    let admins = group_called(&okta, "ADMINS_acme").await.unwrap().unwrap();
    let role = RoleAssignmentId::user_admin();
    okta.unassign_role_from_group(&admins.id, &role).await.unwrap();
    okta.assign_role_to_group(&admins.id, "USER_ADMIN").await.unwrap();
    stack.okta().configure(|settings| settings.clock_offset_ms += 120_000);
    let answer = stack.local("/_local/schedules/reconcile", json!({})).await;
    let report = &answer.body["payload"];
    // The role was taken away for a moment: that is in Okta's log.
    assert_eq!((&report["cured"], &report["ended"]), (&json!(1), &json!(1)), "{answer}");
    assert_eq!(report["findings"][0]["kind"], "role-without-target", "{answer}");
    let targets = tenancy::role_targets(&okta, &admins.id).await.unwrap().unwrap();
    assert_eq!(targets.len(), 2);
    stack.okta().configure(|settings| settings.clock_offset_ms -= 120_000);
    let events = stack.get("/tenants/acme/events", Superuser).await;
    let first = &events.body[0];
    assert_eq!((&first["operation"], &first["outcome"]), (&json!("reconcile"), &json!("done")), "{events}");
}

#[tokio::test]
async fn a_run_that_fails_is_an_error_to_lambda() {
    let stack = TestStack::start().await;
    stack.break_call(1, u64::MAX, Action { status: Some(400), ..Action::default() });
    let answer = stack.invoke_sample("reconcile").await;
    assert_eq!((answer.status, answer.header("x-amz-function-error")), (200, "Unhandled"), "{answer}");
    assert_eq!(answer.body["errorType"], "okta-invalid-response", "{answer}");
    let lines = stack.log("reconcile");
    let errors = with(&lines, "level", "ERROR");
    assert_eq!(errors.len(), 1, "{lines:?}");
    assert!(errors[0]["error"].as_str().is_some_and(|error| error.contains("E0000009")), "{lines:?}");
    let metrics = stack.metrics("reconcile");
    let failures = metrics.iter().filter(|line| line["Runs"] == 1.0 && line["Failures"] == 1.0);
    assert_eq!(failures.count(), 1, "{metrics:?}");
}

#[tokio::test]
async fn a_run_that_finds_another_at_work_leaves() {
    let stack = TestStack::start().await;
    stack.hold("task#reconcile").await;
    let answer = stack.invoke_sample("reconcile").await;
    assert_eq!(
        (&answer.body["worked"], answer.header("x-amz-function-error")),
        (&json!(false), ""),
        "{answer}"
    );
}
