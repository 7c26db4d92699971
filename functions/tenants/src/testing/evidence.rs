//! What a tenant's admin can write through Okta itself is evidence of nothing: the names
//! and descriptions of the groups that the admins manage.

use okta_client::models::{GroupId, GroupProfile};
use operation_testing::{TestOrg, TestRequest, assert_same};
use operations::ProblemCode;
use serde_json::{Value, json};

use super::{add, code, furnish, update};
use crate::{AddTenant, DeleteTenant, GetTenant, ListTenants, UpdateTenant};

/// The groups of `acme` that its admins may rename and describe.
const OWN: [&str; 2] = ["USERS_acme", "APPUSERS_acme_0oa1dynamics00000001"];

/// Everything in the org that is not `acme`'s.
fn of_others(org: &TestOrg) -> Value {
    fn prune(value: &mut Value) {
        let Some(members) = value.as_object_mut() else { return };
        members.retain(|name, member| {
            prune(member);
            let is_leaf = !member.is_object();
            // Of `acme`, whatever its admin called it.
            let is_acmes = |text: &str| text.contains("acme") || text.contains("initech");
            !(is_acmes(name) || is_leaf && is_acmes(&member.to_string()))
        });
    }
    let mut all = org.snapshot();
    prune(&mut all);
    for changing in ["log", "journal"] {
        all.as_object_mut().unwrap().remove(changing);
    }
    all
}

/// Records that a group may claim: those of `globex`, and the states that the product
/// acts upon.
async fn forged(org: &TestOrg) -> Vec<String> {
    let globex = org.call::<GetTenant>(&TestRequest::tenant("globex")).await.unwrap();
    let id = &globex["id"];
    let group = org.okta().get_group(&globex["ADMINS_groupId"].as_str().unwrap().into()).await.unwrap();
    vec![
        String::new(),
        domain::USERS_DESCRIPTION.to_owned(),
        group.profile.description,
        json!({ "tenantId": id, "status": "SUSPENDED" }).to_string(),
        json!({ "tenantId": id, "renamedFrom": "globex" }).to_string(),
        json!({ "creating": "request-of-a-dead-process" }).to_string(),
        json!({ "renamedFrom": "globex" }).to_string(),
    ]
}

#[tokio::test]
async fn a_group_that_calls_itself_a_tenant_is_none() {
    let org = TestOrg::start().await;
    let records = forged(&org).await;
    for own in OWN {
        for record in &records {
            org.reset();
            furnish(&org).await;
            let (group, user) = (GroupId::from(org.group(own).await), org.user("user@acme.test").await);
            org.okta().assign_user_to_group(&group, &user.as_str().into()).await.unwrap();
            let listed = org.call::<ListTenants>(&TestRequest::new()).await.unwrap();
            org.okta().replace_group(&group, &GroupProfile::new("ADMINS_initech", record)).await.unwrap();
            org.advance_clock(std::time::Duration::from_secs(120));
            let (before, others) = (org.snapshot(), of_others(&org));
            let name = format!("{own} as ADMINS_initech with {record}");
            let initech = TestRequest::tenant("initech");
            assert_eq!(code::<GetTenant>(&org, &initech).await, ProblemCode::TenantNotFound, "{name}");
            assert_eq!(org.call::<ListTenants>(&TestRequest::new()).await.unwrap(), listed, "{name}");
            for change in [
                json!({ "status": "SUSPENDED" }),
                json!({ "name": "initrode" }),
                json!({ "status": "ACTIVE" }),
            ] {
                let refused = org.call::<UpdateTenant>(&update("initech", change)).await.unwrap_err();
                let code = refused.code();
                assert!(
                    [ProblemCode::TenantNotFound, ProblemCode::TenantBroken].contains(&code),
                    "{name}: {}",
                    refused.document("id")
                );
            }
            let refused = org.call::<DeleteTenant>(&initech).await.unwrap_err();
            assert_eq!(refused.code(), ProblemCode::TenantBroken, "{name}");
            assert!(refused.document("id")["detail"].as_str().unwrap().contains(group.as_str()), "{name}");
            assert_eq!(code::<AddTenant>(&org, &add("initech")).await, ProblemCode::NameTaken, "{name}");
            assert_same(&org.snapshot(), &before, &name);
            // Nothing of it reaches the neighbour, whose record it has.
            org.call::<GetTenant>(&TestRequest::tenant("globex")).await.unwrap();
            org.call::<DeleteTenant>(&TestRequest::tenant("acme")).await.unwrap();
            assert_same(&of_others(&org), &others, &name);
        }
    }
}

/// A group with the name of a neighbour's is the neighbour's no more than before: what a
/// superuser does to the neighbour leaves it alone.
#[tokio::test]
async fn a_group_with_a_neighbours_name_is_not_the_neighbours() {
    for name in ["APPUSERS_globex_0oa1dynamics00000001", "APPUSERS_globex_0oa1spyder0000000001"] {
        let org = TestOrg::start().await;
        furnish(&org).await;
        let (users, user) = (GroupId::from(org.group("USERS_acme").await), org.user("user@acme.test").await);
        let group = org.okta().get_group(&users).await.unwrap();
        let profile = GroupProfile::new(name, group.profile.description);
        org.okta().replace_group(&users, &profile).await.unwrap();
        org.emulator.catch_up();
        org.call::<UpdateTenant>(&update("globex", json!({ "status": "SUSPENDED" }))).await.unwrap();
        org.call::<UpdateTenant>(&update("globex", json!({ "status": "ACTIVE" }))).await.unwrap();
        org.call::<DeleteTenant>(&TestRequest::tenant("globex")).await.unwrap();
        let members = org.snapshot()["groups"][format!("group:{name}")]["members"].clone();
        assert!(members.as_array().is_some_and(|members| !members.is_empty()), "{name}: {members}");
        assert!(!user.is_empty());
        // `acme` is found by the ids of its objects, whatever they are called.
        let acme = org.call::<GetTenant>(&TestRequest::tenant("acme")).await.unwrap();
        assert_eq!(acme["USERS_groupId"], users.as_str());
        org.call::<DeleteTenant>(&TestRequest::tenant("acme")).await.unwrap();
        assert!(org.okta().get_group(&users).await.unwrap_err().is_not_found(), "{name}");
    }
}

/// The assignments of two tenants name one IdP: no change is made to either.
#[tokio::test]
async fn two_tenants_with_one_idp_are_named() {
    let org = TestOrg::start().await;
    let tenant = async |name: &str| org.call::<GetTenant>(&TestRequest::tenant(name)).await.unwrap();
    let (acme, globex) = (tenant("acme").await, tenant("globex").await);
    let text = |tenant: &Value, member: &str| tenant[member].as_str().unwrap().to_owned();
    let claim = format!("{}:acme:{}", text(&globex, "id"), text(&acme, "USERS_groupId"));
    let assignment = format!("/api/v1/apps/0oa1dacapp0000000001/groups/{}", text(&acme, "ADMINS_groupId"));
    org.prepare("PUT", &assignment, json!({ "profile": { "tenants": [claim] } })).await;
    let before = org.snapshot();
    for change in [json!({ "status": "SUSPENDED" }), json!({ "name": "initrode" })] {
        let refused = org.call::<UpdateTenant>(&update("acme", change)).await.unwrap_err();
        let document = refused.document("id");
        assert_eq!(refused.code(), ProblemCode::TenantBroken);
        let detail = document["detail"].as_str().unwrap();
        assert!(detail.contains("`acme`") && detail.contains("`globex`"), "{detail}");
    }
    assert_eq!(code::<DeleteTenant>(&org, &TestRequest::tenant("acme")).await, ProblemCode::TenantBroken);
    assert_same(&org.snapshot(), &before, "the org");
}

/// A neighbour's admin calls a group their own like the admins of a tenant that was renamed
/// from a name: whoever deletes what is left of that name, or wants it, is not held up.
#[tokio::test]
async fn a_forged_former_name_stands_in_nobodys_way() {
    let org = TestOrg::start().await;
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    let initech = TestRequest::tenant("initech");
    let mut nth = 0;
    // A deletion that is killed when the group of the admins is gone.
    while org.snapshot()["groups"].get("group:ADMINS_initech").is_some() {
        org.reset();
        org.call::<AddTenant>(&add("initech")).await.unwrap();
        nth += 1;
        org.kill_at::<DeleteTenant>(&initech, nth).await;
        org.advance_clock(std::time::Duration::ZERO);
    }
    let forged = json!({ "renamedFrom": "initech" }).to_string();
    let group = GroupId::from(org.group("USERS_acme").await);
    org.okta().replace_group(&group, &GroupProfile::new("ADMINS_initrode", &forged)).await.unwrap();
    org.emulator.catch_up();
    let refused = org.call::<AddTenant>(&add("initech")).await.unwrap_err();
    let document = refused.document("id");
    let detail = document["detail"].as_str().unwrap();
    assert!(detail.contains("`DELETE /tenants/initech`") && !detail.contains("initrode"), "{detail}");
    org.call::<DeleteTenant>(&initech).await.unwrap();
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    assert!(org.okta().get_group(&group).await.is_ok());
}
