//! What the domains of one tenant are to the others.

use operation_testing::{
    TestOrg, TestRequest, assert_same, converges_after_being_killed, fails_cleanly_at_every_step,
    tenant_admin,
};
use operations::ProblemCode;
use serde_json::json;
use tenants::UpdateTenant;

use super::{LABS, add, add_and_publish, add_verified, code, of, publish};
use crate::{AddTenantDomain, DeleteTenantDomain, GetTenantDomain, VerifyTenantDomain};

/// Where the org's sign-in page sends a login: the tenant, by the name of its IdP.
async fn routed(org: &TestOrg, login: &str) -> Option<String> {
    let path = format!("/.well-known/webfinger?resource=okta:acct:{login}");
    let answer = org.prepare("GET", &path, json!({})).await;
    answer["links"][0]["titles"]["und"].as_str().map(str::to_owned)
}

/// Domains that end in the same letters are different domains, in whatever order they
/// come: each tenant gets its own users. Any failure leaves everything as it was.
#[tokio::test]
async fn domains_that_end_in_the_same_letters() {
    for [first, second] in [["ey.com", "disney.com"], ["disney.com", "ey.com"]] {
        let org = TestOrg::start().await;
        org.call::<AddTenantDomain>(&add_verified("acme", first)).await.unwrap();
        org.call::<AddTenantDomain>(&add_verified("globex", second)).await.unwrap();
        for strict in [false, true] {
            org.emulator.configure(|settings| settings.strict_suffix = strict);
            let name = |idp: &str| Some(format!("DAC_{idp}"));
            assert_eq!(routed(&org, &format!("x@{first}")).await, name("acme"), "{first} {strict}");
            assert_eq!(routed(&org, &format!("x@{second}")).await, name("globex"), "{first} {strict}");
        }
    }
    let ey = async |org: &TestOrg| {
        org.call::<AddTenantDomain>(&add_verified("acme", "ey.com")).await.unwrap();
    };
    fails_cleanly_at_every_step::<AddTenantDomain>(&add_verified("globex", "disney.com"), ey).await;
    converges_after_being_killed::<AddTenantDomain>(&add_verified("globex", "disney.com"), ey).await;
    let disney = async |org: &TestOrg| {
        org.call::<AddTenantDomain>(&add_verified("acme", "acme.com")).await.unwrap();
        org.call::<AddTenantDomain>(&add_verified("globex", "disney.com")).await.unwrap();
    };
    fails_cleanly_at_every_step::<AddTenantDomain>(&add_verified("acme", "ey.com"), disney).await;
    converges_after_being_killed::<AddTenantDomain>(&add_verified("acme", "ey.com"), disney).await;
}

/// No order is right: the later domain is refused, unless a superuser insists.
#[tokio::test]
async fn domains_that_no_order_is_right_for() {
    let org = TestOrg::start().await;
    for domain in ["ey.com", "mydisney.com"] {
        org.call::<AddTenantDomain>(&add_verified("acme", domain)).await.unwrap();
    }
    let before = org.emulator.stable_snapshot();
    add_and_publish(&org, "globex", "disney.com").await;
    let refused = org.call::<VerifyTenantDomain>(&of("globex", "disney.com")).await.unwrap_err();
    let document = refused.document("id");
    assert_eq!(refused.code(), ProblemCode::DomainTaken);
    assert!(document["detail"].as_str().unwrap().contains("`DAC_acme`"), "{document}");
    org.call::<DeleteTenantDomain>(&of("globex", "disney.com")).await.unwrap();
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
    let body = json!({ "domain": "disney.com", "verified": true, "anyOrder": true });
    let insists = TestRequest::tenant("globex").body(&body);
    let admin = tenant_admin(&org, &["globex"]).await;
    let problem = org.call_as::<AddTenantDomain>(admin, &insists).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::Forbidden);
    org.call::<AddTenantDomain>(&insists).await.unwrap();
}

/// The rule is off: nobody is sent to the IdP, and the domain says so.
#[tokio::test]
async fn a_domain_is_verified_where_an_active_rule_has_it() {
    let org = TestOrg::start().await;
    let shown =
        async || org.call::<GetTenantDomain>(&of("globex", "globex.test")).await.unwrap()["verified"].clone();
    let suspend = TestRequest::tenant("globex").body(&json!({ "status": "SUSPENDED" }));
    let resume = TestRequest::tenant("globex").body(&json!({ "status": "ACTIVE" }));
    assert_eq!(shown().await, true);
    org.call::<UpdateTenant>(&suspend).await.unwrap();
    assert_eq!(shown().await, false);
    // One that is verified meanwhile works after the resumption.
    publish_pending(&org).await;
    let verified = org.call::<VerifyTenantDomain>(&of("globex", LABS)).await.unwrap();
    assert_eq!(verified["verified"], false);
    assert_eq!(routed(&org, "x@globex.test").await.as_deref(), Some("okta"));
    org.call::<UpdateTenant>(&resume).await.unwrap();
    assert_eq!(
        (shown().await, routed(&org, &format!("x@{LABS}")).await.as_deref()),
        (json!(true), Some("DAC_globex"))
    );
    // Somebody switched the rule off by hand: the same request switches it on.
    let id = {
        let snapshot = org.emulator.snapshot();
        let rules = snapshot["rules"]["00p1discovery0000001"].as_object().unwrap();
        rules.iter().find(|(_, rule)| rule["name"] == "DAC_globex").unwrap().0.clone()
    };
    let path = format!("/api/v1/policies/00p1discovery0000001/rules/{id}/lifecycle/deactivate");
    org.prepare("POST", &path, json!({})).await;
    assert_eq!(shown().await, false);
    org.call::<VerifyTenantDomain>(&of("globex", LABS)).await.unwrap();
    assert_eq!(shown().await, true);
}

/// Puts the token of the demo org's pending domain into the DNS.
async fn publish_pending(org: &TestOrg) {
    let pending = org.call::<GetTenantDomain>(&of("globex", LABS)).await.unwrap();
    publish(org, LABS, &[pending["dnsVerificationString"].as_str().unwrap()]).await;
}

/// Whoever has no string in the DNS holds up nobody, and has not more pending domains than
/// may be.
#[tokio::test]
async fn one_tenants_domains_are_no_burden_for_others() {
    let org = TestOrg::start().await;
    let state = state::State::prepare(&org.environment()).unwrap();
    let run = org.run(run_kit::Actor::Schedule);
    state::holding(&state, &run, |locks| {
        let org = &org;
        async move {
            locks.take(state::Change::RuleOrder).await.unwrap();
            org.call::<AddTenantDomain>(&add("acme", "acme.test")).await.unwrap();
            let answer = org.call::<VerifyTenantDomain>(&of("acme", "acme.test")).await.unwrap();
            assert_eq!(answer["verified"], false);
        }
    })
    .await;
    for n in 1..50 {
        org.call::<AddTenantDomain>(&add("acme", &format!("acme-{n}.test"))).await.unwrap();
    }
    assert_eq!(
        code::<AddTenantDomain>(&org, &add("acme", "one-more.test")).await,
        ProblemCode::InvalidRequest
    );
    // The same one again, and others' are not refused.
    org.call::<AddTenantDomain>(&add("acme", "acme-1.test")).await.unwrap();
    org.call::<AddTenantDomain>(&add("globex", "one-more.test")).await.unwrap();
}

/// The first label of a real domain may be a UUID.
#[tokio::test]
async fn a_domain_may_begin_with_a_uuid() {
    let org = TestOrg::start().await;
    let domain = "0b9d7c2e-1f7d-4d0a-8c55-2f6f4f0f9a10.acme.test";
    org.call::<AddTenantDomain>(&add_verified("acme", domain)).await.unwrap();
    let shown = org.call::<GetTenantDomain>(&of("acme", domain)).await.unwrap();
    assert_eq!(shown["verified"], true);
    let taken = code::<AddTenantDomain>(&org, &add_verified("globex", "acme.test")).await;
    assert_eq!(taken, ProblemCode::DomainTaken);
}
