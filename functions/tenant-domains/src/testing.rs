//! Rules that concern all operations of this package.

use operation_testing::{
    TestOrg, TestRequest, assert_same, converges_after_being_killed, cost, fails_cleanly_at_every_step,
    tenant_admin,
};
use operations::ProblemCode;
use serde_json::{Value, json};

mod indexed;
mod shared;

use tenants::UpdateTenant;

use crate::{AddTenantDomain, DeleteTenantDomain, GetTenantDomain, ListTenantDomains, VerifyTenantDomain};

const LABS: &str = "globex-labs.test";

fn add(tenant: &str, domain: &str) -> TestRequest {
    TestRequest::tenant(tenant).body(&json!({ "domain": domain }))
}

fn add_verified(tenant: &str, domain: &str) -> TestRequest {
    TestRequest::tenant(tenant).body(&json!({ "domain": domain, "verified": true }))
}

fn of(tenant: &str, domain: &str) -> TestRequest {
    TestRequest::tenant(tenant).path("domain", domain)
}

/// Completes the index of domains.
async fn index(org: &TestOrg) {
    // A claim that is new counts, whatever Okta says.
    let run = org.run_of(run_kit::Actor::Schedule, std::time::Duration::from_secs(240));
    let report =
        lambda_kit::Task::run(&*org.task::<reconcile::Reconcile>(), &run, Value::Null).await.unwrap();
    assert!(report.complete);
}

async fn list(org: &TestOrg, tenant: &str) -> Vec<Value> {
    org.pages::<ListTenantDomains>(&TestRequest::tenant(tenant), 200).await.concat()
}

/// Adds a domain and puts its token into the DNS; gives the token.
async fn add_and_publish(org: &TestOrg, tenant: &str, domain: &str) -> String {
    let added = org.call::<AddTenantDomain>(&add(tenant, domain)).await.unwrap();
    let token = added["dnsVerificationString"].as_str().unwrap().to_owned();
    publish(org, domain, &[&token]).await;
    token
}

async fn publish(org: &TestOrg, domain: &str, texts: &[&str]) {
    let path = format!("/_emulator/dns/_oktadac.verification.{domain}");
    org.prepare("PUT", &path, json!({ "txt": texts })).await;
}

async fn code<E: lambda_kit::Endpoint>(org: &TestOrg, request: &TestRequest) -> ProblemCode {
    org.call::<E>(request).await.unwrap_err().code()
}

/// The rules of the org, by name: status and patterns.
fn rules(org: &TestOrg) -> Vec<(String, String, Vec<String>)> {
    let snapshot = org.emulator.snapshot();
    let rules = snapshot["rules"]["00p1discovery0000001"].as_object().unwrap();
    let mut rules: Vec<_> = rules
        .values()
        .filter(|rule| rule["name"].as_str().unwrap().starts_with("DAC_"))
        .map(|rule| {
            let patterns = rule["conditions"]["userIdentifier"]["patterns"].as_array().unwrap();
            let patterns = patterns.iter().map(|pattern| pattern["value"].as_str().unwrap().to_owned());
            let text = |name: &str| rule[name].as_str().unwrap().to_owned();
            (text("name"), text("status"), patterns.collect())
        })
        .collect();
    rules.sort();
    rules
}

#[tokio::test]
async fn the_cost_of_each_operation() {
    // The heads of the files say the same.
    assert_eq!(costs(false).await, [(6, 2), (6, 2), (8, 3), (10, 5), (11, 4), (8, 3), (10, 5)]);
    assert_eq!(costs(true).await, [(7, 3), (7, 3), (9, 4), (9, 5), (12, 5), (9, 4), (11, 6)]);
}

/// What the operations cost, without and with a complete index.
async fn costs(is_indexed: bool) -> [(usize, usize); 7] {
    let org = &TestOrg::start().await;
    if is_indexed {
        index(org).await;
    }
    let more = org.call::<AddTenantDomain>(&add_verified("globex", "globex-more.test")).await;
    more.unwrap();
    org.call::<AddTenantDomain>(&add("globex", "globex-next.test")).await.unwrap();
    [
        cost::<ListTenantDomains>(org, &TestRequest::tenant("globex")).await,
        cost::<GetTenantDomain>(org, &of("globex", LABS)).await,
        cost::<AddTenantDomain>(org, &add("globex", "globex-3.test")).await,
        cost::<AddTenantDomain>(org, &add("acme", "acme.test")).await,
        cost::<VerifyTenantDomain>(org, &of("globex", LABS)).await,
        cost::<DeleteTenantDomain>(org, &of("globex", "globex-3.test")).await,
        cost::<DeleteTenantDomain>(org, &of("globex", LABS)).await,
    ]
}

#[tokio::test]
async fn adding_fails_cleanly_at_every_step() {
    for request in [add("acme", "acme.test"), add("globex", "acme.test"), add_verified("acme", "acme.test")] {
        fails_cleanly_at_every_step::<AddTenantDomain>(&request, async |_| {}).await;
        converges_after_being_killed::<AddTenantDomain>(&request, async |_| {}).await;
    }
}

#[tokio::test]
async fn dom_08_verifying_fails_cleanly_at_every_step() {
    let request = of("globex", LABS);
    fails_cleanly_at_every_step::<VerifyTenantDomain>(&request, async |_| {}).await;
    converges_after_being_killed::<VerifyTenantDomain>(&request, async |_| {}).await;
    // The first verified domain of a tenant, beside another pending one.
    let first = async |org: &TestOrg| {
        add_and_publish(org, "acme", "acme.test").await;
        org.call::<AddTenantDomain>(&add("acme", "acme-2.test")).await.unwrap();
    };
    fails_cleanly_at_every_step::<VerifyTenantDomain>(&of("acme", "acme.test"), first).await;
    converges_after_being_killed::<VerifyTenantDomain>(&of("acme", "acme.test"), first).await;
}

#[tokio::test]
async fn deleting_fails_cleanly_at_every_step() {
    for domain in [LABS, "globex.test"] {
        fails_cleanly_at_every_step::<DeleteTenantDomain>(&of("globex", domain), async |_| {}).await;
        converges_after_being_killed::<DeleteTenantDomain>(&of("globex", domain), async |_| {}).await;
    }
}

#[tokio::test]
async fn a_domain_from_adding_to_deleting() {
    let org = TestOrg::start().await;
    let before = org.emulator.stable_snapshot();
    let token = add_and_publish(&org, "acme", "Acme.test").await;
    assert_eq!(
        list(&org, "acme").await,
        [json!({ "domain": "acme.test", "verified": false, "dnsVerificationString": token })]
    );
    // The same again: the same token.
    let again = org.call::<AddTenantDomain>(&add("acme", "acme.test")).await.unwrap();
    assert_eq!(
        (&again["dnsVerificationString"], &again["dnsName"]),
        (&json!(token), &json!("_oktadac.verification.acme.test"))
    );
    publish(&org, "acme.test", &["other", &token]).await;
    let verified = org.call::<VerifyTenantDomain>(&of("acme", "acme.test")).await.unwrap();
    assert_eq!(verified, json!({ "domain": "acme.test", "verified": true }));
    let own: Vec<_> = rules(&org).into_iter().filter(|rule| rule.0.starts_with("DAC_acme")).collect();
    assert_eq!(own, [("DAC_acme".to_owned(), "ACTIVE".to_owned(), vec!["acme.test".to_owned()])]);
    // Verified once more, and added once more.
    org.call::<VerifyTenantDomain>(&of("acme", "acme.test")).await.unwrap();
    assert_eq!(
        code::<AddTenantDomain>(&org, &add("acme", "acme.test")).await,
        ProblemCode::DomainAlreadyVerified
    );
    org.call::<DeleteTenantDomain>(&of("acme", "acme.test")).await.unwrap();
    assert_eq!(list(&org, "acme").await, Vec::<Value>::new());
    // A rule without a domain would send everybody to the tenant's IdP.
    assert!(rules(&org).iter().all(|rule| !rule.0.starts_with("DAC_acme")), "{:?}", rules(&org));
    let mut after = org.emulator.stable_snapshot();
    // The IdP of the predecessor's spoke of anybody.
    after["idps"]["idp:DAC_acme"]["policy"]["subject"]["filter"] = Value::Null;
    // Only the ids of rules that are gone are left in the record.
    after["groups"]["group:ADMINS_acme"]["profile"]["description"] =
        before["groups"]["group:ADMINS_acme"]["profile"]["description"].clone();
    assert_same(&after, &before, "the org");
}

/// The IdP speaks of users of the verified domains alone, whatever it was before.
#[tokio::test]
async fn ten_18_an_idp_speaks_of_its_domains_alone() {
    let org = TestOrg::start().await;
    let filter = || {
        let idp = &org.emulator.stable_snapshot()["idps"]["idp:DAC_globex"];
        idp["policy"]["subject"]["filter"].clone()
    };
    let of_domains = |domains: &[&str]| json!(domain::subject_filter(domains).unwrap());
    assert_eq!(filter(), Value::Null);
    org.call::<VerifyTenantDomain>(&of("globex", "globex.test")).await.unwrap();
    assert_eq!(filter(), of_domains(&["globex.test"]), "one of the predecessor's");
    org.call::<VerifyTenantDomain>(&of("globex", LABS)).await.unwrap();
    assert_eq!(filter(), of_domains(&["globex.test", LABS]));
    org.call::<AddTenantDomain>(&add("globex", "pending.test")).await.unwrap();
    assert_eq!(filter(), of_domains(&["globex.test", LABS]), "a pending one is nobody's");
    org.call::<AddTenantDomain>(&add_verified("globex", "more.test")).await.unwrap();
    org.call::<DeleteTenantDomain>(&of("globex", "globex.test")).await.unwrap();
    assert_eq!(filter(), of_domains(&[LABS, "more.test"]));
    for domain in [LABS, "more.test"] {
        org.call::<DeleteTenantDomain>(&of("globex", domain)).await.unwrap();
    }
    assert_eq!(filter(), of_domains(&[]));
}

#[tokio::test]
async fn ten_18_more_domains_than_an_idp_can_be_limited_to() {
    let org = TestOrg::start_with(|seed| {
        seed.tenants[0].domains = (0..60).map(|n| format!("acme-department-{n}.test")).collect();
    })
    .await;
    add_and_publish(&org, "acme", "acme.test").await;
    let before = org.emulator.stable_snapshot();
    assert_eq!(
        code::<AddTenantDomain>(&org, &add_verified("acme", "acme-2.test")).await,
        ProblemCode::InvalidRequest
    );
    let refused = code::<VerifyTenantDomain>(&org, &of("acme", "acme.test")).await;
    assert_eq!(refused, ProblemCode::InvalidRequest);
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
    // Fewer are always allowed.
    org.call::<DeleteTenantDomain>(&of("acme", "acme-department-3.test")).await.unwrap();
}

/// A rename replaces the rules, too: neither loses what the other did.
#[tokio::test]
async fn a_domain_that_is_verified_beside_a_rename_is_not_lost() {
    let org = TestOrg::start().await;
    for _ in 0..5 {
        org.reset();
        add_and_publish(&org, "globex", LABS).await;
        org.emulator.configure(|settings| settings.latency_ms = 3);
        let rename = TestRequest::tenant("globex").body(&json!({ "name": "initech" }));
        let verify = of("globex", LABS);
        let (renamed, verified) =
            tokio::join!(org.call::<UpdateTenant>(&rename), org.call::<VerifyTenantDomain>(&verify));
        renamed.unwrap();
        let patterns = rules(&org).into_iter().find(|rule| rule.0 == "DAC_initech").unwrap().2;
        match verified {
            Ok(_) => assert_eq!(patterns, ["globex.test", LABS]),
            Err(problem) => {
                assert_eq!(problem.code(), ProblemCode::TenantNotFound);
                assert_eq!(patterns, ["globex.test"]);
            }
        }
    }
}

#[tokio::test]
async fn dom_01_only_superusers_skip_the_dns() {
    let org = TestOrg::start().await;
    let admin = tenant_admin(&org, &["acme"]).await;
    let before = org.emulator.arrivals();
    let refused = org.call_as::<AddTenantDomain>(admin.clone(), &add_verified("acme", "acme.test")).await;
    assert_eq!(refused.unwrap_err().code(), ProblemCode::Forbidden);
    let provider = org.call_as::<AddTenantDomain>(admin, &add("acme", "gmail.com")).await;
    assert_eq!(provider.unwrap_err().code(), ProblemCode::InvalidRequest);
    assert_eq!(org.emulator.arrivals(), before, "before anything is asked of Okta");
    let added = org.call::<AddTenantDomain>(&add_verified("acme", "acme.test")).await.unwrap();
    assert_eq!(added, json!({ "domain": "acme.test" }));
    org.call::<AddTenantDomain>(&add_verified("acme", "gmail.com")).await.unwrap();
}

/// What counts is the string that was issued to this tenant for this domain.
#[tokio::test]
async fn dom_02_strings_of_others_verify_nothing() {
    let org = TestOrg::start().await;
    let victims = add_and_publish(&org, "globex", "victim.test").await;
    org.call::<AddTenantDomain>(&add("acme", "victim.test")).await.unwrap();
    let hostile = of("acme", "victim.test").body(&json!({ "dnsVerificationString": victims }));
    assert_eq!(org.call::<VerifyTenantDomain>(&hostile).await.unwrap()["verified"], false);
    publish(&org, "victim.test", &[]).await;
    assert_eq!(org.call::<VerifyTenantDomain>(&hostile).await.unwrap()["verified"], false);
    let own = org.call::<VerifyTenantDomain>(&of("globex", "victim.test")).await.unwrap();
    assert_eq!(own["verified"], false);
    publish(&org, "victim.test", &[&victims]).await;
    org.call::<VerifyTenantDomain>(&of("globex", "victim.test")).await.unwrap();
    assert_eq!(code::<AddTenantDomain>(&org, &add("acme", "victim.test")).await, ProblemCode::DomainTaken);
    assert_eq!(org.call::<VerifyTenantDomain>(&hostile).await.unwrap()["verified"], false);
}

#[tokio::test]
async fn dom_05_domains_of_two_tenants_do_not_overlap() {
    let org = TestOrg::start().await;
    for domain in ["globex.test", "eu.globex.test"] {
        for request in [add("acme", domain), add_verified("acme", domain)] {
            assert_eq!(code::<AddTenantDomain>(&org, &request).await, ProblemCode::DomainTaken, "{domain}");
        }
    }
    // The tenant's own may.
    org.call::<AddTenantDomain>(&add_verified("globex", "eu.globex.test")).await.unwrap();
    // A rule that an administrator of the org made counts, too; pending ones do not.
    let taken = code::<AddTenantDomain>(&org, &add_verified("acme", "deep.eu.globex.test")).await;
    assert_eq!(taken, ProblemCode::DomainTaken);
    org.call::<AddTenantDomain>(&add("acme", LABS)).await.unwrap();
}

#[tokio::test]
async fn dom_06_domains_that_are_not_there() {
    let org = TestOrg::start().await;
    let before = org.emulator.stable_snapshot();
    for domain in ["nobody.test", "acme.test"] {
        assert_eq!(code::<GetTenantDomain>(&org, &of("acme", domain)).await, ProblemCode::DomainNotFound);
        assert_eq!(code::<VerifyTenantDomain>(&org, &of("acme", domain)).await, ProblemCode::DomainNotFound);
        assert_eq!(code::<DeleteTenantDomain>(&org, &of("acme", domain)).await, ProblemCode::DomainNotFound);
    }
    // dom_14: nothing is written where nothing is to be changed.
    assert!(org.emulator.journal().iter().all(|call| call.method == "GET"), "{:?}", org.emulator.journal());
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
}

/// One resolver of the two that the test org has never answers.
#[tokio::test]
async fn dom_11_no_resolver_answers() {
    let org = TestOrg::start().await;
    org.configure(&[("DNS_RESOLVERS", "http://127.0.0.1:1/dns-query")]);
    let problem = org.call::<VerifyTenantDomain>(&of("globex", LABS)).await.unwrap_err();
    assert_eq!(problem.code(), ProblemCode::DnsUnavailable);
    org.configure(&[]);
    org.call::<VerifyTenantDomain>(&of("globex", LABS)).await.unwrap();
}

#[tokio::test]
async fn ten_15_fifty_domains_at_once_are_fifty_domains() {
    let org = TestOrg::start().await;
    // Okta refuses a change of the policy while another one runs.
    org.emulator.configure(|settings| settings.rule_change_ms = 2);
    let requests: Vec<TestRequest> = (0..50).map(|n| add("acme", &format!("acme-{n}.test"))).collect();
    let results =
        futures::future::join_all(requests.iter().map(|request| org.call::<AddTenantDomain>(request))).await;
    for result in results {
        result.unwrap();
    }
    assert_eq!(list(&org, "acme").await.len(), 50);
}

#[tokio::test]
async fn wfd_03_two_tenants_race_for_a_domain() {
    let org = TestOrg::start().await;
    for n in 0..5 {
        org.reset();
        let domain = &format!("contested-{n}.test");
        let one = add_and_publish(&org, "acme", domain).await;
        let other = org.call::<AddTenantDomain>(&add("globex", domain)).await.unwrap();
        publish(&org, domain, &[&one, other["dnsVerificationString"].as_str().unwrap()]).await;
        org.emulator.configure(|settings| settings.latency_ms = 3);
        let (acme, globex) = (of("acme", domain), of("globex", domain));
        let (one, other) =
            tokio::join!(org.call::<VerifyTenantDomain>(&acme), org.call::<VerifyTenantDomain>(&globex));
        let codes = [one, other].map(|result| result.err().map(|problem| problem.code()));
        assert!(codes.contains(&None) && codes.contains(&Some(ProblemCode::DomainTaken)), "{codes:?}");
    }
}

#[tokio::test]
async fn three_hundred_rules_stand_before_the_tenants() {
    let org = TestOrg::start().await;
    for n in 0..300 {
        org.emulator.insert_rule(&format!("Rule {n}"), "0oaother", true, &[]);
    }
    org.call::<AddTenantDomain>(&add_verified("acme", "acme.test")).await.unwrap();
    assert_eq!(list(&org, "acme").await.len(), 1);
    assert_eq!(code::<AddTenantDomain>(&org, &add("globex", "acme.test")).await, ProblemCode::DomainTaken);
}

#[tokio::test]
async fn two_hundred_and_fifty_domains_stand_on_pages() {
    let org = TestOrg::start_with(|seed| {
        seed.tenants[0].domains = (0..250).map(|n| format!("acme-{n}.test")).collect();
    })
    .await;
    let pages = org.pages::<ListTenantDomains>(&TestRequest::tenant("acme"), 100).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    let verified = TestRequest::tenant("globex").query("verified", "true");
    assert_eq!(
        org.call::<ListTenantDomains>(&verified).await.unwrap(),
        json!([{ "domain": "globex.test", "verified": true }])
    );
}

/// Patterns that somebody made by hand are left alone.
#[tokio::test]
async fn what_is_not_ours_stays() {
    let org = TestOrg::start_with(|seed| {
        seed.tenants[1].domains.push("EXAMPLE".to_owned());
        seed.tenants[1].domains.push("Upper.Globex.test".to_owned());
    })
    .await;
    assert_eq!(list(&org, "globex").await.len(), 3);
    org.call::<DeleteTenantDomain>(&of("globex", "upper.globex.test")).await.unwrap();
    let rule = rules(&org).into_iter().find(|rule| rule.0 == "DAC_globex").unwrap();
    assert_eq!(rule.2, ["globex.test", "EXAMPLE"]);
}

/// An administrator of the org gave the rule a pattern of another kind.
#[tokio::test]
async fn a_pattern_of_another_kind_keeps_the_rule() {
    let org = TestOrg::start().await;
    let (policy, rules) = tenancy::routing(org.okta()).await.unwrap();
    let mut rule = rules.into_iter().find(|rule| rule.name == "DAC_globex").unwrap();
    let patterns = rule.other["conditions"]["userIdentifier"]["patterns"].as_array_mut().unwrap();
    patterns.push(json!({ "matchType": "STARTS_WITH", "value": "ext-" }));
    org.okta().replace_policy_rule(&policy.unwrap(), &rule).await.unwrap();
    for domain in list(&org, "globex").await {
        let domain = domain["domain"].as_str().unwrap().to_owned();
        org.call::<DeleteTenantDomain>(&of("globex", &domain)).await.unwrap();
    }
    let (_, rules) = tenancy::routing(org.okta()).await.unwrap();
    let rule = rules.into_iter().find(|rule| rule.name == "DAC_globex").unwrap();
    let left = &rule.other["conditions"]["userIdentifier"]["patterns"];
    assert_eq!(left, &json!([{ "matchType": "STARTS_WITH", "value": "ext-" }]));
}

#[tokio::test]
async fn without_the_table_nothing_is_changed() {
    let org = TestOrg::start().await;
    let before = org.emulator.stable_snapshot();
    org.stop_dynamodb();
    assert_eq!(code::<AddTenantDomain>(&org, &add("acme", "acme.test")).await, ProblemCode::StateUnavailable);
    assert_eq!(code::<VerifyTenantDomain>(&org, &of("globex", LABS)).await, ProblemCode::StateUnavailable);
    assert_eq!(code::<DeleteTenantDomain>(&org, &of("globex", LABS)).await, ProblemCode::StateUnavailable);
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
}
