//! What somebody could gain by responses.

use std::time::Duration;

use domain::{Caller, SUPERUSERS};
use operation_testing::{TestOrg, TestRequest, tenant_admin};
use operations::ProblemCode;
use serde_json::{Value, json};

use super::{
    add, configure, expire, make_super_admin, outcomes, respond, respond_with, responder, status,
    two_super_admins,
};
use crate::{AddResponse, AddTenantResponse, LiftResponse, ListResponses};

async fn lift_as(org: &TestOrg, caller: Caller, response: &Value) -> Result<Value, ProblemCode> {
    let lift = TestRequest::new().path("responseId", response["id"].as_str().unwrap());
    let lifted = org.call_as::<LiftResponse>(caller, &lift.body(&json!({ "reason": "x" }))).await;
    lifted.map_err(|problem| problem.code())
}

/// What a superuser did to an administrator, a responder does not take back: not even where
/// the user is none any more because of it.
#[tokio::test]
async fn a_responder_gives_nobody_the_rights_of_an_administrator_back() {
    let member = "user@acme.test";
    for (actions, group) in
        [(&["suspend"][..], true), (&["remove-from-groups"], true), (&["remove-admin-roles"], false)]
    {
        let org = TestOrg::start().await;
        configure(&org, &[("RESPONSE_ACTIONS", "suspend,remove-from-groups,remove-admin-roles")]);
        let (user, uid) = (org.user(member).await, org.user("responder@demo.test").await);
        if group {
            let superusers = org.group(SUPERUSERS).await;
            org.prepare("PUT", &format!("/api/v1/groups/{superusers}/users/{user}"), json!({})).await;
        } else {
            make_super_admin(&org, member).await;
        }
        let response = add(&org, &respond(member, actions)).await;
        let before = org.snapshot();
        let refused = lift_as(&org, responder(&uid), &response).await;
        assert_eq!(refused, Err(ProblemCode::UserProtected), "{actions:?}");
        assert_eq!(org.snapshot(), before, "{actions:?}");
        let superuser = Caller::new("00u1", &[], &[SUPERUSERS.to_owned()], false);
        assert_eq!(lift_as(&org, superuser, &response).await.unwrap()["status"], "lifted", "{actions:?}");
    }
}

/// Nor by a response of their own, which took the superuser's over.
#[tokio::test]
async fn a_hand_over_gives_no_responder_the_rights_of_an_administrator() {
    let org = TestOrg::start().await;
    let (user, uid) = (org.user("user@acme.test").await, org.user("responder@demo.test").await);
    let superusers = org.group(SUPERUSERS).await;
    org.prepare("PUT", &format!("/api/v1/groups/{superusers}/users/{user}"), json!({})).await;
    let first = add(&org, &respond(&user, &["remove-from-groups"])).await;
    let own = respond(&user, &["remove-from-groups"]);
    let own = org.call_as::<AddResponse>(responder(&uid), &own).await.unwrap();
    let superuser = Caller::new("00u1", &[], &[SUPERUSERS.to_owned()], false);
    lift_as(&org, superuser.clone(), &first).await.unwrap();
    let before = org.snapshot();
    assert_eq!(lift_as(&org, responder(&uid), &own).await, Err(ProblemCode::UserProtected));
    assert_eq!(org.snapshot(), before);
    lift_as(&org, superuser, &own).await.unwrap();
    assert_ne!(org.snapshot(), before);
}

/// A tenant's admin learns nothing about users of others: who exists, and who is protected.
#[tokio::test]
async fn a_tenants_admin_does_not_learn_who_exists() {
    let org = TestOrg::start().await;
    let admin = tenant_admin(&org, &["acme"]).await;
    let agent = org.user("agent@demo.test").await;
    let group = okta_emulator::EMERGENCY;
    org.prepare("PUT", &format!("/api/v1/groups/{group}/users/{agent}"), json!({})).await;
    for user in ["nobody@acme.test", "user@globex.test", "agent@demo.test", "superuser@demo.test"] {
        let body = json!({ "user": user, "actions": ["suspend"], "reason": "left", "dryRun": true });
        let request = TestRequest::tenant("acme").body(&body);
        let problem = org.call_as::<AddTenantResponse>(admin.clone(), &request).await.unwrap_err();
        let document = problem.document("id").to_string();
        assert_eq!(problem.code(), ProblemCode::NotAMember, "{user}: {document}");
        assert!(document.contains("the user is not a user of this tenant alone"), "{user}: {document}");
    }
}

/// What an operator switched off is not done at the end either, nor what a tenant's admin may
/// not order.
#[tokio::test]
async fn the_end_does_nothing_that_is_not_allowed() {
    let org = TestOrg::start().await;
    let admin = tenant_admin(&org, &["acme"]).await;
    let body = json!({ "user": "user@acme.test", "actions": ["suspend"], "onLift": ["reset-password"], "reason": "x" });
    let request = TestRequest::tenant("acme").body(&body);
    let problem = org.call_as::<AddTenantResponse>(admin, &request).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::InvalidRequest);
    configure(&org, &[("RESPONSE_ACTIONS", "suspend")]);
    let request = respond_with("user@acme.test", &["suspend"], json!({ "onLift": ["expire-password"] }));
    let problem = org.call::<AddResponse>(&request).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::ActionNotPossible);
    assert_eq!(status(&org, "user@acme.test").await, "ACTIVE");
}

/// Whoever is in quarantine may be unable to sign in: the other one is the last.
#[tokio::test]
async fn quarantine_one_after_the_other_leaves_a_super_admin() {
    let org = TestOrg::start().await;
    let [one, other] = two_super_admins(&org).await;
    add(&org, &respond(&one, &["quarantine"])).await;
    for action in ["quarantine", "suspend"] {
        let problem = org.call::<AddResponse>(&respond(&other, &[action])).await.unwrap_err();
        assert_eq!(problem.code(), ProblemCode::LastSuperAdmin, "{action}");
    }
}

/// The last super admin is put back also where Okta does not do it at once.
#[tokio::test]
async fn the_last_super_admin_is_put_back_until_it_is_done() {
    let org = TestOrg::start().await;
    let [one, other] = two_super_admins(&org).await;
    let before = org.emulator.arrivals();
    let slow = okta_emulator::Action { delay_ms: 400, ..Default::default() };
    let mut fault = okta_emulator::Fault::on_call(1, 1, slow);
    fault.operation_id = Some("suspendUser".to_owned());
    org.emulator.order(fault);
    org.break_okta("unsuspendUser", u64::MAX, 503);
    let request = respond(&one, &["suspend", "quarantine"]);
    let running = org.call::<AddResponse>(&request);
    let meanwhile = async {
        org.emulator.wait_for_arrivals(before + 14).await;
        org.prepare("POST", &format!("/api/v1/users/{other}/lifecycle/suspend"), json!({})).await;
    };
    let (failed, ()) = tokio::join!(running, meanwhile);
    assert_eq!(failed.unwrap_err().code(), ProblemCode::OperationIncomplete);
    assert_eq!(status(&org, &one).await, "SUSPENDED");
    org.advance_clock(Duration::from_secs(31));
    assert_eq!(expire(&org).await.left, 1, "Okta does not do it yet");
    org.emulator.clear_faults();
    org.advance_clock(Duration::from_secs(31));
    assert_eq!(expire(&org).await.ended, 1);
    assert_eq!(status(&org, &one).await, "ACTIVE");
    let list = org.call::<ListResponses>(&TestRequest::new()).await.unwrap();
    assert_eq!(outcomes(&list[0]), ["suspend undone", "quarantine undone"]);
}
