//! Ends that Okta does not do at once, and responses to the same user.

use std::time::Duration;

use okta_emulator::{Action, Drop, Fault};
use operation_testing::{TestOrg, TestRequest, assert_same};
use serde_json::{Value, json};

use super::{add, configure, expire, get, lift, outcomes, respond, respond_with, status, try_expire};
use crate::{AddResponse, LiftResponse};

const USER: &str = "user@acme.test";

async fn lift_fails(org: &TestOrg, response: &Value) {
    let request = TestRequest::new().path("responseId", response["id"].as_str().unwrap());
    let problem = org.call::<LiftResponse>(&request.body(&json!({ "reason": "x" }))).await.unwrap_err();
    assert_eq!(problem.code(), operations::ProblemCode::OperationIncomplete);
}

fn suspend_and_expire() -> TestRequest {
    respond_with(USER, &["suspend"], json!({ "onLift": ["expire-password"] }))
}

/// The user does not keep the password because Okta did not expire it at once.
#[tokio::test]
async fn what_follows_the_end_is_done_at_last() {
    for fault in [
        Action { status: Some(503), ..Action::default() },
        Action { status: Some(429), ..Action::default() },
        Action { drop: Some(Drop::Before), ..Action::default() },
    ] {
        let org = TestOrg::start().await;
        let response = add(&org, &suspend_and_expire()).await;
        let mut order = Fault::on_call(1, u64::MAX, fault);
        order.operation_id = Some("expirePassword".to_owned());
        org.emulator.order(order);
        lift_fails(&org, &response).await;
        assert_eq!(outcomes(&get(&org, &response).await), ["suspend undone", "expire-password planned"]);
        org.emulator.clear_faults();
        org.advance_clock(Duration::from_secs(61));
        assert_eq!(expire(&org).await.ended, 1);
        assert_eq!(status(&org, USER).await, "PASSWORD_EXPIRED");
        assert_eq!(outcomes(&get(&org, &response).await), ["suspend undone", "expire-password done"]);
    }
}

/// A right that is missing comes back, and so does the user.
#[tokio::test]
async fn an_end_that_okta_refuses_is_tried_again() {
    let org = TestOrg::start().await;
    let response = add(&org, &respond(USER, &["suspend"])).await;
    org.break_okta("unsuspendUser", u64::MAX, 403);
    lift_fails(&org, &response).await;
    org.emulator.clear_faults();
    org.advance_clock(Duration::from_secs(31));
    assert_eq!(expire(&org).await.due, 0, "not every minute");
    org.advance_clock(Duration::from_secs(900));
    assert_eq!(expire(&org).await.ended, 1);
    assert_eq!(status(&org, USER).await, "ACTIVE");
    assert_eq!(get(&org, &response).await["status"], "lifted");
}

/// The same for what follows the end: the user does not keep the password for ever.
#[tokio::test]
async fn what_follows_the_end_and_is_refused_is_tried_again() {
    let org = TestOrg::start().await;
    let response = add(&org, &suspend_and_expire()).await;
    org.break_okta("expirePassword", u64::MAX, 403);
    lift_fails(&org, &response).await;
    org.emulator.clear_faults();
    org.advance_clock(Duration::from_secs(901));
    assert_eq!(expire(&org).await.ended, 1);
    assert_eq!(status(&org, USER).await, "PASSWORD_EXPIRED");
}

/// A dead run that did nothing is ended for good, also where that end is killed in turn: it is
/// not looked at every minute.
#[tokio::test]
async fn what_was_never_done_is_not_due_for_ever() {
    let org = TestOrg::start().await;
    for gone in [false, true] {
        // What is gone has no time either: the judgement alone ends it.
        let more = if gone { json!({}) } else { json!({ "expiresIn": 60 }) };
        let request = respond_with(USER, &["quarantine"], more);
        let from = org.emulator.arrivals();
        add(&org, &request).await;
        let calls = org.emulator.arrivals() - from;
        for nth in 1..=12 {
            org.emulator.reset();
            org.advance_clock(Duration::from_secs(61));
            org.kill_at::<AddResponse>(&request, calls).await;
            if gone {
                let id = org.user(USER).await;
                for _ in 0..2 {
                    org.prepare("DELETE", &format!("/api/v1/users/{id}"), json!({})).await;
                }
            }
            // The table fails at a call of the end.
            org.advance_clock(Duration::from_secs(95));
            org.break_dynamodb(nth, 3, false);
            let _ = try_expire(&org).await;
            org.break_dynamodb(1, 0, false);
            for _ in 0..3 {
                org.advance_clock(Duration::from_secs(95));
                expire(&org).await;
            }
            org.advance_clock(Duration::from_secs(95));
            let report = expire(&org).await;
            assert_eq!((report.due, report.left), (0, 0), "gone: {gone}, call {nth}");
        }
    }
}

/// A response that changed nothing which could be taken back, and that has no end, is kept
/// for its days and not for ever.
#[tokio::test]
async fn what_takes_nothing_back_is_not_open_for_ever() {
    let org = TestOrg::start().await;
    let response = add(&org, &respond(USER, &["clear-sessions"])).await;
    assert_eq!(response["status"], "active");
    assert!(!org.tables().contains("9999-12-31"), "nothing will ever be due");
    add(&org, &respond(USER, &["suspend"])).await;
    assert!(org.tables().contains("9999-12-31"));
    assert_eq!(lift(&org, &response).await["status"], "lifted");
}

/// The password expires at the end of the response that comes last, whoever ordered it.
#[tokio::test]
async fn what_follows_the_end_goes_with_the_suspension() {
    let org = TestOrg::start().await;
    let first = add(&org, &suspend_and_expire()).await;
    let second = add(&org, &respond(USER, &["suspend"])).await;
    assert_eq!(outcomes(&lift(&org, &first).await), ["suspend superseded", "expire-password skipped"]);
    assert_eq!(outcomes(&lift(&org, &second).await), ["suspend undone", "expire-password done"]);
    assert_eq!(status(&org, USER).await, "PASSWORD_EXPIRED");
}

/// A response about all groups keeps them away while it is open, though it found none.
#[tokio::test]
async fn a_response_about_everything_keeps_it() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    let first = add(&org, &respond(USER, &["remove-from-groups"])).await;
    let second = add(&org, &respond(USER, &["remove-from-groups"])).await;
    assert_eq!(second["status"], "active");
    let without = org.snapshot();
    lift(&org, &first).await;
    assert_same(&org.snapshot(), &without, "the second response keeps the groups away");
    lift(&org, &second).await;
    assert_same(&org.snapshot(), &before, "the org");
}

/// The same for roles: the second response found none.
#[tokio::test]
async fn a_response_about_all_roles_keeps_them() {
    let org = TestOrg::start().await;
    configure(&org, &[("RESPONSE_ACTIONS", "remove-admin-roles")]);
    let id = org.user(USER).await;
    org.prepare("POST", &format!("/api/v1/users/{id}/roles"), json!({ "type": "HELP_DESK_ADMIN" })).await;
    let has = async || !org.okta().list_assigned_roles_for_user(&id).await.unwrap().is_empty();
    let first = add(&org, &respond(USER, &["remove-admin-roles"])).await;
    let second = add(&org, &respond(USER, &["remove-admin-roles"])).await;
    lift(&org, &first).await;
    assert!(!has().await, "the second response keeps the role away");
    lift(&org, &second).await;
    assert!(has().await);
}

/// A response whose end Okta did not do takes another's suspension over, and is still ended.
#[tokio::test]
async fn an_end_that_waits_goes_on_after_a_hand_over() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    let first = add(&org, &respond(USER, &["suspend"])).await;
    let second = add(&org, &respond(USER, &["suspend", "quarantine"])).await;
    org.break_okta("unassignUserFromGroup", u64::MAX, 503);
    lift_fails(&org, &second).await;
    org.emulator.clear_faults();
    lift(&org, &first).await;
    org.advance_clock(Duration::from_secs(31));
    assert_eq!(expire(&org).await.ended, 1);
    assert_same(&org.snapshot(), &before, "the org");
    assert_eq!(get(&org, &second).await["status"], "lifted");
}

/// A run that died before its first change does not take another's change for its own.
#[tokio::test]
async fn a_dead_run_did_not_do_what_a_later_one_does() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    let request = respond(USER, &["suspend"]);
    let from = org.emulator.arrivals();
    let first = add(&org, &request).await;
    let calls = org.emulator.arrivals() - from;
    lift(&org, &first).await;
    for nth in 1..=calls {
        org.emulator.reset();
        // The lock of the dead run ends.
        org.advance_clock(Duration::from_secs(60));
        org.kill_at::<AddResponse>(&request, nth).await;
        let did_it = status(&org, USER).await == "SUSPENDED";
        org.advance_clock(Duration::from_secs(60));
        let second = add(&org, &request).await;
        org.advance_clock(Duration::from_secs(95));
        expire(&org).await;
        lift(&org, &second).await;
        if did_it {
            let list = org.call::<crate::ListResponses>(&TestRequest::new().query("status", "active")).await;
            lift(&org, &list.unwrap()[0]).await;
        }
        assert_same(&org.snapshot(), &before, &format!("killed at call {nth}"));
    }
}

/// The first answer is lost, and the second call is refused: the first may have been done.
#[tokio::test]
async fn a_lost_answer_is_not_forgotten() {
    for (action, operation) in [("suspend", "suspendUser"), ("quarantine", "assignUserToGroup")] {
        let org = TestOrg::start().await;
        let before = org.snapshot();
        let mut lost = Fault::on_call(1, 1, Action { drop: Some(Drop::After), ..Action::default() });
        let mut refused = Fault::on_call(2, u64::MAX, Action { status: Some(403), ..Action::default() });
        lost.operation_id = Some(operation.to_owned());
        refused.operation_id = Some(operation.to_owned());
        org.emulator.order(lost);
        org.emulator.order(refused);
        let response = add(&org, &respond(USER, &[action])).await;
        org.emulator.clear_faults();
        org.advance_clock(Duration::from_secs(95));
        expire(&org).await;
        assert_eq!(outcomes(&get(&org, &response).await), [format!("{action} done")]);
        lift(&org, &response).await;
        assert_same(&org.snapshot(), &before, action);
    }
}

/// A write whose answer is lost is repeated, and is no reason to stop.
#[tokio::test]
async fn a_record_whose_answer_is_lost_is_written() {
    let org = TestOrg::start().await;
    for nth in 1..=8 {
        org.emulator.reset();
        org.advance_clock(Duration::from_secs(60));
        org.break_dynamodb(nth, 1, true);
        let response = add(&org, &respond(USER, &["suspend", "clear-sessions"])).await;
        org.break_dynamodb(1, 0, false);
        assert_eq!(outcomes(&response), ["suspend done", "clear-sessions done"], "call {nth}");
        assert_eq!(outcomes(&get(&org, &response).await), outcomes(&response), "call {nth}");
        lift(&org, &response).await;
    }
}
