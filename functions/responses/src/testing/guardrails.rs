//! What is never done.

use operation_testing::{TestOrg, TestRequest, tenant_admin};
use operations::ProblemCode;
use serde_json::json;

use super::{add, changes, configure, outcomes, respond, respond_with, responder, status, two_super_admins};
use crate::{AddResponse, AddTenantResponse, GetResponse, LiftResponse, ListResponses};

/// The code with which a response is refused; nothing is changed.
async fn refused(org: &TestOrg, caller: domain::Caller, request: &TestRequest) -> ProblemCode {
    org.emulator.clear_journal();
    let problem = org.call_as::<AddResponse>(caller, request).await.unwrap_err();
    assert_eq!(changes(&org.emulator.journal()), Vec::<&str>::new());
    problem.code()
}

fn superuser(uid: &str) -> domain::Caller {
    domain::Caller::new(uid, &[], &[domain::SUPERUSERS.to_owned()], false)
}

#[tokio::test]
async fn nobody_touches_themselves_the_protected_or_the_owner_of_the_token() {
    let org = TestOrg::start().await;
    let (user, agent) = (org.user("user@acme.test").await, org.user("agent@demo.test").await);
    let suspend = |user: &str| respond(user, &["suspend"]);
    assert_eq!(refused(&org, superuser(&user), &suspend(&user)).await, ProblemCode::UserProtected);
    assert_eq!(refused(&org, superuser(&user), &suspend("user@acme.test")).await, ProblemCode::UserProtected);
    let group = okta_emulator::EMERGENCY;
    org.prepare("PUT", &format!("/api/v1/groups/{group}/users/{agent}"), json!({})).await;
    assert_eq!(refused(&org, superuser(&user), &suspend(&agent)).await, ProblemCode::UserProtected);
    // The API token of the demo org is the superuser's, who is also the last super admin.
    let owner = respond("superuser@demo.test", &["clear-sessions"]);
    assert_eq!(refused(&org, superuser(&user), &owner).await, ProblemCode::UserProtected);
    assert_eq!(
        refused(&org, superuser(&user), &suspend("nobody@demo.test")).await,
        ProblemCode::UserNotFound
    );
}

#[tokio::test]
async fn a_superuser_alone_acts_on_administrators() {
    let org = TestOrg::start().await;
    let (uid, admin) = (org.user("responder@demo.test").await, org.user("admin@acme.test").await);
    let request = respond(&admin, &["suspend"]);
    assert_eq!(refused(&org, responder(&uid), &request).await, ProblemCode::UserProtected);
    let response = add(&org, &request).await;
    assert_eq!(outcomes(&response), ["suspend done"]);
    // A responder does not end it either.
    let lift = TestRequest::new().path("responseId", response["id"].as_str().unwrap());
    let lift = lift.body(&json!({ "reason": "x" }));
    let problem = org.call_as::<LiftResponse>(responder(&uid), &lift).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::UserProtected);
    // Who is no administrator is the responder's to contain, and to release.
    let response =
        org.call_as::<AddResponse>(responder(&uid), &respond("user@acme.test", &["suspend"])).await;
    let lift = TestRequest::new().path("responseId", response.unwrap()["id"].as_str().unwrap());
    let lifted = org.call_as::<LiftResponse>(responder(&uid), &lift.body(&json!({ "reason": "x" }))).await;
    assert_eq!(lifted.unwrap()["status"], "lifted");
}

/// The name of a group in a token is where to look.
#[tokio::test]
async fn a_group_that_is_called_responders_is_not_enough() {
    let org = TestOrg::start().await;
    let uid = org.user("user@globex.test").await;
    let request = respond("user@acme.test", &["suspend"]);
    assert_eq!(refused(&org, responder(&uid), &request).await, ProblemCode::Forbidden);
    let list = org.call_as::<ListResponses>(responder(&uid), &TestRequest::new()).await.unwrap_err();
    assert_eq!(list.code(), ProblemCode::Forbidden);
    // Without a configured group there are superusers alone.
    let member = org.user("responder@demo.test").await;
    configure(&org, &[("RESPONDERS_GROUP_ID", "")]);
    assert_eq!(refused(&org, responder(&member), &request).await, ProblemCode::Forbidden);
}

#[tokio::test]
async fn off_refuses_and_observe_keeps_what_would_be_done() {
    let org = TestOrg::start().await;
    let request = respond("user@acme.test", &["suspend"]);
    configure(&org, &[("RESPONSE_MODE", "off")]);
    assert_eq!(refused(&org, superuser("00u1"), &request).await, ProblemCode::ResponsesDisabled);
    configure(&org, &[("RESPONSE_MODE", "observe")]);
    org.emulator.clear_journal();
    let response = add(&org, &request).await;
    assert_eq!((&response["status"], changes(&org.emulator.journal())), (&json!("planned"), vec![]));
    let get = TestRequest::new().path("responseId", response["id"].as_str().unwrap());
    assert_eq!(org.call::<GetResponse>(&get).await.unwrap(), response);
}

#[tokio::test]
async fn an_action_that_is_switched_off_is_not_possible() {
    let org = TestOrg::start().await;
    let revoke = respond("user@acme.test", &["revoke-grants"]);
    assert_eq!(refused(&org, superuser("00u1"), &revoke).await, ProblemCode::ActionNotPossible);
    configure(&org, &[("RESPONSE_QUARANTINE_GROUP", "")]);
    let quarantine = respond("user@acme.test", &["quarantine"]);
    assert_eq!(refused(&org, superuser("00u1"), &quarantine).await, ProblemCode::ActionNotPossible);
    configure(&org, &[("RESPONSE_ACTIONS", "deactivate")]);
    let wrong = respond_with("user@acme.test", &["deactivate"], json!({ "confirm": "user@globex.test" }));
    assert_eq!(refused(&org, superuser("00u1"), &wrong).await, ProblemCode::InvalidRequest);
    let member = org.user("responder@demo.test").await;
    let right = respond_with("user@acme.test", &["deactivate"], json!({ "confirm": "user@acme.test" }));
    assert_eq!(refused(&org, responder(&member), &right).await, ProblemCode::UserProtected);
}

#[tokio::test]
async fn the_last_super_admin_stays() {
    let org = TestOrg::start().await;
    let [one, other] = two_super_admins(&org).await;
    add(&org, &respond(&one, &["suspend"])).await;
    for action in ["suspend", "expire-password", "quarantine", "remove-from-groups"] {
        let request = respond(&other, &[action]);
        assert_eq!(refused(&org, superuser("00u1"), &request).await, ProblemCode::LastSuperAdmin, "{action}");
    }
    // What locks nobody out is allowed.
    assert_eq!(outcomes(&add(&org, &respond(&other, &["clear-sessions"])).await), ["clear-sessions done"]);
    // Where Okta does not say who the others are, nobody is the last for sure.
    let org = TestOrg::start().await;
    let [one, _] = two_super_admins(&org).await;
    org.break_okta("listUsersWithRoleAssignments", u64::MAX, 403);
    assert_eq!(
        refused(&org, superuser("00u1"), &respond(&one, &["suspend"])).await,
        ProblemCode::UserProtected
    );
}

#[tokio::test]
async fn two_responses_at_once_leave_one_of_the_last_two_super_admins() {
    let org = TestOrg::start().await;
    for round in 0..100 {
        org.emulator.reset();
        org.advance_clock(std::time::Duration::from_secs(60));
        let [one, other] = two_super_admins(&org).await;
        let (first, second) = (respond(&one, &["suspend"]), respond(&other, &["suspend"]));
        let (first, second) = tokio::join!(org.call::<AddResponse>(&first), org.call::<AddResponse>(&second));
        let suspended = [status(&org, &one).await, status(&org, &other).await];
        let left = suspended.iter().filter(|status| *status == "ACTIVE").count();
        assert_eq!((left, first.is_ok() || second.is_ok()), (1, true), "{round}: {suspended:?}");
    }
}

/// Somebody takes the role from the other one while this response runs.
#[tokio::test]
async fn who_became_the_last_super_admin_meanwhile_is_put_back() {
    let org = TestOrg::start().await;
    let [one, other] = two_super_admins(&org).await;
    let before = org.emulator.arrivals();
    let slow = okta_emulator::Action { delay_ms: 400, ..Default::default() };
    let mut fault = okta_emulator::Fault::on_call(1, 1, slow);
    fault.operation_id = Some("suspendUser".to_owned());
    org.emulator.order(fault);
    let request = respond(&one, &["suspend", "quarantine"]);
    let running = org.call::<AddResponse>(&request);
    let meanwhile = async {
        // Four reads, the list of administrators, four roles, two users, the groups of the one
        // who is active: the next suspends.
        org.emulator.wait_for_arrivals(before + 13).await;
        org.prepare("POST", &format!("/api/v1/users/{other}/lifecycle/suspend"), json!({})).await;
    };
    let (refused, ()) = tokio::join!(running, meanwhile);
    assert_eq!(refused.unwrap_err().code(), ProblemCode::LastSuperAdmin);
    assert_eq!(status(&org, &one).await, "ACTIVE");
    let list = org.call::<ListResponses>(&TestRequest::new().query("user", &one)).await.unwrap();
    assert_eq!(outcomes(&list[0]), ["suspend undone", "quarantine undone"]);
    assert_eq!(list[0]["status"], "failed");
}

#[tokio::test]
async fn a_tenants_admin_acts_on_users_of_this_tenant_alone() {
    let org = TestOrg::start().await;
    let admin = tenant_admin(&org, &["acme"]).await;
    let (own, other) = (org.user("user@acme.test").await, org.user("user@globex.test").await);
    let request = |user: &str, actions: &[&str]| {
        let body = json!({ "user": user, "actions": actions, "reason": "left" });
        TestRequest::tenant("acme").body(&body)
    };
    let code = async |request: &TestRequest| {
        org.call_as::<AddTenantResponse>(admin.clone(), request).await.map_err(|problem| problem.code())
    };
    assert_eq!(code(&request(&other, &["suspend"])).await, Err(ProblemCode::NotAMember));
    // A user of two tenants is neither admin's.
    let group = org.group("USERS_globex").await;
    org.prepare("PUT", &format!("/api/v1/groups/{group}/users/{own}"), json!({})).await;
    assert_eq!(code(&request(&own, &["suspend"])).await, Err(ProblemCode::NotAMember));
    org.prepare("DELETE", &format!("/api/v1/groups/{group}/users/{own}"), json!({})).await;
    // An admin of the tenant is an administrator.
    let colleague = org.user("admin@acme.test").await;
    assert_eq!(code(&request(&colleague, &["suspend"])).await, Err(ProblemCode::UserProtected));
    assert_eq!(code(&request(&own, &["quarantine"])).await, Err(ProblemCode::InvalidRequest));
    let response = code(&request(&own, &["suspend", "clear-sessions"])).await.unwrap();
    assert_eq!(outcomes(&response), ["suspend done", "clear-sessions done"]);
    // So many users in an hour.
    configure(&org, &[("RESPONSE_MAX_PER_HOUR", "5")]);
    let mut refused = 0;
    for n in 0..10 {
        let nobody = request(&format!("00u0nobody{n:0>10}"), &["suspend"]);
        refused += usize::from(code(&nobody).await == Err(ProblemCode::TooManyResponses));
    }
    // Four users were counted before: those above, also the ones that were refused.
    assert_eq!(refused, 8);
}

/// What cannot be written down is not done.
#[tokio::test]
async fn without_the_table_nothing_is_done() {
    let org = TestOrg::start().await;
    let id = org.user("user@acme.test").await;
    org.stop_dynamodb();
    let code = refused(&org, superuser("00u1"), &respond(&id, &["suspend", "clear-sessions"])).await;
    assert_eq!(code, ProblemCode::StateUnavailable);
}
