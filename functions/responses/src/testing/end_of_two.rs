//! Ends that Okta does not do at once, and responses to the same user.

use std::time::Duration;

use okta_emulator::{Action, Drop, Fault};
use operation_testing::{TestOrg, TestRequest, assert_same};
use serde_json::{Value, json};

use super::{add, expire, lift, outcomes, respond, respond_with, status};
use crate::{AddResponse, GetResponse, LiftResponse};

const USER: &str = "user@acme.test";

async fn get(org: &TestOrg, response: &Value) -> Value {
    let request = TestRequest::new().path("responseId", response["id"].as_str().unwrap());
    org.call::<GetResponse>(&request).await.unwrap()
}

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
    add(&org, &request).await;
    let calls = org.emulator.arrivals() - from;
    for nth in 1..=calls {
        org.emulator.reset();
        // The lock of the dead run ends.
        org.advance_clock(Duration::from_secs(60));
        org.kill_at::<AddResponse>(&request, nth).await;
        org.advance_clock(Duration::from_secs(60));
        let second = add(&org, &request).await;
        org.advance_clock(Duration::from_secs(95));
        expire(&org).await;
        lift(&org, &second).await;
        let list = org.call::<crate::ListResponses>(&TestRequest::new().query("status", "active")).await;
        for open in list.unwrap().as_array().unwrap() {
            lift(&org, open).await;
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
