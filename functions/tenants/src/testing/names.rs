//! Whose a name is.

use super::*;

#[tokio::test]
async fn ten_01_names_that_begin_alike_are_different_tenants() {
    let org = TestOrg::start().await;
    for name in ["acme2", "acme-3"] {
        org.call::<AddTenant>(&add(name)).await.unwrap();
    }
    for name in ["acme", "acme2", "acme-3"] {
        assert_eq!(org.call::<GetTenant>(&TestRequest::tenant(name)).await.unwrap()["name"], name);
    }
    org.call::<DeleteTenant>(&TestRequest::tenant("acme")).await.unwrap();
    assert_eq!(code::<GetTenant>(&org, &TestRequest::tenant("acme")).await, ProblemCode::TenantNotFound);
    assert_eq!(org.call::<GetTenant>(&TestRequest::tenant("acme2")).await.unwrap()["name"], "acme2");
}

#[tokio::test]
async fn ten_02_ten_16_an_existing_name_changes_nothing() {
    let org = TestOrg::start().await;
    let (before, id) =
        (org.emulator.snapshot(), org.call::<GetTenant>(&TestRequest::tenant("acme")).await.unwrap());
    let problem = org.call::<AddTenant>(&add("acme")).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::TenantAlreadyExists);
    assert_eq!(problem.document("id")["existingId"], id["id"]);
    assert_same(&org.emulator.snapshot(), &before, "the org");
}

#[tokio::test]
async fn names_of_other_objects_are_refused() {
    let org = TestOrg::start().await;
    for name in ["ADMINS_initech", "USERS_initech"] {
        org.reset();
        org.okta().add_group(&GroupProfile::new(name, "made by hand")).await.unwrap();
        let before = org.emulator.stable_snapshot();
        assert_eq!(code::<AddTenant>(&org, &add("initech")).await, ProblemCode::NameTaken, "{name}");
        let rename = update("acme", json!({"name": "initech"}));
        assert_eq!(code::<UpdateTenant>(&org, &rename).await, ProblemCode::NameTaken, "{name}");
        assert_same(&org.emulator.stable_snapshot(), &before, name);
    }
    org.reset();
    let rename = update("acme", json!({"name": "globex"}));
    let before = org.emulator.stable_snapshot();
    assert_eq!(code::<UpdateTenant>(&org, &rename).await, ProblemCode::TenantAlreadyExists);
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
}

#[tokio::test]
async fn ten_15_one_name_at_once_makes_one_tenant() {
    let org = TestOrg::start().await;
    org.emulator.configure(|settings| settings.latency_ms = 5);
    let request = add("initech");
    let calls = (0..50).map(|_| org.call::<AddTenant>(&request));
    let results = futures::future::join_all(calls).await;
    let made = results.iter().filter(|result| result.is_ok()).count();
    let conflicts = results.iter().filter_map(|result| result.as_ref().err()).map(|problem| problem.code());
    assert!(
        conflicts.clone().all(|code| code == ProblemCode::TenantAlreadyExists),
        "{:?}",
        conflicts.collect::<Vec<_>>()
    );
    assert_eq!(made, 1);
    let all = org.emulator.stable_snapshot();
    org.reset();
    org.call::<AddTenant>(&request).await.unwrap();
    assert_same(&org.emulator.stable_snapshot(), &all, "the org");
}

#[tokio::test]
async fn different_names_at_once_make_all_tenants() {
    let org = TestOrg::start().await;
    let requests: Vec<_> = (0..50).map(|n| add(&format!("tenant-{n}"))).collect();
    let results =
        futures::future::join_all(requests.iter().map(|request| org.call::<AddTenant>(request))).await;
    assert!(results.iter().all(Result::is_ok));
    let listed = org.call::<ListTenants>(&TestRequest::new().query("limit", "200")).await.unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 52);
}

/// A rename that stopped half-way leaves two names: the new one deletes all of
/// it, the old one nothing.
#[tokio::test]
async fn a_tenant_in_the_middle_of_a_rename_is_deleted_wholly() {
    let org = TestOrg::start().await;
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    let before = org.emulator.stable_snapshot();
    org.call::<DeleteTenant>(&TestRequest::tenant("initech")).await.unwrap();
    let empty = org.emulator.stable_snapshot();
    for nth in 1..=14 {
        org.reset();
        org.call::<AddTenant>(&add("initech")).await.unwrap();
        let rename = update("initech", json!({"name": "initrode"}));
        org.kill_at::<UpdateTenant>(&rename, nth).await;
        org.advance_clock(Duration::ZERO);
        let stopped = org.emulator.stable_snapshot();
        if stopped == before {
            continue;
        }
        let former = code::<DeleteTenant>(&org, &TestRequest::tenant("initech")).await;
        assert!(matches!(former, ProblemCode::TenantBroken | ProblemCode::TenantNotFound), "{former:?}");
        assert_same(&org.emulator.stable_snapshot(), &stopped, "deleting the former name");
        org.call::<DeleteTenant>(&TestRequest::tenant("initrode")).await.unwrap();
        assert_same(&org.emulator.stable_snapshot(), &empty, &format!("call {nth}"));
    }
}

/// The names of a tenant that is being renamed are not free.
#[tokio::test]
async fn a_former_name_is_taken_until_the_rename_is_complete() {
    let org = TestOrg::start().await;
    org.call::<AddTenant>(&add("initech")).await.unwrap();
    for nth in 1..=15 {
        org.reset();
        org.call::<AddTenant>(&add("initech")).await.unwrap();
        let before = org.emulator.stable_snapshot();
        let rename = update("initech", json!({"name": "initrode"}));
        org.kill_at::<UpdateTenant>(&rename, nth).await;
        org.advance_clock(Duration::ZERO);
        let stopped = org.emulator.stable_snapshot();
        match org.call::<AddTenant>(&add("initech")).await {
            // Everything has the new name, and only the note is left.
            Ok(_) => {
                assert_eq!(nth, 15);
                org.call::<DeleteTenant>(&TestRequest::tenant("initrode")).await.unwrap();
                assert_same(&org.emulator.stable_snapshot(), &before, "the new tenant");
            }
            Err(problem) => {
                let expected =
                    if stopped == before { ProblemCode::TenantAlreadyExists } else { ProblemCode::NameTaken };
                assert_eq!(problem.code(), expected, "call {nth}: {}", problem.document("id"));
                assert_same(&org.emulator.stable_snapshot(), &stopped, &format!("call {nth}"));
            }
        }
    }
}

/// Whoever wants the name of a tenant that was deleted half-way is told what to do, and
/// nobody is said to be at work who is not.
#[tokio::test]
async fn what_a_deletion_left_is_named() {
    let org = TestOrg::start().await;
    let mut named = 0;
    for nth in 1..=14 {
        org.reset();
        org.call::<AddTenant>(&add("initech")).await.unwrap();
        org.kill_at::<DeleteTenant>(&TestRequest::tenant("initech"), nth).await;
        org.advance_clock(Duration::ZERO);
        if let Err(problem) = org.call::<AddTenant>(&add("initech")).await {
            let detail = problem.document("id")["detail"].as_str().unwrap().to_owned();
            match problem.code() {
                ProblemCode::TenantAlreadyExists => {}
                ProblemCode::NameTaken => {
                    assert!(detail.contains("`DELETE /tenants/initech`"), "call {nth}: {detail}");
                    named += 1;
                }
                code => panic!("call {nth}: {code:?} {detail}"),
            }
            org.call::<DeleteTenant>(&TestRequest::tenant("initech")).await.unwrap();
            org.call::<AddTenant>(&add("initech")).await.unwrap();
        }
    }
    assert!(named > 0);
}

/// An old token names the tenant that had the name before.
#[tokio::test]
async fn a_reused_name_is_another_tenant() {
    let org = TestOrg::start().await;
    let old = org.call::<GetTenant>(&TestRequest::tenant("acme")).await.unwrap();
    let read = async |id: &str| {
        let claim = format!("{id}:acme:00g1");
        let caller = domain::Caller::new("00u1", &[claim], &["ADMINS_acme".to_owned()], false);
        let answer = org.call_as::<GetTenant>(caller, &TestRequest::tenant("acme")).await;
        answer.map(drop).map_err(|problem| problem.code())
    };
    let id = old["id"].as_str().unwrap();
    assert_eq!(read(id).await, Ok(()));
    org.call::<UpdateTenant>(&update("acme", json!({"name": "initrode"}))).await.unwrap();
    org.call::<AddTenant>(&add("acme")).await.unwrap();
    assert_eq!(read(id).await, Err(ProblemCode::Forbidden));
}
