//! Rules that concern all operations of this package.

use domain::Caller;
use okta_client::models::GroupProfile;
use operation_testing::{
    TestOrg, TestRequest, converges_after_being_killed, cost, cost_as, fails_cleanly_at_every_step,
    tenant_admin,
};
use operations::ProblemCode;
use serde_json::{Value, json};

use crate::{AssignAppToTenant, GetApp, ListApps};

const SPYDER: &str = "0oa1spyder0000000001";

fn id_of(org: &TestOrg, group: &str) -> String {
    let snapshot = org.emulator.snapshot();
    let groups = snapshot["groups"].as_object().unwrap();
    groups.iter().find(|(_, g)| g["profile"]["name"] == group).unwrap().0.clone()
}

/// Entitles a tenant, as `activate-tenant-app` does.
async fn entitle(org: &TestOrg, tenant: &str) {
    let group = GroupProfile::new(format!("APPUSERS_{tenant}_{SPYDER}"), "");
    let group = org.okta().add_group(&group).await.unwrap().id;
    let assignment = okta_client::models::ApplicationGroupAssignment::of(group.clone());
    org.okta().assign_group_to_application(&SPYDER.into(), &assignment).await.unwrap();
    let role = okta_client::models::RoleAssignmentId::user_admin();
    let admins = id_of(org, &format!("ADMINS_{tenant}")).into();
    org.okta().assign_group_target_to_group_admin_role(&admins, &role, &group).await.unwrap();
}

fn app(id: &str) -> TestRequest {
    TestRequest::new().path("appId", id)
}

fn to_acme() -> TestRequest {
    app(SPYDER).path("tenant", "acme")
}

async fn list(org: &TestOrg, caller: Caller) -> Value {
    org.call_as::<ListApps>(caller, &TestRequest::new()).await.unwrap()
}

#[tokio::test]
async fn the_cost_of_each_operation() {
    let org = TestOrg::start().await;
    entitle(&org, "acme").await;
    let both = tenant_admin(&org, &["acme", "globex"]).await;
    let costs = [
        cost::<ListApps>(&org, &TestRequest::new()).await,
        cost_as::<ListApps>(both.clone(), &org, &TestRequest::new()).await,
        cost::<GetApp>(&org, &app(SPYDER)).await,
        cost_as::<GetApp>(both, &org, &app(SPYDER)).await,
        cost::<AssignAppToTenant>(&org, &to_acme()).await,
    ];
    // The heads of the files say the same.
    assert_eq!(costs, [(1, 1), (8, 2), (1, 1), (8, 3), (11, 3)]);
}

/// n·(n+2) calls in the predecessor: 35 for five tenants.
#[tokio::test]
async fn app_13_an_admin_of_five_tenants() {
    let names = ["acme", "globex", "initech", "umbrella", "hooli"];
    let org = TestOrg::start_with(|seed| {
        for name in &names[2..] {
            let mut tenant = seed.tenants[1].clone();
            (tenant.name, tenant.apps) = ((*name).to_owned(), Vec::new());
            seed.tenants.push(tenant);
        }
    })
    .await;
    for tenant in &names[..4] {
        entitle(&org, tenant).await;
    }
    let admin = tenant_admin(&org, &names).await;
    assert_eq!(cost_as::<ListApps>(admin.clone(), &org, &TestRequest::new()).await, (17, 2));
    let list = list(&org, admin).await;
    assert_eq!((list[0]["id"].as_str(), list[0]["tenants"].as_array().unwrap().len()), (Some(SPYDER), 4));
}

#[tokio::test]
async fn assign_app_to_tenant_fails_cleanly_at_every_step() {
    let prepare = async |org: &TestOrg| entitle(org, "acme").await;
    fails_cleanly_at_every_step::<AssignAppToTenant>(&to_acme(), prepare).await;
    converges_after_being_killed::<AssignAppToTenant>(&to_acme(), prepare).await;
}

#[tokio::test]
async fn everybody_sees_what_is_theirs() {
    let org = TestOrg::start().await;
    entitle(&org, "acme").await;
    let nobody = Caller::new("00u1", &[], &[], false);
    let (acme, globex) = (tenant_admin(&org, &["acme"]).await, tenant_admin(&org, &["globex"]).await);
    assert_eq!(list(&org, nobody.clone()).await, json!([]), "app_12");
    let others = list(&org, globex.clone()).await;
    assert_eq!((others[0]["name"].as_str(), others.as_array().unwrap().len()), (Some("Umbrella"), 1));
    let own = list(&org, acme.clone()).await;
    assert_eq!((&own[0]["name"], &own[0]["settings"]), (&json!("Spyder"), &json!({ "allUsers": false })));
    org.call_as::<AssignAppToTenant>(acme.clone(), &to_acme()).await.unwrap();
    assert_eq!(list(&org, acme.clone()).await[0]["settings"], json!({ "allUsers": true }));
    let all = org.call::<ListApps>(&TestRequest::new()).await.unwrap();
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|app| app["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Dynamics", "Spyder", "Umbrella"]);

    let get = async |caller: &Caller, id: &str| {
        org.call_as::<GetApp>(caller.clone(), &app(id)).await.map_err(|p| p.code())
    };
    assert_eq!(get(&acme, SPYDER).await.unwrap(), list(&org, acme.clone()).await[0]);
    for caller in [&nobody, &globex] {
        assert_eq!(get(caller, SPYDER).await, Err(ProblemCode::AppNotFound));
    }
    assert_eq!(get(&acme, "0oa1dynamics00000001").await, Err(ProblemCode::AppNotFound));
    let payroll = org.call::<GetApp>(&app("0oa1payroll000000001")).await.unwrap_err();
    assert_eq!(payroll.code(), ProblemCode::AppNotFound);
}

/// An old token names the tenant that had the name before.
#[tokio::test]
async fn a_reused_name_shows_nothing() {
    let org = TestOrg::start().await;
    entitle(&org, "acme").await;
    let claim = "0oaformer:acme:00gformer".to_owned();
    let old = Caller::new("00u1", &[claim], &["ADMINS_acme".to_owned()], false);
    assert_eq!(list(&org, old.clone()).await, json!([]));
    let problem = org.call_as::<GetApp>(old.clone(), &app(SPYDER)).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::AppNotFound);
    let problem = org.call_as::<AssignAppToTenant>(old, &to_acme()).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::Forbidden);
}

#[tokio::test]
async fn only_apps_that_the_tenant_is_entitled_to_are_given() {
    let org = TestOrg::start().await;
    let problem = org.call::<AssignAppToTenant>(&to_acme()).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::TenantAppNotFound);
}

#[tokio::test]
async fn app_09_four_hundred_and_fifty_apps_stand_on_pages() {
    let org = TestOrg::start_with(|seed| {
        let model = seed.apps[1].clone();
        for n in 0..450 {
            let mut app = model.clone();
            // Others stand before them, as in the org of a large company.
            let prefix = if n < 150 { "" } else { "DAC_" };
            (app.id, app.label) = (format!("0oa1app{n:013}"), format!("{prefix}App {n}"));
            seed.apps.push(app);
        }
    })
    .await;
    let pages = org.pages::<ListApps>(&TestRequest::new(), 200).await;
    let sizes: Vec<usize> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [200, 103]);
}

/// An admin gives the own group the label of another app, and another tenant's admin gives
/// a group this tenant's label: the list shows what the groups are assigned to.
#[tokio::test]
async fn labels_are_no_evidence() {
    let org = TestOrg::start().await;
    entitle(&org, "acme").await;
    let acme = tenant_admin(&org, &["acme"]).await;
    let honest = list(&org, acme.clone()).await;
    let rename = async |from: &str, to: &str| {
        let id = id_of(&org, from).into();
        org.okta().replace_group(&id, &GroupProfile::new(to, "")).await.unwrap();
    };
    rename(&format!("APPUSERS_acme_{SPYDER}"), "APPUSERS_acme_0oa1dynamics00000001").await;
    rename("APPUSERS_globex_0oa1umbrella00000001", &format!("APPUSERS_acme_{SPYDER}")).await;
    assert_eq!(list(&org, acme.clone()).await, honest);
    let get = async |id: &str| org.call_as::<GetApp>(acme.clone(), &app(id)).await.map_err(|p| p.code());
    assert_eq!(get(SPYDER).await.unwrap(), honest[0]);
    for other in ["0oa1dynamics00000001", "0oa1umbrella00000001"] {
        assert_eq!(get(other).await, Err(ProblemCode::AppNotFound), "{other}");
    }
}
