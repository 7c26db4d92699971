//! Rules that concern all operations of this package.

mod evidence;
mod names;
mod suspension;

use std::collections::BTreeSet;
use std::time::Duration;

use okta_client::models::{Group, GroupProfile};
use operation_testing::{
    TestOrg, TestRequest, assert_same, converges_after_being_killed, cost, fails_cleanly_at_every_step,
};
use operations::ProblemCode;
use serde_json::{Value, json};

use crate::{AddTenant, DeleteTenant, GetTenant, ListTenants, UpdateTenant};

fn add(name: &str) -> TestRequest {
    TestRequest::new().body(&json!({ "name": name }))
}

fn update(name: &str, change: Value) -> TestRequest {
    TestRequest::tenant(name).body(&change)
}

async fn code<E: lambda_kit::Endpoint>(org: &TestOrg, request: &TestRequest) -> ProblemCode {
    org.call::<E>(request).await.unwrap_err().code()
}

/// Members of the tenant `acme` beyond the demo org: an app group, both
/// routing rules, an active IdP.
async fn furnish(org: &TestOrg) {
    let okta = org.okta();
    let app_users = GroupProfile::new("APPUSERS_acme_0oa1dynamics00000001", "");
    okta.add_group(&app_users).await.unwrap();
    let idp =
        org.call::<GetTenant>(&TestRequest::tenant("acme")).await.unwrap()["id"].as_str().unwrap().to_owned();
    okta.activate_identity_provider(&idp.as_str().into()).await.unwrap();
    for (name, activate) in [("DAC_acme", true), ("DAC_acme_unverified", false)] {
        org.emulator.insert_rule(name, &idp, activate, &["acme.test"]);
    }
}

#[tokio::test]
async fn the_cost_of_each_operation() {
    let org = TestOrg::start().await;
    let renaming = update("initech", json!({"name": "initrode"}));
    let suspending = update("initrode", json!({"status": "SUSPENDED"}));
    let resuming = update("initrode", json!({"status": "ACTIVE"}));
    let costs = [
        cost::<AddTenant>(&org, &add("initech")).await,
        cost::<GetTenant>(&org, &TestRequest::tenant("initech")).await,
        cost::<ListTenants>(&org, &TestRequest::new()).await,
        cost::<UpdateTenant>(&org, &renaming).await,
        cost::<UpdateTenant>(&org, &suspending).await,
        cost::<UpdateTenant>(&org, &resuming).await,
        cost::<DeleteTenant>(&org, &TestRequest::tenant("initrode")).await,
    ];
    // The heads of the files say the same.
    assert_eq!(costs, [(9, 4), (4, 2), (1, 1), (16, 8), (18, 7), (17, 8), (14, 8)]);
}

#[tokio::test]
async fn ten_03_add_tenant_fails_cleanly_at_every_step() {
    fails_cleanly_at_every_step::<AddTenant>(&add("initech"), async |_| {}).await;
}

#[tokio::test]
async fn add_tenant_converges_after_being_killed() {
    converges_after_being_killed::<AddTenant>(&add("initech"), async |_| {}).await;
}

#[tokio::test]
async fn a_rename_fails_cleanly_at_every_step() {
    let request = update("acme", json!({"name": "umbrella"}));
    fails_cleanly_at_every_step::<UpdateTenant>(&request, furnish).await;
    converges_after_being_killed::<UpdateTenant>(&request, furnish).await;
}

#[tokio::test]
async fn ten_14_delete_tenant_fails_cleanly_at_every_step() {
    let request = TestRequest::tenant("acme");
    fails_cleanly_at_every_step::<DeleteTenant>(&request, furnish).await;
    converges_after_being_killed::<DeleteTenant>(&request, furnish).await;
}

#[tokio::test]
async fn a_tenant_comes_and_goes_without_a_trace() {
    let org = TestOrg::start().await;
    let before = org.emulator.stable_snapshot();
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    org.call::<UpdateTenant>(&update("initech", json!({"name": "initrode"}))).await.unwrap();
    org.call::<DeleteTenant>(&TestRequest::tenant("initrode")).await.unwrap();
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
}

/// Groups and IdPs of a run that was killed before it owned the name.
#[tokio::test]
async fn leftovers_are_taken_over() {
    let org = TestOrg::start().await;
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    let after = org.emulator.stable_snapshot();
    org.call::<DeleteTenant>(&TestRequest::tenant("initech")).await.unwrap();
    let users: Group =
        org.okta().add_group(&GroupProfile::new("USERS_initech", domain::USERS_DESCRIPTION)).await.unwrap();
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    assert_same(&org.emulator.stable_snapshot(), &after, "the org");
    assert!(org.okta().get_group(&users.id).await.unwrap_err().is_not_found());
}

/// Two requests find the same abandoned run: one makes the tenant anew.
#[tokio::test]
async fn an_abandoned_run_is_swept_once() {
    let org = TestOrg::start().await;
    let marker = json!({ "creating": "request-of-a-dead-process" }).to_string();
    org.okta().add_group(&GroupProfile::new("ADMINS_initech", marker)).await.unwrap();
    org.advance_clock(Duration::from_secs(60));
    let request = add("initech");
    let results = futures::future::join_all((0..10).map(|_| org.call::<AddTenant>(&request))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let all = org.emulator.stable_snapshot();
    org.reset();
    org.call::<AddTenant>(&request).await.unwrap();
    assert_same(&org.emulator.stable_snapshot(), &all, "the org");
}

#[tokio::test]
async fn a_tenant_in_the_making_is_invisible() {
    let org = TestOrg::start().await;
    let marker = json!({ "creating": "another-request" }).to_string();
    org.okta().add_group(&GroupProfile::new("ADMINS_initech", marker)).await.unwrap();
    let initech = TestRequest::tenant("initech");
    assert_eq!(code::<GetTenant>(&org, &initech).await, ProblemCode::TenantNotFound);
    assert_eq!(
        code::<UpdateTenant>(&org, &update("initech", json!({"name": "b2"}))).await,
        ProblemCode::TenantNotFound
    );
    assert_eq!(code::<DeleteTenant>(&org, &initech).await, ProblemCode::TenantBusy);
    assert_eq!(org.call::<ListTenants>(&TestRequest::new()).await.unwrap().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn nothing_trusts_a_search_right_after_a_write() {
    let org = TestOrg::start().await;
    org.emulator.configure(|settings| settings.search_lag_ms = 2_000);
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    assert_eq!(code::<AddTenant>(&org, &add("initech")).await, ProblemCode::TenantAlreadyExists);
    assert_eq!(org.call::<GetTenant>(&TestRequest::tenant("initech")).await.unwrap()["name"], "initech");
    org.call::<UpdateTenant>(&update("initech", json!({"name": "initrode"}))).await.unwrap();
    assert_eq!(code::<GetTenant>(&org, &TestRequest::tenant("initech")).await, ProblemCode::TenantNotFound);
    org.call::<GetTenant>(&TestRequest::tenant("initrode")).await.unwrap();
    org.call::<DeleteTenant>(&TestRequest::tenant("initrode")).await.unwrap();
    assert_eq!(code::<GetTenant>(&org, &TestRequest::tenant("initrode")).await, ProblemCode::TenantNotFound);
    org.call::<AddTenant>(&add("initech")).await.unwrap();
}

#[tokio::test]
async fn ten_11_a_record_edited_by_hand_is_found_by_the_idp() {
    let org = TestOrg::start().await;
    let acme = TestRequest::tenant("acme");
    let tenant = org.call::<GetTenant>(&acme).await.unwrap();
    let admins = tenant["ADMINS_groupId"].as_str().unwrap().into();
    org.okta().replace_group(&admins, &GroupProfile::new("ADMINS_acme", "Admins of Acme")).await.unwrap();
    assert_eq!(org.call::<GetTenant>(&acme).await.unwrap(), tenant);
    let listed = org.call::<ListTenants>(&TestRequest::new()).await.unwrap();
    assert_eq!(listed[0]["id"], tenant["id"]);
    org.call::<UpdateTenant>(&update("acme", json!({"status": "SUSPENDED"}))).await.unwrap();
    let record = org.okta().get_group(&admins).await.unwrap().profile.description;
    assert_eq!(
        domain::AdminsDescription::parse(&record).unwrap().tenant_id.as_deref(),
        tenant["id"].as_str()
    );
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let org = TestOrg::start().await;
    let acme = TestRequest::tenant("acme");
    let tenant = org.call::<GetTenant>(&acme).await.unwrap();
    org.okta().delete_identity_provider(&tenant["id"].as_str().unwrap().into()).await.unwrap();
    assert_eq!(
        code::<UpdateTenant>(&org, &update("acme", json!({"name": "b2"}))).await,
        ProblemCode::TenantBroken
    );
    // The assignment says which tenant it is, whatever became of the record.
    let admins = tenant["ADMINS_groupId"].as_str().unwrap().into();
    org.okta().replace_group(&admins, &GroupProfile::new("ADMINS_acme", "")).await.unwrap();
    assert_eq!(org.call::<GetTenant>(&acme).await.unwrap()["id"], tenant["id"]);
    // Without assignment and IdP nothing says that it is one.
    let assignment = format!("/api/v1/apps/0oa1dacapp0000000001/groups/{admins}");
    org.prepare("DELETE", &assignment, json!({})).await;
    assert_eq!(code::<GetTenant>(&org, &acme).await, ProblemCode::TenantNotFound);
    for delete in ["false", "true"] {
        let request = acme.clone().query("dryRun", delete);
        assert_eq!(code::<DeleteTenant>(&org, &request).await, ProblemCode::TenantBroken);
    }
    assert_eq!(code::<AddTenant>(&org, &add("acme")).await, ProblemCode::NameTaken);
}

#[tokio::test]
async fn ten_08_ten_13_pages_are_full_and_complete() {
    let org = TestOrg::start().await;
    // Groups that are no tenants lie between.
    for n in 0..30 {
        let name = format!("ADMINS_t{n:02}");
        let description = json!({ "tenantId": format!("0oa{n}") }).to_string();
        let group = org.okta().add_group(&GroupProfile::new(name, &description)).await.unwrap();
        // What makes it a tenant: its admins cannot assign it.
        let assigned = json!({ "profile": { "tenants": [format!("0oa{n}:t{n:02}:00gusers")] } });
        org.prepare("PUT", &format!("/api/v1/apps/0oa1dacapp0000000001/groups/{}", group.id), assigned).await;
        // And what does not: a name, and a record that says so.
        org.okta().add_group(&GroupProfile::new(format!("ADMINS_none{n:02}"), &description)).await.unwrap();
    }
    org.emulator.configure(|settings| settings.page_size = Some(7));
    let context = org.context();
    let (mut names, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut request = TestRequest::new().query("limit", "5");
        if let Some(after) = &after {
            request = request.query("after", after);
        }
        let (page, next) = org.call_with_links::<ListTenants>(&context, &request).await;
        let page: Vec<_> =
            page.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect();
        assert!(page.len() == 5 || next.is_none(), "{page:?}");
        names.extend(page);
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let mut expected: Vec<_> =
        (0..30).map(|n| format!("t{n:02}")).chain(["acme".into(), "globex".into()]).collect();
    expected.sort();
    names.sort();
    assert_eq!(names, expected);
    let found = org.call::<ListTenants>(&TestRequest::new().query("search", "t1")).await.unwrap();
    assert_eq!(found.as_array().unwrap().len(), 10);
    let suspended = org.call::<ListTenants>(&TestRequest::new().query("status", "SUSPENDED")).await.unwrap();
    assert_eq!(suspended, json!([]));
}

#[tokio::test]
async fn ten_08_an_empty_org_is_an_empty_list() {
    let org = TestOrg::start().await;
    for name in ["acme", "globex"] {
        org.call::<DeleteTenant>(&TestRequest::tenant(name)).await.unwrap();
    }
    assert_eq!(org.call::<ListTenants>(&TestRequest::new()).await.unwrap(), json!([]));
}

#[tokio::test]
async fn bad_input_is_refused_before_any_call() {
    let org = TestOrg::start().await;
    let arrived = org.emulator.arrivals();
    for name in ["", "a", "Acme", "a/b", "*", "a:b", "acme_corp", " acme", "unverified", &"a".repeat(51)] {
        assert_eq!(code::<AddTenant>(&org, &add(name)).await, ProblemCode::InvalidRequest, "{name}");
        let rename = update("acme", json!({ "name": name }));
        assert_eq!(code::<UpdateTenant>(&org, &rename).await, ProblemCode::InvalidRequest, "{name}");
    }
    for body in
        [json!({}), json!({"status": "GONE"}), json!({"id": 1}), json!([]), json!({"name": null, "x": 1})]
    {
        assert_eq!(
            code::<UpdateTenant>(&org, &update("acme", body.clone())).await,
            ProblemCode::InvalidRequest,
            "{body}"
        );
        assert_eq!(
            code::<AddTenant>(&org, &TestRequest::new().body(&body)).await,
            ProblemCode::InvalidRequest,
            "{body}"
        );
    }
    for (name, value) in [("limit", "0"), ("limit", "201"), ("limit", "x"), ("status", "x")] {
        let request = TestRequest::new().query(name, value);
        assert_eq!(code::<ListTenants>(&org, &request).await, ProblemCode::InvalidRequest, "{name}={value}");
    }
    let request = TestRequest::tenant("acme").query("dryRun", "yes");
    assert_eq!(code::<DeleteTenant>(&org, &request).await, ProblemCode::InvalidRequest);
    for name in ["*", "a:b", "a/b", ""] {
        assert_eq!(
            code::<GetTenant>(&org, &TestRequest::tenant(name)).await,
            ProblemCode::InvalidRequest,
            "{name}"
        );
    }
    assert_eq!(org.emulator.arrivals(), arrived);
}

#[tokio::test]
async fn dry_run_deletes_nothing() {
    let org = TestOrg::start().await;
    furnish(&org).await;
    let before = org.emulator.snapshot();
    let plan = org.call::<DeleteTenant>(&TestRequest::tenant("acme").query("dryRun", "true")).await.unwrap();
    let names: Vec<_> =
        plan["plan"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    let expected = [
        "DAC_acme",
        "DAC_acme_unverified",
        "APPUSERS_acme_0oa1dynamics00000001",
        "USER_ADMIN",
        "ADMINS_acme",
        "USERS_acme",
        "DAC_acme",
    ];
    assert_eq!(names, expected);
    assert_same(&org.emulator.snapshot(), &before, "the org");
    assert_eq!(code::<DeleteTenant>(&org, &TestRequest::tenant("nobody")).await, ProblemCode::TenantNotFound);
}

/// The operationIds that the head of an operation's file names.
fn documented(source: &str) -> BTreeSet<&str> {
    let head = source.lines().take_while(|line| line.starts_with("//!"));
    let calls = head
        .skip_while(|line| !line.contains("# Okta calls"))
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    let is_id = |word: &&str| word.starts_with(char::is_lowercase) && word.contains(char::is_uppercase);
    calls.filter(is_id).filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric())).collect()
}

/// What an operation's file says about its calls is what Okta sees.
#[tokio::test]
async fn each_operation_makes_the_calls_that_it_documents() {
    let org = TestOrg::start().await;
    let check = |source: &'static str| {
        let journal = org.emulator.journal();
        let seen: BTreeSet<&str> = journal.iter().filter_map(|call| call.operation_id).collect();
        let documented = documented(source);
        assert!(seen.is_subset(&documented), "{:?} is not documented", seen.difference(&documented));
        for id in documented.iter().filter(|id| !["renamedFrom", "tenantId"].contains(id)) {
            assert!(okta_emulator::operation_ids().contains(id), "{id} is not emulated");
        }
        org.emulator.clear_journal();
    };
    org.emulator.clear_journal();
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    check(include_str!("add_tenant.rs"));
    org.call::<GetTenant>(&TestRequest::tenant("initech")).await.unwrap();
    check(include_str!("get_tenant.rs"));
    org.call::<ListTenants>(&TestRequest::new()).await.unwrap();
    check(include_str!("list_tenants.rs"));
    org.call::<UpdateTenant>(&update("initech", json!({"name": "initrode", "status": "SUSPENDED"})))
        .await
        .unwrap();
    org.call::<UpdateTenant>(&update("initrode", json!({"status": "ACTIVE"}))).await.unwrap();
    check(include_str!("update_tenant.rs"));
    org.call::<DeleteTenant>(&TestRequest::tenant("initrode")).await.unwrap();
    check(include_str!("delete_tenant.rs"));
}

/// Another request changes the record between reading and writing.
#[tokio::test]
async fn a_record_that_changes_meanwhile_ends_the_request() {
    let org = TestOrg::start().await;
    let admins = org.call::<GetTenant>(&TestRequest::tenant("acme")).await.unwrap()["ADMINS_groupId"].clone();
    let admins = admins.as_str().unwrap().into();
    let record = org.okta().get_group(&admins).await.unwrap().profile;
    let hold: okta_emulator::Fault = serde_json::from_value(json!({
        "operationId": "listGroupTargetsForGroupRole", "action": { "delayMs": 500 },
    }))
    .unwrap();
    org.emulator.order(hold);
    org.emulator.clear_journal();
    let arrived = org.emulator.arrivals();
    let meddle = async {
        // Everything but the held call and the last look has been asked for.
        org.emulator.wait_for_arrivals(arrived + 8).await;
        let note =
            GroupProfile { description: record.description.replace('}', r#","note":1}"#), ..record.clone() };
        org.okta().replace_group(&admins, &note).await.unwrap();
    };
    let suspend = update("acme", json!({"status": "SUSPENDED"}));
    let (result, ()) = tokio::join!(org.call::<UpdateTenant>(&suspend), meddle);
    assert_eq!(result.unwrap_err().code(), ProblemCode::TenantBusy);
    assert!(org.okta().get_group(&admins).await.unwrap().profile.description.contains("note"));
}

/// An imported group of the same name is not ours.
#[tokio::test]
async fn groups_of_other_types_do_not_shadow_the_tenants() {
    let org = TestOrg::start().await;
    let before = org.call::<GetTenant>(&TestRequest::tenant("acme")).await.unwrap();
    for name in ["ADMINS_acme", "USERS_acme"] {
        org.emulator.insert_imported_group(name, &[]);
    }
    assert_eq!(org.call::<GetTenant>(&TestRequest::tenant("acme")).await.unwrap(), before);
    let list = org.call::<ListTenants>(&TestRequest::new()).await.unwrap();
    assert_eq!(list.as_array().map(Vec::len), Some(2));
}

/// The IdP of a new tenant signs nobody in, and can never reach beyond the
/// tenant's own users.
#[tokio::test]
async fn ten_17_ten_18_a_new_idp_is_harmless() {
    let org = TestOrg::start().await;
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    let snapshot = org.emulator.stable_snapshot();
    let idp = &snapshot["idps"]["idp:DAC_initech"];
    let placeholder = org.environment().get(&operations::EnvVar::PLACEHOLDER_KEY_ID);
    assert_eq!(
        (&idp["status"], &idp["protocol"]["credentials"]["trust"]["kid"]),
        (&json!("INACTIVE"), &json!(placeholder))
    );
    assert_eq!(
        idp["policy"]["accountLink"]["filter"],
        json!({ "groups": { "include": ["group:USERS_initech"] }, "users": { "excludeAdmins": true } })
    );
    assert_eq!(idp["policy"]["subject"]["filter"], json!(domain::subject_filter(&[])));
    let groups = &idp["policy"]["provisioning"]["groups"];
    assert_eq!(groups, &json!({ "action": "ASSIGN", "assignments": ["group:USERS_initech"] }));
    let roles = &snapshot["group_roles"]["group:ADMINS_initech"];
    assert_eq!(roles[0]["targets"], json!(["group:ADMINS_initech", "group:USERS_initech"]));
}
