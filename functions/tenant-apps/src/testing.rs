//! Rules that concern all operations of this package.

use operation_testing::{
    TestOrg, TestRequest, assert_same, converges_after_being_killed, cost, fails_cleanly_at_every_step,
    tenant_admin,
};
use operations::ProblemCode;
use serde_json::{Value, json};
use tenants::UpdateTenant;

use crate::{ActivateTenantApp, DeactivateTenantApp, ListTenantApps};

const SPYDER: &str = "0oa1spyder0000000001";

fn spyder() -> TestRequest {
    TestRequest::tenant("acme").path("appId", SPYDER)
}

fn all_users(value: impl Into<Value>) -> TestRequest {
    spyder().body(&json!({ "allUsers": value.into() }))
}

async fn entitle(org: &TestOrg) {
    org.call::<ActivateTenantApp>(&spyder()).await.unwrap();
}

async fn list(org: &TestOrg, tenant: &str) -> Value {
    org.call::<ListTenantApps>(&TestRequest::tenant(tenant)).await.unwrap()
}

#[tokio::test]
async fn the_cost_of_each_operation() {
    let org = TestOrg::start().await;
    let costs = [
        cost::<ActivateTenantApp>(&org, &spyder()).await,
        cost::<ActivateTenantApp>(&org, &all_users(true)).await,
        cost::<ListTenantApps>(&org, &TestRequest::tenant("acme")).await,
        cost::<DeactivateTenantApp>(&org, &spyder()).await,
    ];
    // The heads of the files say the same.
    assert_eq!(costs, [(12, 4), (11, 3), (9, 2), (12, 4)]);
}

#[tokio::test]
async fn app_07_activating_fails_cleanly_at_every_step() {
    fails_cleanly_at_every_step::<ActivateTenantApp>(&spyder(), async |_| {}).await;
    converges_after_being_killed::<ActivateTenantApp>(&spyder(), async |_| {}).await;
}

#[tokio::test]
async fn giving_an_app_to_all_fails_cleanly_at_every_step() {
    fails_cleanly_at_every_step::<ActivateTenantApp>(&all_users(true), entitle).await;
    converges_after_being_killed::<ActivateTenantApp>(&all_users(true), entitle).await;
    let given = async |org: &TestOrg| {
        entitle(org).await;
        org.call::<ActivateTenantApp>(&all_users(true)).await.unwrap();
    };
    fails_cleanly_at_every_step::<ActivateTenantApp>(&all_users(false), given).await;
    converges_after_being_killed::<ActivateTenantApp>(&all_users(false), given).await;
}

#[tokio::test]
async fn deactivating_fails_cleanly_at_every_step() {
    let given = async |org: &TestOrg| {
        entitle(org).await;
        org.call::<ActivateTenantApp>(&all_users(true)).await.unwrap();
    };
    fails_cleanly_at_every_step::<DeactivateTenantApp>(&spyder(), given).await;
    converges_after_being_killed::<DeactivateTenantApp>(&spyder(), given).await;
}

#[tokio::test]
async fn app_04_an_app_comes_and_goes_without_a_trace() {
    let org = TestOrg::start().await;
    let before = org.emulator.stable_snapshot();
    entitle(&org).await;
    assert_eq!(list(&org, "acme").await[0]["settings"], json!({ "allUsers": false }));
    let given = org.call::<ActivateTenantApp>(&all_users("true")).await.unwrap();
    assert!(given["lastUpdated"].is_string(), "{given}");
    assert_eq!(list(&org, "acme").await[0]["settings"], json!({ "allUsers": true }));
    let taken = org.call::<ActivateTenantApp>(&all_users(false)).await.unwrap();
    assert_eq!(taken, json!({ "tenant": "acme", "appId": SPYDER }), "app_15: no time of what is not there");
    org.call::<ActivateTenantApp>(&all_users(true)).await.unwrap();
    org.call::<DeactivateTenantApp>(&spyder()).await.unwrap();
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
    let again = org.call::<DeactivateTenantApp>(&spyder()).await.unwrap_err();
    assert_eq!(again.code(), ProblemCode::TenantAppNotFound, "app_05");
}

#[tokio::test]
async fn app_01_only_superusers_entitle_and_only_to_offered_apps() {
    let org = TestOrg::start().await;
    let admin = tenant_admin(&org, &["acme"]).await;
    let before = org.emulator.stable_snapshot();
    let code = async |request: &TestRequest| {
        org.call_as::<ActivateTenantApp>(admin.clone(), request).await.unwrap_err().code()
    };
    assert_eq!(code(&spyder()).await, ProblemCode::Forbidden);
    assert_eq!(code(&all_users(true)).await, ProblemCode::TenantAppNotFound);
    for app in ["0oa1payroll000000001", "0oa1dacapp0000000001", "0oanobody"] {
        let request = TestRequest::tenant("acme").path("appId", app);
        let problem = org.call::<ActivateTenantApp>(&request).await.unwrap_err();
        assert_eq!(problem.code(), ProblemCode::AppNotFound, "{app}");
        let all = request.body(&json!({ "allUsers": true }));
        assert_eq!(code(&all).await, ProblemCode::TenantAppNotFound, "{app}");
    }
    org.prepare("POST", &format!("/api/v1/apps/{SPYDER}/lifecycle/deactivate"), json!({})).await;
    let inactive = org.call::<ActivateTenantApp>(&spyder()).await.unwrap_err();
    assert_eq!(inactive.code(), ProblemCode::AppNotFound);
    org.prepare("POST", &format!("/api/v1/apps/{SPYDER}/lifecycle/activate"), json!({})).await;
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
}

/// The predecessor let admins entitle their tenants to any app of the org.
#[tokio::test]
async fn app_01_what_was_entitled_wrongly_can_only_end() {
    let org = TestOrg::start().await;
    let admin = tenant_admin(&org, &["acme"]).await;
    let payroll = TestRequest::tenant("acme").path("appId", "0oa1payroll000000001");
    let group = json!({ "profile": { "name": "APPUSERS_acme_0oa1payroll000000001" } });
    let group = org.prepare("POST", "/api/v1/groups", group).await["id"].as_str().unwrap().to_owned();
    org.prepare("PUT", &format!("/api/v1/apps/0oa1payroll000000001/groups/{group}"), json!({})).await;
    let admins = org.group("ADMINS_acme").await;
    let target = format!("/api/v1/groups/{admins}/roles/KVJUKUS7IFCE2SKO/targets/groups/{group}");
    org.prepare("PUT", &target, json!({})).await;
    let all = payroll.clone().body(&json!({ "allUsers": true }));
    let refused = org.call_as::<ActivateTenantApp>(admin.clone(), &all).await.unwrap_err();
    assert_eq!(refused.code(), ProblemCode::TenantAppNotFound);
    let none = payroll.clone().body(&json!({ "allUsers": false }));
    org.call_as::<ActivateTenantApp>(admin, &none).await.unwrap();
    org.call::<DeactivateTenantApp>(&payroll).await.unwrap();
}

#[tokio::test]
async fn bodies_that_are_refused() {
    let org = TestOrg::start().await;
    entitle(&org).await;
    let before = org.emulator.arrivals();
    for body in [
        json!({}),
        json!({ "allUsers": "yes" }),
        json!({ "allUsers": 1 }),
        json!({ "allUsers": true, "x": 1 }),
        json!([]),
        json!(null),
    ] {
        let problem = org.call::<ActivateTenantApp>(&spyder().body(&body)).await.unwrap_err();
        assert_eq!(problem.code(), ProblemCode::InvalidRequest, "{body}");
    }
    assert_eq!(org.emulator.arrivals(), before, "before anything is asked of Okta");
}

/// Tenants and apps whose names begin alike, and names with underscores.
#[tokio::test]
async fn app_02_app_03_app_11_names_that_begin_alike() {
    let org = TestOrg::start_with(|seed| {
        seed.tenants[0].name = "acme".to_owned();
        seed.tenants[1].name = "acme_Other".to_owned();
        seed.tenants[1].apps.clear();
        let mut long = seed.apps[1].clone();
        long.id = format!("{SPYDER}LONG");
        seed.apps.push(long);
    })
    .await;
    entitle(&org).await;
    for (tenant, app) in [("acme_Other", SPYDER.to_owned()), ("acme", format!("{SPYDER}LONG"))] {
        org.call::<ActivateTenantApp>(&TestRequest::tenant(tenant).path("appId", &app)).await.unwrap();
    }
    assert_eq!(list(&org, "acme").await.as_array().unwrap().len(), 2);
    assert_eq!(list(&org, "acme_Other").await.as_array().unwrap().len(), 1);
    org.call::<DeactivateTenantApp>(&spyder()).await.unwrap();
    assert_eq!(list(&org, "acme").await[0]["id"], format!("{SPYDER}LONG"));
    assert_eq!(list(&org, "acme_Other").await[0]["id"], SPYDER);
}

#[tokio::test]
async fn app_08_a_tenant_without_the_role_is_broken_and_left_alone() {
    let org = TestOrg::start().await;
    let groups = org.emulator.snapshot()["groups"].clone();
    let admins =
        groups.as_object().unwrap().iter().find(|(_, g)| g["profile"]["name"] == "ADMINS_acme").unwrap().0;
    let admins = admins.as_str().into();
    let roles = org.okta().list_group_assigned_roles(&admins).await.unwrap();
    org.okta().unassign_role_from_group(&admins, &roles[0].id).await.unwrap();
    let before = org.emulator.stable_snapshot();
    let problem = org.call::<ActivateTenantApp>(&spyder()).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::TenantBroken);
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
}

/// The group's last target would leave a role for the whole org.
#[tokio::test]
async fn a_role_is_never_left_without_a_target() {
    let org = TestOrg::start().await;
    entitle(&org).await;
    let snapshot = org.emulator.snapshot();
    let groups = snapshot["groups"].as_object().unwrap();
    let id = |name: &str| groups.iter().find(|(_, g)| g["profile"]["name"] == name).unwrap().0.clone();
    let (admins, users) = (id("ADMINS_acme").into(), id("USERS_acme").into());
    let role = okta_client::models::RoleAssignmentId::user_admin();
    for target in [&admins, &users] {
        org.okta().unassign_group_target_from_group_admin_role(&admins, &role, target).await.unwrap();
    }
    org.call::<DeactivateTenantApp>(&spyder()).await.unwrap();
    let roles = &org.emulator.stable_snapshot()["group_roles"]["group:ADMINS_acme"];
    assert_eq!(roles[0]["targets"], json!(["group:USERS_acme"]));
}

#[tokio::test]
async fn two_at_once_entitle_once() {
    let org = TestOrg::start().await;
    org.emulator.configure(|settings| (settings.latency_ms, settings.search_lag_ms) = (5, 300));
    let request = spyder();
    let (one, other) =
        tokio::join!(org.call::<ActivateTenantApp>(&request), org.call::<ActivateTenantApp>(&request));
    assert!(one.is_ok() && other.is_ok(), "{:?} {:?}", one.err(), other.err());
    assert_eq!(list(&org, "acme").await.as_array().unwrap().len(), 1);
}

/// A list is right at once, whatever the search index knows.
#[tokio::test]
async fn a_new_app_is_in_the_list_at_once() {
    let org = TestOrg::start().await;
    org.emulator.configure(|settings| settings.search_lag_ms = 60_000);
    entitle(&org).await;
    assert_eq!(list(&org, "acme").await.as_array().unwrap().len(), 1);
    org.call::<ActivateTenantApp>(&all_users(true)).await.unwrap();
    org.emulator.catch_up();
    org.call::<DeactivateTenantApp>(&spyder()).await.unwrap();
    assert_eq!(list(&org, "acme").await, json!([]));
}

#[tokio::test]
async fn app_09_four_hundred_and_fifty_apps() {
    let org = TestOrg::start_with(|seed| {
        let model = seed.apps[1].clone();
        for n in 0..450 {
            let mut app = model.clone();
            (app.id, app.label) = (format!("0oa1app{n:013}"), format!("DAC_App {n}"));
            seed.apps.push(app);
        }
    })
    .await;
    for n in [0, 449] {
        let app = format!("0oa1app{n:013}");
        org.call::<ActivateTenantApp>(&TestRequest::tenant("acme").path("appId", &app)).await.unwrap();
    }
    let list = list(&org, "acme").await;
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|app| app["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["App 0", "App 449"]);
}

/// An admin gives their own groups the names that an entitlement would have.
#[tokio::test]
async fn a_name_is_no_entitlement() {
    let org = TestOrg::start().await;
    let dynamics = "0oa1dynamics00000001";
    for own in ["USERS_acme", "APPUSERS_acme_0oa1spyder0000000001"] {
        org.reset();
        entitle(&org).await;
        let (before, group) = (list(&org, "acme").await, org.group(own).await);
        let renamed = json!({ "profile": { "name": format!("APPUSERS_acme_{dynamics}") } });
        org.prepare("PUT", &format!("/api/v1/groups/{group}"), renamed).await;
        org.emulator.catch_up();
        let admin = tenant_admin(&org, &["acme"]).await;
        // The list shows what the groups are for, whatever they are called.
        assert_eq!(list(&org, "acme").await, before, "{own}");
        let request = TestRequest::tenant("acme").path("appId", dynamics);
        for all in [true, false] {
            let all = request.clone().body(&json!({ "allUsers": all }));
            let refused = org.call_as::<ActivateTenantApp>(admin.clone(), &all).await.unwrap_err();
            assert_eq!(refused.code(), ProblemCode::TenantAppNotFound, "{own}");
        }
        let refused = org.call::<DeactivateTenantApp>(&request).await.unwrap_err();
        assert_eq!(refused.code(), ProblemCode::TenantAppNotFound, "{own}");
        // A superuser who means to entitle the tenant is told what is in the way.
        let taken = org.call::<ActivateTenantApp>(&request).await.unwrap_err();
        assert_eq!(taken.code(), ProblemCode::NameTaken, "{own}");
        assert!(taken.document("id")["detail"].as_str().unwrap().contains(&group), "{own}");
        org.call::<ActivateTenantApp>(&all_users(true)).await.unwrap();
        org.call::<DeactivateTenantApp>(&spyder()).await.unwrap();
        assert_eq!(list(&org, "acme").await, json!([]), "{own}");
    }
}

/// A neighbour's group with the name is not touched, and one that nobody uses gives way.
#[tokio::test]
async fn a_neighbours_group_is_not_reused() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    let (globex, user) = (org.group("USERS_globex").await, org.user("user@globex.test").await);
    let renamed = json!({ "profile": { "name": format!("APPUSERS_acme_{SPYDER}") } });
    org.prepare("PUT", &format!("/api/v1/groups/{globex}"), renamed).await;
    org.emulator.catch_up();
    let taken = org.call::<ActivateTenantApp>(&spyder()).await.unwrap_err();
    assert_eq!(taken.code(), ProblemCode::NameTaken);
    let back = json!({ "profile": { "name": "USERS_globex", "description": domain::USERS_DESCRIPTION } });
    org.prepare("PUT", &format!("/api/v1/groups/{globex}"), back).await;
    assert!(!user.is_empty());
    org.emulator.catch_up();
    let left = json!({ "profile": { "name": format!("APPUSERS_acme_{SPYDER}") } });
    let left = org.prepare("POST", "/api/v1/groups", left).await["id"].as_str().unwrap().to_owned();
    entitle(&org).await;
    assert_ne!(list(&org, "acme").await[0]["APPUSERS_groupId"], left.as_str());
    org.call::<DeactivateTenantApp>(&spyder()).await.unwrap();
    assert_same(&org.snapshot(), &before, "the org");
}

/// What a suspended tenant is entitled to is kept, and can be changed.
#[tokio::test]
async fn entitlements_of_a_suspended_tenant() {
    let org = TestOrg::start().await;
    let status = async |status: &str| {
        let request = TestRequest::tenant("acme").body(&json!({ "status": status }));
        org.call::<tenants::UpdateTenant>(&request).await.unwrap();
    };
    entitle(&org).await;
    let dynamics = TestRequest::tenant("acme").path("appId", "0oa1dynamics00000001");
    status("SUSPENDED").await;
    let one = list(&org, "acme").await;
    assert_eq!(one.as_array().map(Vec::len), Some(1), "{one}");
    org.call::<ActivateTenantApp>(&dynamics).await.unwrap();
    org.call::<ActivateTenantApp>(&dynamics).await.unwrap();
    assert_eq!(list(&org, "acme").await.as_array().map(Vec::len), Some(2));
    org.call::<DeactivateTenantApp>(&spyder()).await.unwrap();
    status("ACTIVE").await;
    let left = list(&org, "acme").await;
    assert_eq!((left.as_array().map(Vec::len), &left[0]["id"]), (Some(1), &json!("0oa1dynamics00000001")));
    let targets = &org.snapshot()["group_roles"]["group:ADMINS_acme"][0]["targets"];
    assert_eq!(targets.as_array().map(Vec::len), Some(3), "{targets}");
}

/// Whichever comes first: no group of an old name is left, and no role reaches a group that
/// is not its tenant's.
#[tokio::test]
async fn a_rename_beside_an_entitlement() {
    let org = TestOrg::start().await;
    org.emulator.configure(|settings| settings.latency_ms = 1);
    let rename = TestRequest::tenant("acme").body(&json!({ "name": "acme-two" }));
    let (former, other) = (spyder(), TestRequest::tenant("acme-two").path("appId", SPYDER));
    let mut entitled = 0;
    for round in 0..40 {
        org.reset();
        // A little later each time, so that they meet at every step.
        let later = async {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            org.call::<ActivateTenantApp>(if round % 2 == 0 { &former } else { &other }).await
        };
        let (renamed, given) = tokio::join!(org.call::<UpdateTenant>(&rename), later);
        assert!(renamed.is_ok(), "{round}: {:?}", renamed.map_err(|problem| problem.code()));
        if let Err(problem) = given {
            let code = problem.code();
            assert!(
                matches!(
                    code,
                    ProblemCode::TenantNotFound | ProblemCode::TenantBusy | ProblemCode::TenantBroken
                ),
                "{round}: {code:?}"
            );
        } else {
            entitled += 1;
        }
        org.emulator.catch_up();
        let snapshot = org.emulator.stable_snapshot();
        let names: Vec<&String> = snapshot["groups"].as_object().unwrap().keys().collect();
        let old = ["group:USERS_acme", "group:ADMINS_acme", &format!("group:APPUSERS_acme_{SPYDER}")];
        assert!(!names.iter().any(|name| old.contains(&name.as_str())), "{round}: {names:?}");
        for (group, roles) in snapshot["group_roles"].as_object().unwrap() {
            let Some(tenant) = group.strip_prefix("group:ADMINS_") else { continue };
            let targets = roles[0]["targets"].as_array().unwrap();
            let is_own = |target: &Value| {
                let target = target.as_str().unwrap();
                ["USERS_", "ADMINS_"].iter().any(|kind| target == format!("group:{kind}{tenant}"))
                    || target.starts_with(&format!("group:APPUSERS_{tenant}_"))
            };
            assert!(!targets.is_empty() && targets.iter().all(is_own), "{round}: {group}: {targets:?}");
        }
    }
    assert!(entitled > 0, "they never met");
}
