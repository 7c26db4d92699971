//! Rules that concern all operations of this package.

use okta_emulator::{Action, Fault};
use operation_testing::{
    TestOrg, TestRequest, assert_same, converges_after_being_killed, cost, fails_cleanly_at_every_step,
    tenant_admin,
};
use operations::ProblemCode;
use serde_json::json;
use std::time::Duration;

use crate::{AssignTenantAdmin, ListTenantAdmins, RevokeUser, UnassignTenantAdmin};

/// A request about a user of `acme`; ids are the same after each reset.
async fn about(org: &TestOrg, login: &str) -> TestRequest {
    TestRequest::tenant("acme").path("userId", &org.user(login).await)
}

async fn admins(org: &TestOrg) -> usize {
    let list = org.call::<ListTenantAdmins>(&TestRequest::tenant("acme")).await.unwrap();
    list.as_array().unwrap().len()
}

#[tokio::test]
async fn the_cost_of_each_operation() {
    let org = TestOrg::start().await;
    let user = about(&org, "user@acme.test").await;
    let costs = [
        cost::<AssignTenantAdmin>(&org, &user).await,
        cost::<ListTenantAdmins>(&org, &TestRequest::tenant("acme")).await,
        cost::<UnassignTenantAdmin>(&org, &user).await,
    ];
    // The heads of the files say the same.
    assert_eq!(costs, [(8, 3), (5, 2), (9, 5)]);
}

#[tokio::test]
async fn assign_tenant_admin_fails_cleanly_at_every_step() {
    let user = about(&TestOrg::start().await, "user@acme.test").await;
    fails_cleanly_at_every_step::<AssignTenantAdmin>(&user, async |_| {}).await;
    converges_after_being_killed::<AssignTenantAdmin>(&user, async |_| {}).await;
}

#[tokio::test]
async fn unassign_tenant_admin_fails_cleanly_at_every_step() {
    let user = about(&TestOrg::start().await, "user@acme.test").await;
    let assign = async |org: &TestOrg| {
        org.call::<AssignTenantAdmin>(&user).await.unwrap();
    };
    fails_cleanly_at_every_step::<UnassignTenantAdmin>(&user, assign).await;
    converges_after_being_killed::<UnassignTenantAdmin>(&user, assign).await;
}

#[tokio::test]
async fn adm_02_assigning_twice_is_assigning_once() {
    let org = TestOrg::start().await;
    let user = about(&org, "user@acme.test").await;
    let first = org.call::<AssignTenantAdmin>(&user).await.unwrap();
    assert_eq!(
        (&first["tenant"], first["userId"].as_str().unwrap()),
        (&json!("acme"), &*org.user("user@acme.test").await)
    );
    assert!(first["assigned"].as_str().unwrap().starts_with("20"), "{first}");
    let after = org.emulator.stable_snapshot();
    org.call::<AssignTenantAdmin>(&user).await.unwrap();
    assert_same(&org.emulator.stable_snapshot(), &after, "the org");
}

/// Users of another tenant, also of one whose name begins alike, and nobody.
#[tokio::test]
async fn adm_01_only_members_of_the_tenant_become_admins() {
    let org = TestOrg::start_with(|seed| {
        let mut other = seed.tenants[1].clone();
        other.name = "acmeEvil".to_owned();
        seed.tenants[1] = other;
    })
    .await;
    let before = org.emulator.stable_snapshot();
    let nobody = TestRequest::tenant("acme").path("userId", "00unobody");
    for stranger in [about(&org, "user@globex.test").await, about(&org, "superuser@demo.test").await, nobody]
    {
        let problem = org.call::<AssignTenantAdmin>(&stranger).await.unwrap_err();
        assert_eq!(problem.code(), ProblemCode::NotAMember, "{}", problem.document("id"));
    }
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
}

/// A removal that is sent again, as the superuser's client may, is no way back: neither
/// when nobody else is left, nor when Okta fails under the lock.
#[tokio::test]
async fn a_removal_that_is_repeated_makes_nobody_an_admin() {
    let org = TestOrg::start().await;
    let admin = about(&org, "admin@acme.test").await;
    org.call::<UnassignTenantAdmin>(&admin.clone().query("force", "true")).await.unwrap();
    for nth in 1..=4 {
        let mut fault = Fault::on_call(nth, u64::MAX, Action { status: Some(500), ..Action::default() });
        fault.operation_id = Some("listGroupUsers".to_owned());
        org.emulator.order(fault);
        let _ = org.call::<UnassignTenantAdmin>(&admin).await;
        org.emulator.clear_faults();
        assert_eq!(admins(&org).await, 0, "{nth}");
    }
    org.call::<UnassignTenantAdmin>(&admin).await.unwrap();
    assert_eq!(admins(&org).await, 0);
}

/// The membership that counts stands on the second page of the user's groups.
#[tokio::test]
async fn adm_03_a_user_of_many_groups() {
    let org = TestOrg::start_with(|seed| seed.bulk_groups = 250).await;
    let id = org.user("user@acme.test").await;
    let groups: Vec<_> = {
        let snapshot = org.emulator.snapshot();
        let groups = snapshot["groups"].as_object().unwrap();
        let bulk = groups.iter().filter(|(_, g)| g["profile"]["name"].as_str().unwrap().starts_with("BULK_"));
        bulk.map(|(id, _)| id.clone()).collect()
    };
    assert_eq!(groups.len(), 250);
    for group in groups {
        org.okta().assign_user_to_group(&group.into(), &id.as_str().into()).await.unwrap();
    }
    let request = TestRequest::tenant("acme").path("userId", &id);
    org.call::<AssignTenantAdmin>(&request).await.unwrap();
    assert_eq!(admins(&org).await, 2);
}

#[tokio::test]
async fn who_cannot_sign_in_becomes_no_admin() {
    let org = TestOrg::start().await;
    let user = about(&org, "user@acme.test").await;
    let id = org.user("user@acme.test").await;
    org.prepare("POST", &format!("/api/v1/users/{id}/lifecycle/suspend"), json!({})).await;
    let problem = org.call::<AssignTenantAdmin>(&user).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::UserNotActive);
}

/// What helps depends on what the user is.
#[tokio::test]
async fn br_15_what_is_to_be_done_about_the_user() {
    for (status, remedy) in
        [("LOCKED_OUT", "unlock the user first"), ("SUSPENDED", "unsuspend the user first")]
    {
        let org = TestOrg::start().await;
        let (user, id) = (about(&org, "user@acme.test").await, org.user("user@acme.test").await);
        match status {
            "SUSPENDED" => {
                drop(org.prepare("POST", &format!("/api/v1/users/{id}/lifecycle/suspend"), json!({})).await)
            }
            _ => lock_out(&org, "user@acme.test").await,
        }
        let problem = org.call::<AssignTenantAdmin>(&user).await.unwrap_err();
        let detail = problem.document("id")["detail"].as_str().unwrap().to_owned();
        assert!(problem.code() == ProblemCode::UserNotActive && detail.contains(remedy), "{detail}");
    }
}

/// Wrong passwords, until Okta locks the user out.
async fn lock_out(org: &TestOrg, login: &str) {
    let org_url = okta_client::OrgUrl::parse(&org.emulator.url()).unwrap();
    let http = run_kit::http_client(std::time::Duration::from_secs(5)).unwrap();
    for _ in 0..12 {
        let body = json!({ "username": login, "password": "wrong" });
        let _ = http.post(format!("{}/api/v1/authn", org_url.as_str())).json(&body).send().await.unwrap();
    }
}

#[tokio::test]
async fn adm_05_the_last_admin_stays() {
    let org = TestOrg::start().await;
    let (admin, user) = (about(&org, "admin@acme.test").await, about(&org, "user@acme.test").await);
    let code =
        async |request: &TestRequest| org.call::<UnassignTenantAdmin>(request).await.map_err(|p| p.code());
    assert_eq!(code(&admin).await, Err(ProblemCode::LastAdmin));
    // An admin who cannot sign in does not count.
    org.call::<AssignTenantAdmin>(&user).await.unwrap();
    let id = org.user("user@acme.test").await;
    org.prepare("POST", &format!("/api/v1/users/{id}/lifecycle/suspend"), json!({})).await;
    assert_eq!(code(&admin).await, Err(ProblemCode::LastAdmin));
    // Who was one a moment ago can be removed again and again.
    assert!(code(&user).await.is_ok() && code(&user).await.is_ok());
    // A superuser may, the admin may not.
    let force = admin.clone().query("force", "true");
    let own = tenant_admin(&org, &["acme"]).await;
    let refused = org.call_as::<UnassignTenantAdmin>(own, &force).await.unwrap_err();
    assert_eq!(refused.code(), ProblemCode::Forbidden);
    org.call::<UnassignTenantAdmin>(&force).await.unwrap();
    assert_eq!(admins(&org).await, 0);
}

/// Two admins remove each other at the same moment.
#[tokio::test]
async fn two_requests_cannot_remove_the_last_two() {
    let org = TestOrg::start().await;
    let (admin, user) = (about(&org, "admin@acme.test").await, about(&org, "user@acme.test").await);
    org.call::<AssignTenantAdmin>(&user).await.unwrap();
    org.emulator.configure(|settings| settings.latency_ms = 5);
    let (one, other) =
        tokio::join!(org.call::<UnassignTenantAdmin>(&admin), org.call::<UnassignTenantAdmin>(&user));
    assert!(one.is_err() || other.is_err());
    assert!(admins(&org).await > 0);
}

#[tokio::test]
async fn two_hundred_and_fifty_admins_stand_on_three_pages() {
    let logins: Vec<String> = (0..250).map(|n| format!("admin{n}@acme.test")).collect();
    let org = TestOrg::start_with(|seed| {
        let model = seed.users[1].clone();
        for login in &logins {
            let mut user = model.clone();
            user.login = login.clone();
            seed.users.push(user);
        }
        seed.tenants[0].admins.extend(logins.clone());
    })
    .await;
    let pages = org.pages::<ListTenantAdmins>(&TestRequest::tenant("acme"), 100).await;
    let ids = pages.iter().flatten().map(|admin| admin["id"].as_str().unwrap().to_owned());
    let mut seen: Vec<String> = ids.collect();
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), pages.len()), (251, 3));
    // The one that is looked for may be on the last page of Okta's.
    let last = TestRequest::tenant("acme").path("userId", seen.last().unwrap());
    org.call::<UnassignTenantAdmin>(&last).await.unwrap();
}

#[tokio::test]
async fn an_admin_is_shown_without_what_is_not_for_admins() {
    let org = TestOrg::start().await;
    let list = org.call::<ListTenantAdmins>(&TestRequest::tenant("acme")).await.unwrap();
    let admin = &list[0];
    assert_eq!(admin["profile"]["email"], "admin@acme.test");
    for hidden in ["/_links", "/type", "/profile/login", "/profile/mobilePhone", "/profile/secondEmail"] {
        assert_eq!(admin.pointer(hidden), None, "{hidden} in {admin}");
    }
}

/// The last revocation is written after the membership, also for somebody who is no
/// admin any more.
#[tokio::test]
async fn a_removed_admins_tokens_are_revoked() {
    let org = TestOrg::start().await;
    let user = about(&org, "user@acme.test").await;
    org.call::<AssignTenantAdmin>(&user).await.unwrap();
    assert_eq!(org.items("revocation#").len(), 0);
    org.call::<UnassignTenantAdmin>(&user).await.unwrap();
    let id = org.user("user@acme.test").await;
    let written = org.items("revocation#");
    assert!(written.len() == 1 && written[0].ends_with(&format!("#{id}")), "{written:?}");
    org.call::<UnassignTenantAdmin>(&user).await.unwrap();
    // One who stays keeps their tokens: what was revoked first is taken back.
    let admin = about(&org, "admin@acme.test").await;
    org.call::<UnassignTenantAdmin>(&admin).await.unwrap_err();
    assert_eq!(org.items("revocation#"), written);
    org.stop_dynamodb();
    let problem = org.call::<UnassignTenantAdmin>(&user).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::StateUnavailable);
}

/// The other admin is removed through Okta itself while the request waits for the lock.
#[tokio::test]
async fn a_refusal_under_the_lock_takes_the_revocation_back() {
    let org = TestOrg::start().await;
    let user = about(&org, "user@acme.test").await;
    org.call::<AssignTenantAdmin>(&user).await.unwrap();
    let id = org.user("admin@acme.test").await;
    let group = org.group("ADMINS_acme").await;
    // Between the first look at the members and the end of the membership.
    let mut slow = Fault::on_call(1, 1, Action { delay_ms: 400, ..Action::default() });
    slow.operation_id = Some("unassignUserFromGroup".to_owned());
    org.emulator.order(slow);
    let before = org.emulator.arrivals();
    let removing = org.call::<UnassignTenantAdmin>(&user);
    let meanwhile = async {
        org.emulator.wait_for_arrivals(before + 7).await;
        org.prepare("DELETE", &format!("/api/v1/groups/{group}/users/{id}"), json!({})).await;
    };
    let (removed, ()) = tokio::join!(removing, meanwhile);
    assert_eq!(removed.unwrap_err().code(), ProblemCode::LastAdmin);
    assert_eq!((admins(&org).await, org.items("revocation#").len()), (1, 0));
}

/// The membership is gone, the last revocation is not written.
#[tokio::test]
async fn tokens_that_cannot_be_revoked_are_named() {
    let org = TestOrg::start().await;
    let user = about(&org, "user@acme.test").await;
    org.call::<AssignTenantAdmin>(&user).await.unwrap();
    // The first revocation and the lock are written.
    org.break_dynamodb(3, u64::MAX, false);
    let problem = org.call::<UnassignTenantAdmin>(&user).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::OperationIncomplete);
    assert_eq!(problem.document("id")["leftBehind"][0]["kind"], "token");
    org.break_dynamodb(1, 0, false);
    org.advance_clock(Duration::from_secs(60));
    org.call::<UnassignTenantAdmin>(&user).await.unwrap();
}

/// Whoever was no admin leaves no trace in the table.
#[tokio::test]
async fn a_thousand_users_who_are_no_admins_leave_no_item() {
    let org = TestOrg::start().await;
    let before = org.tables();
    for n in 0..1_000 {
        let nobody = TestRequest::tenant("acme").path("userId", &format!("00unobody{n}"));
        let problem = org.call::<UnassignTenantAdmin>(&nobody).await.unwrap_err();
        assert_eq!(problem.code(), ProblemCode::AdminNotFound);
    }
    assert_eq!(org.tables(), before);
}

#[tokio::test]
async fn revoke_user_writes_one_item() {
    let org = TestOrg::start().await;
    let id = org.user("superuser@demo.test").await;
    let request = TestRequest::new().path("userId", &id);
    assert_eq!(cost::<RevokeUser>(&org, &request).await, (1, 1));
    for request in [request.clone(), request.body(&json!({ "reason": "lost laptop" }))] {
        org.call::<RevokeUser>(&request).await.unwrap();
        assert_eq!(org.items("revocation#"), [format!("revocation#user#{id}")]);
    }
    let nobody = TestRequest::new().path("userId", "00unobody");
    assert_eq!(org.call::<RevokeUser>(&nobody).await.unwrap_err().code(), ProblemCode::UserNotFound);
    let long = TestRequest::new().path("userId", &id).body(&json!({ "reason": "x".repeat(201) }));
    assert_eq!(org.call::<RevokeUser>(&long).await.unwrap_err().code(), ProblemCode::InvalidRequest);
}
