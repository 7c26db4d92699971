//! Suspending and resuming.

use std::time::Duration;

use okta_client::models::GroupProfile;
use operation_testing::{
    TestOrg, TestRequest, assert_same, converges_after_being_killed, fails_cleanly_at_every_step,
};
use operations::ProblemCode;
use serde_json::{Value, json};

use super::{add, furnish, update};
use crate::{AddTenant, DeleteTenant, GetTenant, UpdateTenant};

/// An earlier release took the role away and revoked for ever.
async fn suspended_by_an_earlier_release(org: &TestOrg) {
    furnish(org).await;
    let tenant = org.call::<GetTenant>(&TestRequest::tenant("acme")).await.unwrap();
    let (id, admins) = (tenant["id"].as_str().unwrap(), tenant["ADMINS_groupId"].as_str().unwrap());
    org.prepare("DELETE", &format!("/api/v1/groups/{admins}/roles/KVJUKUS7IFCE2SKO"), json!({})).await;
    org.prepare("POST", &format!("/api/v1/idps/{id}/lifecycle/deactivate"), json!({})).await;
    let group = org.okta().get_group(&admins.into()).await.unwrap();
    let mut record = domain::AdminsDescription::parse(&group.profile.description).unwrap();
    record.status = Some(domain::TenantStatus::Suspended);
    record.resume = Some(domain::Resume { idp: true, rule: true });
    let profile = GroupProfile { description: record.to_text(), ..group.profile };
    org.okta().replace_group(&admins.into(), &profile).await.unwrap();
    org.emulator.catch_up();
    org.revoke_for_ever(id);
}

#[tokio::test]
async fn a_suspension_fails_cleanly_at_every_step() {
    let request = update("acme", json!({"status": "SUSPENDED"}));
    fails_cleanly_at_every_step::<UpdateTenant>(&request, furnish).await;
    converges_after_being_killed::<UpdateTenant>(&request, furnish).await;
}

#[tokio::test]
async fn a_resumption_fails_cleanly_at_every_step() {
    let request = update("acme", json!({"status": "ACTIVE"}));
    let suspend = async |org: &TestOrg| {
        furnish(org).await;
        org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap();
    };
    fails_cleanly_at_every_step::<UpdateTenant>(&request, suspend).await;
    converges_after_being_killed::<UpdateTenant>(&request, suspend).await;
}

#[tokio::test]
async fn suspending_and_resuming_restores_everything() {
    let org = TestOrg::start().await;
    furnish(&org).await;
    let before = org.emulator.stable_snapshot();
    let tenant = org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap();
    assert_eq!(tenant["status"], "SUSPENDED");
    let suspended = org.snapshot();
    assert_eq!(suspended["idps"]["idp:DAC_acme"]["status"], "INACTIVE");
    let role = &suspended["group_roles"]["group:ADMINS_acme"];
    assert_eq!((&role[0]["targets"], &role[1]), (&json!(["group:NOBODY_acme_"]), &Value::Null));
    assert_eq!(org.items("tenant#").len(), 1);
    org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap();
    assert_same(&org.snapshot(), &suspended, "the org");
    org.call::<UpdateTenant>(&update("acme", json!({"status": "ACTIVE"}))).await.unwrap();
    assert_same(&org.snapshot(), &before, "the org");
    assert_eq!(org.items("tenant#"), [""; 0]);
    // What is active already stays as it is.
    org.call::<UpdateTenant>(&update("acme", json!({"status": "ACTIVE"}))).await.unwrap();
    assert_same(&org.snapshot(), &before, "the org");
}

/// Users whom the suspended tenant's admin made in the empty group do not stay in the
/// way; a kept target whose entitlement ended is none any more.
#[tokio::test]
async fn what_became_of_a_suspended_tenant_meanwhile() {
    let org = TestOrg::start().await;
    furnish(&org).await;
    let (acme, admins) = (TestRequest::tenant("acme"), org.group("ADMINS_acme").await);
    let app_users = org.group("APPUSERS_acme_0oa1dynamics00000001").await;
    let target = format!("/api/v1/groups/{admins}/roles/KVJUKUS7IFCE2SKO/targets/groups/{app_users}");
    org.prepare("PUT", &target, json!({})).await;
    org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap();
    let empty = org.emulator.snapshot();
    let empty = empty["groups"].as_object().unwrap().values();
    let empty =
        empty.into_iter().find(|g| g["profile"]["name"].as_str().unwrap().starts_with("NOBODY_acme_"));
    let (empty, user) = (empty.unwrap()["id"].as_str().unwrap().to_owned(), org.user("user@acme.test").await);
    org.prepare("PUT", &format!("/api/v1/groups/{empty}/users/{user}"), json!({})).await;
    org.call::<UpdateTenant>(&update("acme", json!({"status": "ACTIVE"}))).await.unwrap();
    assert_eq!(org.call::<GetTenant>(&acme).await.unwrap()["status"], "ACTIVE");
    let after = org.snapshot();
    assert!(!after.to_string().contains("NOBODY_"), "{after}");
    // The group was assigned to no app: it was never an entitlement.
    let targets = &after["group_roles"]["group:ADMINS_acme"][0]["targets"];
    assert_eq!(targets, &json!(["group:ADMINS_acme", "group:USERS_acme"]));
}

#[tokio::test]
async fn a_tenant_that_an_earlier_release_suspended_is_resumed() {
    let org = TestOrg::start().await;
    suspended_by_an_earlier_release(&org).await;
    let resume = update("acme", json!({"status": "ACTIVE"}));
    org.call::<UpdateTenant>(&resume).await.unwrap();
    let after = org.snapshot();
    let role = &after["group_roles"]["group:ADMINS_acme"][0];
    assert_eq!(role["targets"], json!(["group:ADMINS_acme", "group:USERS_acme"]));
    assert_eq!(after["groups"]["group:ADMINS_acme"]["members"].as_array().map(Vec::len), Some(1));
    assert_eq!(after["idps"]["idp:DAC_acme"]["status"], "ACTIVE");
    assert_eq!((org.items("tenant#"), org.items("revocation#")), (Vec::new(), Vec::new()));
    fails_cleanly_at_every_step::<UpdateTenant>(&resume, suspended_by_an_earlier_release).await;
    converges_after_being_killed::<UpdateTenant>(&resume, suspended_by_an_earlier_release).await;
    // It can be suspended once more, and deleted.
    let suspend = update("acme", json!({"status": "SUSPENDED"}));
    fails_cleanly_at_every_step::<UpdateTenant>(&suspend, suspended_by_an_earlier_release).await;
    fails_cleanly_at_every_step::<DeleteTenant>(
        &TestRequest::tenant("acme"),
        suspended_by_an_earlier_release,
    )
    .await;
}

#[tokio::test]
async fn a_suspended_tenant_is_renamed_and_deleted_without_a_trace() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    org.call::<UpdateTenant>(&update("initech", json!({"status": "SUSPENDED"}))).await.unwrap();
    org.call::<UpdateTenant>(&update("initech", json!({"name": "initrode"}))).await.unwrap();
    org.call::<DeleteTenant>(&TestRequest::tenant("initrode")).await.unwrap();
    assert_same(&org.snapshot(), &before, "the org");
    assert_eq!(org.items("tenant#"), [""; 0]);
}

/// DynamoDB is lost at each of its calls: nothing is half-made, and the same request
/// completes it.
#[tokio::test]
async fn a_suspension_without_the_table() {
    for (from, to) in [("ACTIVE", "SUSPENDED"), ("SUSPENDED", "ACTIVE")] {
        for nth in 1..=12 {
            let org = TestOrg::start().await;
            furnish(&org).await;
            org.call::<UpdateTenant>(&update("acme", json!({ "status": from }))).await.unwrap();
            let before = org.snapshot();
            org.break_dynamodb(nth, u64::MAX, false);
            let result = org.call::<UpdateTenant>(&update("acme", json!({ "status": to }))).await;
            org.break_dynamodb(1, 0, false);
            if let Err(problem) = result {
                let code = problem.code();
                assert_eq!(code.status(), 503, "{to} {nth}: {}", problem.document("id"));
                if code != ProblemCode::OperationIncomplete {
                    assert_same(&org.snapshot(), &before, &format!("{to} without the table at {nth}"));
                }
            }
            org.advance_clock(Duration::from_secs(60));
            org.call::<UpdateTenant>(&update("acme", json!({ "status": to }))).await.unwrap();
            assert_eq!(org.items("tenant#").len(), usize::from(to == "SUSPENDED"), "{to} {nth}");
        }
    }
}

/// A request that was sent twice at once: the second neither undoes the first
/// nor calls it a conflict of names.
#[tokio::test]
async fn resuming_twice_at_once_resumes() {
    let org = TestOrg::start().await;
    furnish(&org).await;
    org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap();
    org.emulator.configure(|settings| settings.latency_ms = 5);
    let resume = update("acme", json!({"status": "ACTIVE"}));
    let (one, other) = tokio::join!(org.call::<UpdateTenant>(&resume), org.call::<UpdateTenant>(&resume));
    assert!(one.is_ok() && other.is_ok(), "{:?} {:?}", one.err(), other.err());
    let after = org.snapshot();
    assert_eq!(after["idps"]["idp:DAC_acme"]["status"], "ACTIVE");
    let targets = &after["group_roles"]["group:ADMINS_acme"][0]["targets"];
    assert_eq!(targets, &json!(["group:ADMINS_acme", "group:USERS_acme"]));
}

/// One request renames and resumes: the rule with the pending domains stays off.
#[tokio::test]
async fn renaming_and_resuming_at_once() {
    let org = TestOrg::start().await;
    furnish(&org).await;
    org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap();
    let both = update("acme", json!({"name": "umbrella", "status": "ACTIVE"}));
    let tenant = org.call::<UpdateTenant>(&both).await.unwrap();
    assert_eq!((&tenant["name"], &tenant["status"]), (&json!("umbrella"), &json!("ACTIVE")));
    let rules = &org.emulator.stable_snapshot()["rules"]["00p1discovery0000001"];
    assert_eq!(rules["rule:DAC_umbrella"]["status"], "ACTIVE");
    assert_eq!(rules["rule:DAC_umbrella_unverified"]["status"], "INACTIVE");
}

/// The group that the role of a suspended tenant is limited to.
fn empty_group(org: &TestOrg) -> String {
    let snapshot = org.emulator.snapshot();
    let role = snapshot["group_roles"].as_object().unwrap().values().find_map(|roles| {
        let targets = roles[0]["targets"].as_array()?;
        let id = targets.first()?.as_str()?;
        let is_empty = snapshot["groups"][id]["members"].as_array()?.is_empty();
        (targets.len() == 1 && is_empty).then(|| id.to_owned())
    });
    role.expect("a role that is limited to nobody")
}

/// Its admin may give the group any name. Whatever is deleted by name, the role keeps its
/// target.
#[tokio::test]
async fn the_empty_group_is_nobodys_leftover_under_any_name() {
    for (name, description) in [
        ("APPUSERS_acme_0oa1spyder0000000001", ""),
        ("APPUSERS_globex_0oa1spyder0000000001", ""),
        ("USERS_initech", domain::USERS_DESCRIPTION),
        ("ADMINS_initech", r#"{"creating":"a-dead-request"}"#),
    ] {
        let org = TestOrg::start().await;
        furnish(&org).await;
        org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap();
        let empty = empty_group(&org);
        let profile = GroupProfile::new(name, description);
        org.okta().replace_group(&empty.as_str().into(), &profile).await.unwrap();
        org.emulator.catch_up();
        org.advance_clock(Duration::from_secs(120));
        let _ = org.call::<AddTenant>(&add("initech")).await;
        let _ = org.call::<DeleteTenant>(&TestRequest::tenant("initech")).await;
        org.call::<DeleteTenant>(&TestRequest::tenant("globex")).await.unwrap();
        assert_eq!(empty_group(&org), empty, "{name}");
        let before = org.snapshot();
        let resumed = org.call::<UpdateTenant>(&update("acme", json!({"status": "ACTIVE"}))).await;
        assert!(resumed.is_ok(), "{name}: {:?}", resumed.err());
        assert!(org.okta().get_group(&empty.as_str().into()).await.is_err(), "{name}: {before}");

        org.reset();
        furnish(&org).await;
        org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap();
        let empty = empty_group(&org);
        org.okta().replace_group(&empty.as_str().into(), &profile).await.unwrap();
        org.emulator.catch_up();
        org.call::<DeleteTenant>(&TestRequest::tenant("acme")).await.unwrap();
        assert!(org.okta().get_group(&empty.as_str().into()).await.is_err(), "{name}");
    }
}

/// Nothing of what was kept is a target any more: the admins get their own groups, and
/// never the whole org.
#[tokio::test]
async fn a_resumed_role_is_never_without_a_target() {
    let org = TestOrg::start().await;
    furnish(&org).await;
    let (admins, users) = (org.group("ADMINS_acme").await, org.group("USERS_acme").await);
    let app_users = org.group("APPUSERS_acme_0oa1dynamics00000001").await;
    let target =
        |group: &str| format!("/api/v1/groups/{admins}/roles/KVJUKUS7IFCE2SKO/targets/groups/{group}");
    let assignment = format!("/api/v1/apps/0oa1dynamics00000001/groups/{app_users}");
    org.prepare("PUT", &assignment, json!({})).await;
    org.prepare("PUT", &target(&app_users), json!({})).await;
    for own in [&users, &admins] {
        org.prepare("DELETE", &target(own), json!({})).await;
    }
    org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap();
    org.prepare("DELETE", &assignment, json!({})).await;
    org.call::<UpdateTenant>(&update("acme", json!({"status": "ACTIVE"}))).await.unwrap();
    let targets = &org.snapshot()["group_roles"]["group:ADMINS_acme"][0]["targets"];
    assert_eq!(targets, &json!(["group:ADMINS_acme", "group:USERS_acme"]));
}

/// An earlier release kept nothing of the targets: a group with the label of an app is
/// one only if the tenant's own users are in it.
#[tokio::test]
async fn what_an_earlier_release_suspended_gets_back_what_its_users_had() {
    let org = TestOrg::start().await;
    suspended_by_an_earlier_release(&org).await;
    let own = org.group("APPUSERS_acme_0oa1dynamics00000001").await;
    let foreign = org.group("APPUSERS_globex_0oa1umbrella00000001").await;
    let label = GroupProfile::new("APPUSERS_acme_0oa1umbrella00000001", "");
    org.okta().replace_group(&foreign.as_str().into(), &label).await.unwrap();
    for (group, login) in [(&own, "user@acme.test"), (&foreign, "user@globex.test")] {
        let user = org.user(login).await;
        org.prepare("PUT", &format!("/api/v1/groups/{group}/users/{user}"), json!({})).await;
    }
    let assignment = format!("/api/v1/apps/0oa1dynamics00000001/groups/{own}");
    org.prepare("PUT", &assignment, json!({})).await;
    org.emulator.catch_up();
    org.call::<UpdateTenant>(&update("acme", json!({"status": "ACTIVE"}))).await.unwrap();
    let targets = &org.snapshot()["group_roles"]["group:ADMINS_acme"][0]["targets"];
    let app = "group:APPUSERS_acme_0oa1dynamics00000001";
    assert_eq!(targets, &json!(["group:ADMINS_acme", app, "group:USERS_acme"]));
}

/// A request that changes nothing lifts no suspension of an earlier release.
#[tokio::test]
async fn suspending_again_what_an_earlier_release_suspended() {
    let org = TestOrg::start().await;
    suspended_by_an_earlier_release(&org).await;
    let revoked = org.items("revocation#");
    assert_eq!(revoked.len(), 1);
    org.break_okta("listGroupAssignedRoles", u64::MAX, 500);
    let failed = org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap_err();
    assert_eq!(failed.code(), ProblemCode::OktaUnavailable);
    assert_eq!((org.items("tenant#"), org.items("revocation#")), (Vec::new(), revoked));
}

/// Who floods a tenant with changes does not keep its suspension or deletion from
/// beginning: those who wait for the lock are refused before the superuser waits.
#[tokio::test]
async fn whoever_waits_for_the_lock_is_refused_first() {
    let org = TestOrg::start().await;
    let suspend = update("acme", json!({"status": "SUSPENDED"}));
    let delete = TestRequest::tenant("acme");
    let state = state::State::prepare(&org.environment()).unwrap();
    let name = domain::TenantName::parse("acme").unwrap();
    for deletes in [false, true] {
        let run = org.run(run_kit::Actor::Schedule);
        let (org, name, suspend, delete) = (&org, &name, &suspend, &delete);
        state::holding(&state, &run, |locks| async move {
            locks.take(state::Change::Tenant(name)).await.unwrap();
            let request = async {
                match deletes {
                    true => org.call::<DeleteTenant>(delete).await.map(drop),
                    false => org.call::<UpdateTenant>(suspend).await.map(drop),
                }
            };
            let seen = async {
                while org.items("revocation#").is_empty() {
                    tokio::task::yield_now().await;
                }
            };
            let (refused, ()) = tokio::join!(request, seen);
            assert_eq!(refused.unwrap_err().code(), ProblemCode::TenantBusy);
            // Nothing was changed, and nobody is refused.
            assert_eq!(org.items("revocation#"), [""; 0]);
        })
        .await;
    }
}

/// A second rename would lose what still has the first name.
#[tokio::test]
async fn a_half_renamed_tenant_is_renamed_wholly_first() {
    let mut half_renamed = 0;
    for nth in 9..=16 {
        let org = TestOrg::start().await;
        furnish(&org).await;
        org.kill_at::<UpdateTenant>(&update("acme", json!({"name": "umbrella"})), nth).await;
        org.advance_clock(Duration::from_secs(60));
        org.emulator.catch_up();
        let second = update("umbrella", json!({"name": "hooli"}));
        let Err(refused) = org.call::<UpdateTenant>(&second).await else { continue };
        let document = refused.document("id");
        // The first rename had not begun.
        if refused.code() == ProblemCode::TenantNotFound {
            continue;
        }
        half_renamed += 1;
        assert_eq!(refused.code(), ProblemCode::TenantBroken, "{document}");
        assert!(document["detail"].as_str().unwrap().contains("PUT /tenants/umbrella"), "{document}");
        org.call::<UpdateTenant>(&update("umbrella", json!({"name": "umbrella"}))).await.unwrap();
        org.call::<UpdateTenant>(&second).await.unwrap();
        assert!(!org.snapshot().to_string().contains("acme_"), "{nth}: {}", org.snapshot());
    }
    assert!(half_renamed >= 3, "{half_renamed}");
}

/// A group that an administrator of the org added to the role is not the tenant's.
#[tokio::test]
async fn deleting_a_tenant_leaves_what_is_not_its_own() {
    let org = TestOrg::start().await;
    let contractors = org.okta().add_group(&GroupProfile::new("contractors", "")).await.unwrap().id;
    let user = org.user("user@acme.test").await;
    let admins = org.group("ADMINS_acme").await;
    org.prepare("PUT", &format!("/api/v1/groups/{contractors}/users/{user}"), json!({})).await;
    let target = format!("/api/v1/groups/{admins}/roles/KVJUKUS7IFCE2SKO/targets/groups/{contractors}");
    org.prepare("PUT", &target, json!({})).await;
    org.call::<DeleteTenant>(&TestRequest::tenant("acme")).await.unwrap();
    assert!(org.okta().group_has_members(&contractors).await.unwrap());
    assert!(!org.snapshot().to_string().contains("acme_"));
}
