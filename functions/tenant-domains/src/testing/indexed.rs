//! With a complete index of domains: what is read by id, and domains that the index alone holds.

use std::time::Duration;

use domain::EmailDomain;
use guard::DomainIndex;
use operation_testing::{TestOrg, TestRequest, converges_after_being_killed, fails_cleanly_at_every_step};
use operations::ProblemCode;
use serde_json::json;
use tenants::{DeleteTenant, UpdateTenant};

use super::{LABS, add, add_and_publish, add_verified, code, index, list, of, rules};
use crate::{AddTenantDomain, DeleteTenantDomain, ListTenantDomains, VerifyTenantDomain};

const WEBFINGER: &[(&str, &str)] = &[("DISCOVERY_BY", "webfinger")];

/// Where `find-idp` sends a login of a domain: the tenant, by the name of its IdP.
async fn found(org: &TestOrg, domain: &str) -> Option<String> {
    let index = DomainIndex::prepare(&org.environment()).unwrap();
    let tenant = index.tenant_of(&EmailDomain::parse(domain).unwrap()).await.unwrap()?;
    let idp = org.okta().get_identity_provider(&tenant.as_str().into()).await;
    Some(idp.map_or(tenant, |idp| idp.name))
}

/// A claim of a moment ago counts, whatever Okta says: this is later.
fn later(org: &TestOrg) {
    org.advance_clock(Duration::from_secs(61));
}

#[tokio::test]
async fn every_step_may_fail_with_a_complete_index() {
    let first = async |org: &TestOrg| {
        index(org).await;
        add_and_publish(org, "acme", "acme.test").await;
    };
    fails_cleanly_at_every_step::<VerifyTenantDomain>(&of("acme", "acme.test"), first).await;
    converges_after_being_killed::<VerifyTenantDomain>(&of("acme", "acme.test"), first).await;
    converges_after_being_killed::<AddTenantDomain>(&add("acme", "acme.test"), index).await;
    converges_after_being_killed::<DeleteTenantDomain>(&of("globex", "globex.test"), index).await;
}

#[tokio::test]
async fn every_step_may_fail_where_the_index_alone_holds_domains() {
    let first = async |org: &TestOrg| {
        org.configure(WEBFINGER);
        index(org).await;
        add_and_publish(org, "acme", "acme.test").await;
    };
    fails_cleanly_at_every_step::<VerifyTenantDomain>(&of("acme", "acme.test"), first).await;
    converges_after_being_killed::<VerifyTenantDomain>(&of("acme", "acme.test"), first).await;
    let second = async |org: &TestOrg| {
        org.configure(WEBFINGER);
        index(org).await;
        org.call::<AddTenantDomain>(&add_verified("acme", "acme.test")).await.unwrap();
    };
    fails_cleanly_at_every_step::<DeleteTenantDomain>(&of("acme", "acme.test"), second).await;
    converges_after_being_killed::<DeleteTenantDomain>(&of("acme", "acme.test"), second).await;
}

#[tokio::test]
async fn a_domain_without_a_rule_from_adding_to_deleting() {
    let org = TestOrg::start().await;
    org.configure(WEBFINGER);
    index(&org).await;
    let before = rules(&org);
    add_and_publish(&org, "acme", "acme.test").await;
    assert_eq!(found(&org, "acme.test").await, None, "what is pending is nobody's");
    org.call::<VerifyTenantDomain>(&of("acme", "acme.test")).await.unwrap();
    assert_eq!(rules(&org), before, "no rule is made");
    assert_eq!(found(&org, "acme.test").await.as_deref(), Some("DAC_acme"));
    assert_eq!(found(&org, "eu.acme.test").await.as_deref(), Some("DAC_acme"));
    assert_eq!(found(&org, "globex.test").await.as_deref(), Some("DAC_globex"), "through its rule");
    assert_eq!(found(&org, "notacme.test").await, None);
    assert_eq!(list(&org, "acme").await, [json!({ "domain": "acme.test", "verified": true })]);
    let filter = &org.snapshot()["idps"]["idp:DAC_acme"]["policy"]["subject"]["filter"];
    assert_eq!(filter, &json!(domain::subject_filter(&["acme.test"])));
    for request in [add("globex", "acme.test"), add_verified("globex", "eu.acme.test")] {
        later(&org);
        assert_eq!(code::<AddTenantDomain>(&org, &request).await, ProblemCode::DomainTaken);
    }
    assert_eq!(
        code::<AddTenantDomain>(&org, &add("acme", "acme.test")).await,
        ProblemCode::DomainAlreadyVerified
    );
    // No order of rules matters.
    org.call::<AddTenantDomain>(&add_verified("globex", "me.test")).await.unwrap();
    assert_eq!(found(&org, "acme.test").await.as_deref(), Some("DAC_acme"));
    // Suspended tenants are not found.
    let status = |status: &str| TestRequest::tenant("acme").body(&json!({ "status": status }));
    org.call::<UpdateTenant>(&status("SUSPENDED")).await.unwrap();
    assert_eq!(found(&org, "acme.test").await, None);
    assert_eq!(list(&org, "acme").await, [json!({ "domain": "acme.test", "verified": false })]);
    org.call::<UpdateTenant>(&status("ACTIVE")).await.unwrap();
    assert_eq!(found(&org, "acme.test").await.as_deref(), Some("DAC_acme"));
    // A rename changes nothing about the domain.
    let rename = TestRequest::tenant("acme").body(&json!({ "name": "initech" }));
    org.call::<UpdateTenant>(&rename).await.unwrap();
    assert_eq!(found(&org, "acme.test").await.as_deref(), Some("DAC_initech"));
    org.call::<DeleteTenantDomain>(&of("initech", "acme.test")).await.unwrap();
    assert_eq!(found(&org, "acme.test").await, None);
    org.call::<AddTenantDomain>(&add_verified("globex", "acme.test")).await.unwrap();
}

/// A deployment that goes over to the index keeps what rules have; one that goes back says which
/// domains have no rule.
#[tokio::test]
async fn one_way_and_back() {
    let org = TestOrg::start().await;
    org.configure(WEBFINGER);
    index(&org).await;
    org.call::<AddTenantDomain>(&add_verified("globex", "globex-more.test")).await.unwrap();
    let shown = async |verified: bool| {
        let query = TestRequest::tenant("globex").query("verified", if verified { "true" } else { "false" });
        let shown = org.pages::<ListTenantDomains>(&query, 200).await.concat();
        shown.iter().map(|one| one["domain"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shown(true).await, ["globex-more.test", "globex.test"]);
    org.configure(&[]);
    assert_eq!(shown(true).await, ["globex.test"]);
    assert_eq!(shown(false).await, [LABS, "globex-more.test"]);
    later(&org);
    let taken = code::<AddTenantDomain>(&org, &add("acme", "globex-more.test")).await;
    assert_eq!(taken, ProblemCode::DomainTaken, "the tenant has verified it");
    org.call::<VerifyTenantDomain>(&of("globex", "globex-more.test")).await.unwrap();
    assert_eq!(shown(true).await, ["globex-more.test", "globex.test"]);
    let own = rules(&org).into_iter().find(|rule| rule.0 == "DAC_globex").unwrap();
    assert_eq!(own.2, ["globex.test", "globex-more.test"]);
}

/// With a complete index no other rule is read, however many there are.
#[tokio::test]
async fn rules_of_others_are_not_read() {
    let org = TestOrg::start().await;
    for n in 0..50 {
        org.emulator.insert_rule(&format!("Rule {n}"), "0oaother", true, &[&format!("others-{n}.test")]);
    }
    index(&org).await;
    let read_all = |org: &TestOrg| {
        org.emulator.journal().iter().filter(|call| call.operation_id == Some("listPolicyRules")).count()
    };
    let before = read_all(&org);
    org.call::<AddTenantDomain>(&add("acme", "acme.test")).await.unwrap();
    org.call::<AddTenantDomain>(&add_verified("acme", "labs-of-acme.test")).await.unwrap();
    list(&org, "acme").await;
    let status = |status: &str| TestRequest::tenant("acme").body(&json!({ "status": status }));
    org.call::<UpdateTenant>(&status("SUSPENDED")).await.unwrap();
    org.call::<UpdateTenant>(&status("ACTIVE")).await.unwrap();
    org.call::<DeleteTenantDomain>(&of("acme", "labs-of-acme.test")).await.unwrap();
    assert_eq!(read_all(&org), before);
    // Rules that administrators of the org made count.
    let taken = code::<AddTenantDomain>(&org, &add_verified("acme", "deep.others-7.test")).await;
    later(&org);
    assert_eq!(taken, ProblemCode::DomainTaken);
    // The order matters: then all rules are read.
    org.call::<AddTenantDomain>(&add_verified("acme", "rs-7.test")).await.unwrap();
    assert!(read_all(&org) > before);
}

/// A claim that nothing in Okta stands behind gives way, but not while its request may be at work.
#[tokio::test]
async fn a_claim_that_is_left_gives_way() {
    for configuration in [&[][..], WEBFINGER] {
        let org = TestOrg::start().await;
        org.configure(configuration);
        index(&org).await;
        org.call::<AddTenantDomain>(&add_verified("globex", "left.test")).await.unwrap();
        let idp = org.okta().list_identity_providers(&okta_client::ListIdentityProviders::default());
        let idps: Vec<_> = futures::TryStreamExt::try_collect(idp).await.unwrap();
        let globex = idps.into_iter().find(|idp| idp.name == "DAC_globex").unwrap();
        // By hand, and not by `delete-tenant`.
        let (policy, all) = tenancy::routing(org.okta()).await.unwrap();
        for rule in all.iter().filter(|rule| rule.routes_to(globex.id.as_str())) {
            org.okta().delete_policy_rule(policy.as_ref().unwrap(), &rule.id).await.unwrap();
        }
        org.okta().deactivate_identity_provider(&globex.id).await.unwrap();
        org.okta().delete_identity_provider(&globex.id).await.unwrap();
        assert_eq!(
            code::<AddTenantDomain>(&org, &add_verified("acme", "left.test")).await,
            ProblemCode::DomainTaken
        );
        later(&org);
        org.call::<AddTenantDomain>(&add_verified("acme", "left.test")).await.unwrap();
        assert_eq!(found(&org, "left.test").await.as_deref(), Some("DAC_acme"));
    }
}

/// A run that died while it made a rule keeps its claim until the next pass, and no longer.
#[tokio::test]
async fn a_claim_of_a_run_that_died_gives_way_after_a_pass() {
    let org = TestOrg::start().await;
    index(&org).await;
    let state = state::State::prepare(&org.environment()).unwrap();
    let run = org.run(run_kit::Actor::Schedule);
    let (domain, by) = (EmailDomain::parse("died.test").unwrap(), domain::Discovery::RoutingRules);
    state.claim_domain(&run, &domain, "0oa00000000000000014", by).await.unwrap();
    state.begin_rule(&run, "0oa00000000000000014").await.unwrap();
    later(&org);
    let wanted = add_verified("acme", "died.test");
    assert_eq!(code::<AddTenantDomain>(&org, &wanted).await, ProblemCode::DomainTaken);
    later(&org);
    index(&org).await;
    org.call::<AddTenantDomain>(&wanted).await.unwrap();
}

#[tokio::test]
async fn a_deleted_tenant_has_no_domain() {
    for configuration in [&[][..], WEBFINGER] {
        let org = TestOrg::start().await;
        org.configure(configuration);
        index(&org).await;
        org.call::<AddTenantDomain>(&add_verified("globex", "left.test")).await.unwrap();
        org.call::<DeleteTenant>(&TestRequest::tenant("globex")).await.unwrap();
        assert_eq!(found(&org, "left.test").await, None);
        assert!(!org.tables().contains("globex.test"), "{}", org.tables());
        org.call::<AddTenantDomain>(&add_verified("acme", "left.test")).await.unwrap();
    }
}

/// The table fails at each call of its, before and after it did its part: the request fails
/// cleanly, and the same request completes it.
#[tokio::test]
async fn the_table_may_fail_at_every_step() {
    for configuration in [&[][..], WEBFINGER] {
        let org = TestOrg::start().await;
        org.configure(configuration);
        index(&org).await;
        let request = add_verified("acme", "acme.test");
        for (nth, after) in (1..24).flat_map(|nth| [(nth, false), (nth, true)]) {
            org.break_dynamodb(nth, 3, after);
            let tried = org.call::<AddTenantDomain>(&request).await;
            org.break_dynamodb(1_000_000, 0, false);
            org.advance_clock(Duration::from_secs(61));
            if tried.is_err() {
                let again = org.call::<AddTenantDomain>(&request).await;
                let is_done =
                    matches!(&again, Err(problem) if problem.code() == ProblemCode::DomainAlreadyVerified);
                assert!(again.is_ok() || is_done, "{nth} {after}: {again:?}");
            }
            assert_eq!(found(&org, "acme.test").await.as_deref(), Some("DAC_acme"), "{nth} {after}");
            org.break_dynamodb(nth, 3, after);
            let deleted = org.call::<DeleteTenantDomain>(&of("acme", "acme.test")).await;
            org.break_dynamodb(1_000_000, 0, false);
            org.advance_clock(Duration::from_secs(61));
            if deleted.is_err() {
                let again = org.call::<DeleteTenantDomain>(&of("acme", "acme.test")).await;
                let is_done = matches!(&again, Err(problem) if problem.code() == ProblemCode::DomainNotFound);
                assert!(again.is_ok() || is_done, "{nth} {after}: {again:?}");
            }
            assert_eq!(list(&org, "acme").await.len(), 0, "{nth} {after}");
            // What may be left of the claim gives way.
            org.call::<AddTenantDomain>(&add_verified("globex", "acme.test")).await.unwrap();
            org.call::<DeleteTenantDomain>(&of("globex", "acme.test")).await.unwrap();
        }
    }
}

/// The index follows what hands do to the rules.
#[tokio::test]
async fn a_pass_finds_what_hands_did() {
    let org = TestOrg::start().await;
    index(&org).await;
    let before = org.tables();
    let (policy, all) = tenancy::routing(org.okta()).await.unwrap();
    let rule = all.into_iter().find(|rule| rule.name == "DAC_globex").unwrap();
    let moved = rule.with_patterns(|pattern| pattern != "globex.test", Some("by-hand.test"));
    org.okta().replace_policy_rule(&policy.unwrap(), &moved).await.unwrap();
    later(&org);
    org.emulator.insert_rule("By hand", "0oaother", true, &["globex.test"]);
    index(&org).await;
    assert_ne!(org.tables(), before);
    assert_eq!(found(&org, "by-hand.test").await.as_deref(), Some("DAC_globex"));
    assert_eq!(
        code::<AddTenantDomain>(&org, &add_verified("acme", "by-hand.test")).await,
        ProblemCode::DomainTaken
    );
    assert_eq!(
        code::<AddTenantDomain>(&org, &add_verified("acme", "globex.test")).await,
        ProblemCode::DomainTaken
    );
    assert_eq!(found(&org, "globex.test").await.as_deref(), Some("0oaother"), "where the rule leads");
}
