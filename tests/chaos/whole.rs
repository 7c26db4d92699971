//! Whether the org is whole: what the model says, and what `reconcile` finds.

use std::collections::BTreeSet;

use domain::{TenantName, admins_group, users_group};
use futures::TryStreamExt;
use okta_client::models::{ACTIVE, User};
use serde_json::json;
use tenancy::{group_called, idp_of, is_active, role_targets, routing};
use tests::{Answer, TestStack};

use crate::TENANTS;
use crate::model::Model;

/// Compares the org with the model, and lets `reconcile` look at it.
pub(crate) async fn assert_whole(stack: &TestStack, model: &Model, ids: &[Vec<String>], story: &str) {
    stack.okta().catch_up();
    let okta = stack.okta_client();
    let (_, rules) = routing(&okta).await.expect("rules");
    for (tenant, name) in TENANTS.iter().enumerate() {
        let name = TenantName::parse(name).expect("a name");
        let admins = group_called(&okta, &admins_group(&name)).await.expect("a group").expect("the admins");
        let users = group_called(&okta, &users_group(&name)).await.expect("a group").expect("the users");
        let members: Vec<User> = okta.list_group_users(&admins.id).try_collect().await.expect("users");
        let members: BTreeSet<String> = members.iter().map(|user| user.id.to_string()).collect();
        let expected = model.admins(tenant).iter().map(|user| ids[tenant][*user].clone()).collect();
        assert_eq!(members, expected, "admins of {name}\n{story}");

        let suspended = model.is_suspended(tenant);
        let targets = role_targets(&okta, &admins.id).await.expect("targets").expect("a role");
        let own = [&admins.id, &users.id];
        let prefix = if suspended { format!("NOBODY_{name}_") } else { format!("APPUSERS_{name}_") };
        let is_own = |group: &okta_client::models::Group| {
            group.profile.name.starts_with(&prefix) || (!suspended && own.contains(&&group.id))
        };
        let names: Vec<&str> = targets.iter().map(|target| target.profile.name.as_str()).collect();
        assert!(!targets.is_empty() && targets.iter().all(is_own), "targets of {name}: {names:?}\n{story}");
        if !suspended {
            assert!(
                own.iter().all(|id| targets.iter().any(|target| target.id == **id)),
                "{names:?}\n{story}"
            );
        }
        let idp = idp_of(&okta, &name).await.expect("an IdP").expect("the IdP");
        let on =
            rules.iter().filter(|rule| rule.providers().any(|id| id == idp.id.as_str()) && is_active(rule));
        assert!(!suspended || on.count() == 0, "rules of {name} are on\n{story}");
        assert_eq!(idp.status == ACTIVE, !suspended, "the IdP of {name} is {}\n{story}", idp.status);
    }
    let answer = reconcile(stack).await;
    let report = &answer.body["payload"];
    assert_eq!(report["complete"], true, "{answer}");
    let findings = report["findings"].as_array().into_iter().flatten();
    let findings: Vec<_> = findings.filter(|finding| finding["kind"] != "died-run").collect();
    assert!(findings.is_empty(), "{findings:?}\n{story}");
}

/// Lets `reconcile` look at the org as if nobody could be at work any more.
pub(crate) async fn reconcile(stack: &TestStack) -> Answer {
    stack.okta().catch_up();
    stack.okta().configure(|settings| settings.clock_offset_ms += 120_000);
    let answer = stack.local("/_local/schedules/reconcile", json!({})).await;
    stack.okta().configure(|settings| settings.clock_offset_ms -= 120_000);
    answer
}
