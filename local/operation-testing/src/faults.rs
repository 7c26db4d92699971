//! What must hold however a call to Okta fails.

use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use lambda_kit::Endpoint;
use okta_emulator::{Action, Drop, Fault};
use operations::{Method, ProblemCode};
use serde_json::Value;

use crate::{TestOrg, TestRequest};

/// One way in which a call to Okta can fail.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Status(u16),
    DroppedBefore,
    DroppedAfter,
    /// Done, the answer is lost, and then Okta's limit is used up.
    LostThenLimited,
}

impl Failure {
    /// Orders it at the `nth` call from now on, `times` times.
    fn order(self, org: &TestOrg, nth: u64, times: u64) {
        let status = |status| Action { status: Some(status), ..Action::default() };
        let dropped = |when| Action { drop: Some(when), ..Action::default() };
        let first = match self {
            Failure::Status(code) => status(code),
            Failure::DroppedBefore => dropped(Drop::Before),
            Failure::DroppedAfter | Failure::LostThenLimited => dropped(Drop::After),
        };
        if matches!(self, Failure::LostThenLimited) {
            org.emulator.order(Fault::on_call(nth, 1, first));
            org.emulator.order(Fault::on_call(nth + 1, times, status(429)));
        } else {
            org.emulator.order(Fault::on_call(nth, times, first));
        }
    }
}

/// Breaks `request` at every call that it makes to Okta: by status 500 and
/// 429, by a connection that is lost before or after the work was done, and by
/// one that is lost and a limit after it; each once, and from that call on for
/// good.
///
/// The answer must be a success, with the org as after an undisturbed run; or a
/// problem with the org as it was before; or `operation-incomplete`, and then
/// the org is as after an undisturbed run, or the same request, sent again a
/// minute later, makes it so. After a fault that passed, an operation that can
/// be taken back must have been. And never may a group with members have an
/// admin role for the whole org, whatever happened.
///
/// # Panics
///
/// With the call and the fault, if it is none of these.
pub async fn fails_cleanly_at_every_step<E: Endpoint>(
    request: &TestRequest,
    prepare: impl AsyncFn(&TestOrg),
) {
    let failures = [
        Failure::Status(500),
        Failure::Status(429),
        Failure::DroppedBefore,
        Failure::DroppedAfter,
        Failure::LostThenLimited,
    ];
    // At the same time, each with an org of its own: most of it is waiting.
    join_all(failures.map(|failure| fails_cleanly::<E>(request, &prepare, failure).boxed_local())).await;
}

async fn fails_cleanly<E: Endpoint>(
    request: &TestRequest,
    prepare: &impl AsyncFn(&TestOrg),
    failure: Failure,
) {
    let org = &TestOrg::start().await;
    let (before, after, calls) = undisturbed::<E>(org, request, prepare).await;
    for nth in 1..=calls {
        for times in [1, u64::MAX] {
            let name = format!("{} call {nth} {failure:?} ×{times}", E::OPERATION.name);
            org.reset();
            prepare(org).await;
            failure.order(org, nth, times);
            let result = org.call::<E>(request).await;
            org.emulator.clear_faults();
            let now = org.snapshot();
            assert_no_wide_role(&now, &name);
            // A second fault may hit what takes the first one back.
            let passed = times == 1 && !matches!(failure, Failure::LostThenLimited);
            match result {
                Ok(_) => assert_same(&now, &after, &name),
                Err(problem) if problem.code() == ProblemCode::OperationIncomplete => {
                    let document = problem.document("id");
                    let left = document["leftBehind"].as_array().map_or(0, Vec::len);
                    assert!(left > 0, "{name}: nothing is named in {document}");
                    if now == after {
                        continue; // All was done, only the last answer was lost.
                    }
                    if passed && E::OPERATION.http().is_some_and(|http| http.method != Method::Delete) {
                        assert_same(&now, &before, &format!("{name}: the fault passed"));
                    }
                    org.advance_clock(Duration::from_secs(60));
                    let again = org.call::<E>(request).await;
                    let again = again.map_err(|problem| problem.document("id").to_string());
                    assert!(again.is_ok(), "{name}: sent again: {again:?}");
                    assert_same(&org.snapshot(), &after, &format!("{name}, sent again"));
                }
                Err(problem) => {
                    let status = problem.code().status();
                    let expected = match failure {
                        Failure::Status(429) => status == 429,
                        Failure::LostThenLimited => matches!(status, 429 | 503),
                        _ => status == 503,
                    };
                    assert!(expected, "{name}: {}", problem.document("id"));
                    assert_same(&now, &before, &name);
                }
            }
        }
    }
}

/// Kills `request` at every call that it makes to Okta, and sends it again a
/// minute later: it must end as an undisturbed run.
///
/// # Panics
///
/// With the call, if it does not.
pub async fn converges_after_being_killed<E: Endpoint>(
    request: &TestRequest,
    prepare: impl AsyncFn(&TestOrg),
) {
    let org = &TestOrg::start().await;
    let (_, after, calls) = undisturbed::<E>(org, request, &prepare).await;
    for nth in 1..=calls {
        org.reset();
        prepare(org).await;
        org.kill_at::<E>(request, nth).await;
        let name = format!("{} killed at call {nth}", E::OPERATION.name);
        assert_no_wide_role(&org.snapshot(), &name);
        org.advance_clock(Duration::from_secs(60));
        let again = org.call::<E>(request).await.map_err(|problem| problem.document("id").to_string());
        assert!(again.is_ok(), "{name}: {again:?}");
        assert_same(&org.snapshot(), &after, &name);
    }
}

/// TEN-04: no role without a target on a group that has members.
fn assert_no_wide_role(org: &Value, name: &str) {
    for (group, roles) in org["group_roles"].as_object().into_iter().flatten() {
        let wide = roles
            .as_array()
            .into_iter()
            .flatten()
            .any(|role| role["targets"].as_array().is_some_and(Vec::is_empty));
        let members = org["groups"][group]["members"].as_array().map_or(0, Vec::len);
        assert!(!wide || members == 0, "{name}: {group} has a role for the whole org");
    }
}

/// Runs the request as it should go; gives the org before and after, and the
/// number of calls.
async fn undisturbed<E: Endpoint>(
    org: &TestOrg,
    request: &TestRequest,
    prepare: &impl AsyncFn(&TestOrg),
) -> (Value, Value, u64) {
    org.reset();
    prepare(org).await;
    let before = org.snapshot();
    let arrived = org.emulator.arrivals();
    if let Err(problem) = org.call::<E>(request).await {
        panic!("{} fails undisturbed: {}", E::OPERATION.name, problem.document("id"));
    }
    (before, org.snapshot(), org.emulator.arrivals() - arrived)
}

/// Compares two snapshots, and shows where they differ.
///
/// # Panics
///
/// If they differ.
pub fn assert_same(actual: &Value, expected: &Value, name: &str) {
    if actual != expected {
        panic!("{name}: the org differs:\n{}", difference(actual, expected, ""));
    }
}

/// The places where two documents differ, a line each.
fn difference(actual: &Value, expected: &Value, path: &str) -> String {
    match (actual, expected) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
            keys.into_iter()
                .filter(|key| left.get(*key) != right.get(*key))
                .map(|key| {
                    let at = format!("{path}/{key}");
                    let of = |object: &serde_json::Map<String, Value>| {
                        object.get(key).cloned().unwrap_or_default()
                    };
                    difference(&of(left), &of(right), &at)
                })
                .collect()
        }
        _ => format!("{path}: {actual}, expected {expected}\n"),
    }
}
