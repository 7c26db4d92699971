//! Broken at every call of Okta and of the table: the record says what the org says, and the
//! end restores the org.

use std::time::Duration;

use okta_emulator::{Action, Drop, Fault};
use operation_testing::{TestOrg, TestRequest, assert_same};
use serde_json::{Value, json};

use super::{add, expire, outcomes, respond_with};
use crate::{AddResponse, LiftResponse, ListResponses};

const USER: &str = "user@acme.test";

fn request() -> TestRequest {
    respond_with(USER, &["suspend", "quarantine", "remove-from-groups"], json!({ "expiresIn": 600 }))
}

fn lift_of(id: &str) -> TestRequest {
    TestRequest::new().path("responseId", id).body(&json!({ "reason": "x" }))
}

/// The faults that a call can have.
fn faults() -> [(&'static str, Action); 4] {
    let status = |status| Action { status: Some(status), ..Action::default() };
    let dropped = |when| Action { drop: Some(when), ..Action::default() };
    [
        ("500", status(500)),
        ("429", status(429)),
        ("dropped before", dropped(Drop::Before)),
        ("dropped after", dropped(Drop::After)),
    ]
}

async fn responses(org: &TestOrg) -> Vec<Value> {
    org.call::<ListResponses>(&TestRequest::new()).await.unwrap().as_array().unwrap().clone()
}

/// Ends everything that is open, as the schedule does.
async fn end_all(org: &TestOrg, name: &str) {
    for _ in 0..3 {
        org.advance_clock(Duration::from_secs(601));
        expire(org).await;
    }
    for response in responses(org).await {
        let status = response["status"].as_str().unwrap();
        assert!(["expired", "lifted", "failed"].contains(&status), "{name}: {response}");
    }
}

async fn calls(org: &TestOrg, work: impl Future<Output = Value>) -> u64 {
    let before = org.emulator.arrivals();
    work.await;
    org.emulator.arrivals() - before
}

/// Each call, each fault, once and for good: after the end the org is as before.
#[tokio::test]
async fn a_response_broken_at_every_call() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    let all = calls(&org, add(&org, &request())).await;
    for nth in 1..=all {
        for (kind, fault) in faults() {
            for times in [1, u64::MAX] {
                let name = format!("call {nth}, {kind} ×{times}");
                fresh(&org).await;
                org.emulator.order(Fault::on_call(nth, times, fault.clone()));
                let result = org.call::<AddResponse>(&request()).await;
                org.emulator.clear_faults();
                if let Ok(response) = &result {
                    agrees(&org, response, &name).await;
                }
                end_all(&org, &name).await;
                assert_same(&org.snapshot(), &before, &name);
            }
        }
    }
}

/// What a response says it did is done.
async fn agrees(org: &TestOrg, response: &Value, name: &str) {
    let suspended = super::status(org, USER).await == "SUSPENDED";
    match outcomes(response)[0].as_str() {
        // Nobody knows yet.
        "suspend planned" => assert_eq!(response["status"], "running", "{name}: {response}"),
        word => assert_eq!(word == "suspend done", suspended, "{name}: {response}"),
    }
}

async fn fresh(org: &TestOrg) {
    org.emulator.reset();
    org.advance_clock(Duration::from_secs(60));
}

/// Killed at each call: the schedule judges what was done, and the end takes it back. The
/// same request, sent again, contains the user all the same.
#[tokio::test]
async fn a_response_killed_at_every_call() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    let all = calls(&org, add(&org, &request())).await;
    for nth in 1..=all {
        let name = format!("killed at call {nth}");
        fresh(&org).await;
        org.kill_at::<AddResponse>(&request(), nth).await;
        org.advance_clock(Duration::from_secs(95));
        let report = expire(&org).await;
        assert!(report.left == 0, "{name}: {report:?}");
        assert!(responses(&org).await.iter().all(|response| response["status"] != "running"), "{name}");
        add(&org, &request()).await;
        assert_eq!(super::status(&org, USER).await, "SUSPENDED", "{name}");
        end_all(&org, &name).await;
        assert_same(&org.snapshot(), &before, &name);
    }
}

/// The end, broken and killed at each call: the next minutes complete it.
#[tokio::test]
async fn an_end_broken_at_every_call() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    let response = add(&org, &request()).await;
    let id = response["id"].as_str().unwrap();
    let all = calls(&org, async { org.call::<LiftResponse>(&lift_of(id)).await.unwrap() }).await;
    for nth in 1..=all {
        for (kind, fault) in faults().into_iter().map(Some).chain([None]).map(|fault| match fault {
            Some((kind, fault)) => (kind, Some(fault)),
            None => ("killed", None),
        }) {
            let name = format!("call {nth}, {kind}");
            fresh(&org).await;
            let response = add(&org, &request()).await;
            let lift = lift_of(response["id"].as_str().unwrap());
            match fault {
                Some(fault) => {
                    org.emulator.order(Fault::on_call(nth, u64::MAX, fault));
                    let _ = org.call::<LiftResponse>(&lift).await;
                    org.emulator.clear_faults();
                }
                None => org.kill_at::<LiftResponse>(&lift, nth).await,
            }
            end_all(&org, &name).await;
            assert_same(&org.snapshot(), &before, &name);
        }
    }
}

/// The password expires also where the run is killed between both calls of the end.
#[tokio::test]
async fn what_an_end_has_to_do_is_done_after_a_kill() {
    let org = TestOrg::start().await;
    let more = json!({ "onLift": ["expire-password"], "expiresIn": 600 });
    let request = respond_with(USER, &["suspend"], more);
    for nth in 1..=3 {
        fresh(&org).await;
        let response = add(&org, &request).await;
        org.kill_at::<LiftResponse>(&lift_of(response["id"].as_str().unwrap()), nth).await;
        end_all(&org, "killed").await;
        assert_eq!(super::status(&org, USER).await, "PASSWORD_EXPIRED", "killed at call {nth}");
    }
}

/// The table fails at each of its calls: nothing is lost.
#[tokio::test]
async fn a_response_whose_table_fails_at_every_call() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    for after in [false, true] {
        for nth in 1..=12 {
            let name = format!("call {nth} of the table, after: {after}");
            fresh(&org).await;
            // The client repeats a call twice.
            org.break_dynamodb(nth, 3, after);
            let _ = org.call::<AddResponse>(&request()).await;
            org.break_dynamodb(1, 0, false);
            org.advance_clock(Duration::from_secs(95));
            end_all(&org, &name).await;
            assert_same(&org.snapshot(), &before, &name);
        }
    }
}
