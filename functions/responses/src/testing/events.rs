//! Events that lead to responses.

use std::time::Duration;

use lambda_kit::Task;
use operation_testing::{TestOrg, TestRequest};
use run_kit::Actor;
use serde_json::{Value, json};

use super::{configure, outcomes, status};
use crate::respond_to_event::{Event, Report};
use crate::{ListResponses, RespondToEvent};

/// An event of EventBridge with this detail.
fn event(id: &str, detail: Value) -> Event {
    let mut event = RespondToEvent::example();
    (event["id"], event["detail"]) = (id.into(), detail);
    serde_json::from_value(event).unwrap()
}

async fn put(org: &TestOrg, event: Event) -> Result<Report, run_kit::Failure> {
    let task = org.task::<RespondToEvent>();
    task.run(&org.run(Actor::EventBus), event).await.map_err(Into::into)
}

fn suspend(user: &str) -> Value {
    json!({ "user": user, "actions": ["suspend"], "reason": "from a playbook" })
}

async fn responses(org: &TestOrg) -> Vec<Value> {
    org.call::<ListResponses>(&TestRequest::new()).await.unwrap().as_array().unwrap().clone()
}

#[tokio::test]
async fn an_event_that_comes_again_leads_to_one_response() {
    let org = TestOrg::start().await;
    let first = put(&org, event("e1", suspend("user@acme.test"))).await.unwrap();
    assert_eq!(first.outcome, "responded");
    let again = put(&org, event("e1", suspend("user@acme.test"))).await.unwrap();
    assert_eq!((again, responses(&org).await.len()), (first, 1));
    let all = responses(&org).await;
    // A job always has an end.
    assert_eq!((&all[0]["actor"]["id"], all[0]["expires"].is_string()), (&json!(null), true));
    put(&org, event("e2", suspend("user@acme.test"))).await.unwrap();
    assert_eq!(responses(&org).await.len(), 2);
}

/// The invocation is killed at each call; Lambda sends the event again.
#[tokio::test]
async fn an_event_whose_run_was_killed_is_completed() {
    let org = TestOrg::start().await;
    let detail = json!({ "user": "user@acme.test", "actions": ["suspend", "quarantine", "clear-sessions"], "reason": "x" });
    let before = org.emulator.arrivals();
    put(&org, event("e0", detail.clone())).await.unwrap();
    let calls = org.emulator.arrivals() - before;
    for nth in 1..=calls {
        org.emulator.reset();
        org.advance_clock(Duration::from_secs(60));
        let id = format!("e{nth}");
        org.kill(nth, put(&org, event(&id, detail.clone()))).await;
        org.advance_clock(Duration::from_secs(60));
        let report = put(&org, event(&id, detail.clone())).await.unwrap();
        let all = responses(&org).await;
        let own = all.iter().find(|response| response["id"] == *report.response.as_ref().unwrap()).unwrap();
        let done = ["suspend done", "quarantine done", "clear-sessions done"];
        assert_eq!(
            (outcomes(own), &own["status"]),
            (done.map(str::to_owned).to_vec(), &json!("active")),
            "{nth}"
        );
        let of_event = all.iter().filter(|response| response["actor"]["requestId"] == id);
        assert_eq!(of_event.count(), 1, "{nth}");
    }
}

#[tokio::test]
async fn what_a_job_must_not_do() {
    let org = TestOrg::start().await;
    let admin = put(&org, event("e1", suspend("admin@acme.test"))).await.unwrap();
    assert_eq!(admin.outcome, "refused");
    let nobody = put(&org, event("e2", suspend("nobody@acme.test"))).await.unwrap();
    assert_eq!(nobody.outcome, "refused");
    let mut deactivate = suspend("user@acme.test");
    (deactivate["actions"], deactivate["confirm"]) = (json!(["deactivate"]), json!("user@acme.test"));
    assert!(put(&org, event("e3", deactivate)).await.is_err());
    assert!(put(&org, event("e4", json!({ "hello": 1 }))).await.is_err());
    configure(&org, &[("RESPONSE_MODE", "off")]);
    assert_eq!(put(&org, event("e5", suspend("user@acme.test"))).await.unwrap().outcome, "off");
    assert_eq!(responses_of(&org).await, 0);
}

async fn responses_of(org: &TestOrg) -> usize {
    configure(org, &[]);
    responses(org).await.len()
}

/// More users in an hour than a rule may act on: kept, and not done.
#[tokio::test]
async fn more_users_than_allowed_are_kept_and_not_touched() {
    let org = TestOrg::start().await;
    configure(&org, &[("RESPONSE_MAX_PER_HOUR", "2")]);
    let users = ["user@acme.test", "user@globex.test", "agent@demo.test"];
    let mut reports = Vec::new();
    for (n, user) in users.iter().enumerate() {
        reports.push(put(&org, event(&format!("e{n}"), suspend(user))).await.unwrap().outcome);
    }
    assert_eq!(reports, ["responded", "responded", "observed"]);
    assert_eq!(status(&org, "agent@demo.test").await, "ACTIVE");
    // One who was counted is not counted again; the next hour begins anew.
    assert_eq!(put(&org, event("e8", suspend(users[0]))).await.unwrap().outcome, "responded");
    org.advance_clock(Duration::from_secs(3_600));
    assert_eq!(put(&org, event("e9", suspend(users[2]))).await.unwrap().outcome, "responded");
}

/// An event of the System Log without rules leads to nothing; nor does an old one, or one
/// that okta-dac caused.
#[tokio::test]
async fn events_of_the_system_log_need_a_rule() {
    let org = TestOrg::start().await;
    let (user, owner) = (org.user("user@acme.test").await, org.user("superuser@demo.test").await);
    let log = |actor: &str, age: i64| {
        let at = org.clock().now_ms() - age * 1_000;
        let at = jiff::Timestamp::from_millisecond(at).unwrap();
        json!({
            "uuid": "u1", "eventType": "user.risk.detect", "published": format!("{at:.3}"), "severity": "WARN",
            "actor": { "id": actor, "type": "User" }, "target": [{ "id": user, "type": "User" }],
        })
    };
    let of = |source: &str, detail: Value| {
        let mut event = RespondToEvent::example();
        (event["source"], event["detail"]) = (source.into(), detail);
        serde_json::from_value::<Event>(event).unwrap()
    };
    let okta = "aws.partner/okta.com/demo/System";
    let outcome = async |detail: Value| put(&org, of(okta, detail)).await.unwrap().outcome;
    assert_eq!(outcome(log("00uother", 901)).await, "old");
    assert_eq!(outcome(log(&owner, 1)).await, "own");
    assert_eq!(outcome(log("00uother", 1)).await, "no-rule");
    // Who may put requests on the bus does not speak for Okta, and Okta sends no requests.
    for (source, detail) in [("okta-dac.response", log("00uother", 1)), (okta, suspend("user@acme.test"))] {
        let failure = put(&org, of(source, detail)).await.unwrap_err();
        assert_eq!(failure.code(), operations::ProblemCode::InvalidRequest, "{source}");
    }
}
