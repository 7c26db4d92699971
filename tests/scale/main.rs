//! However many tenants an org has: an operation on one of them takes the same from Okta and from
//! the tables. `make scale` measures orgs that are larger, with the real functions.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use idps::{GetIdp, ListIdps, UpdateIdp};
use lambda_kit::{Endpoint, Task};
use operation_testing::{TestOrg, TestRequest, Traffic, traffic};
use reconcile::Reconcile;
use run_kit::Actor;
use serde_json::{Value, json};
use tenant_admins::{AssignTenantAdmin, ListTenantAdmins};
use tenant_apps::{ActivateTenantApp, ListTenantApps};
use tenant_domains::{
    AddTenantDomain, DeleteTenantDomain, GetTenantDomain, ListTenantDomains, VerifyTenantDomain,
};
use tenants::{AddTenant, DeleteTenant, GetTenant, ListTenantEvents, ListTenants, UpdateTenant};

/// Most bytes by which answers may differ: a rule that comes last has a place of more digits.
const DIGITS: u64 = 8;

type Row = (&'static str, Traffic);

/// What each operation takes in an org with so many more tenants.
async fn measured(tenants: u32, discovery: &str) -> Vec<Row> {
    let by_rules = discovery == "routing-rules";
    let org = TestOrg::start_with(|seed| {
        seed.bulk_tenants = tenants;
        seed.bulk_rules = by_rules;
    })
    .await;
    org.configure(&[("DISCOVERY_BY", discovery)]);
    let state = state::State::prepare(&org.environment()).unwrap();
    while state.index_state().await.unwrap().complete_since.is_none() {
        // The index comes first: a pass need not end.
        let run = org.run_of(Actor::Schedule, Duration::from_secs(22));
        Reconcile::run(&*org.task::<Reconcile>(), &run, Value::Null).await.unwrap();
    }
    let idp = org
        .okta()
        .list_identity_providers(&okta_client::ListIdentityProviders { q: Some("DAC_globex".to_owned()) });
    let idps: Vec<_> = futures::TryStreamExt::try_collect(idp).await.unwrap();
    let idp = || TestRequest::new().path("idpId", idps[0].id.as_str());
    let of = |tenant: &str| TestRequest::tenant(tenant);
    let domain = |tenant: &str, domain: &str| of(tenant).path("domain", domain);
    let body = |request: TestRequest, body: Value| request.body(&body);
    let page = || TestRequest::new().query("limit", "30");
    let user = org.user("user@acme.test").await;
    let org = &org;
    let mut rows = Vec::new();
    macro_rules! measure {
        ($($operation:ident: $request:expr;)*) => {
            $(rows.push((stringify!($operation), traffic::<$operation>(org, &$request).await));)*
        };
    }
    measure! {
        ListTenants: page();
        ListTenants: page().query("search", "globex");
        ListTenants: page().query("status", "SUSPENDED");
        ListIdps: page();
        GetIdp: idp();
        UpdateIdp: body(idp(), UpdateIdp::example().body.unwrap());
        GetTenant: of("acme");
        ListTenantEvents: of("acme");
        ListTenantAdmins: of("acme");
        AssignTenantAdmin: of("acme").path("userId", &user);
        ListTenantApps: of("acme");
        ActivateTenantApp: of("globex").path("appId", "0oa1dynamics00000001");
        ListTenantDomains: of("globex");
        GetTenantDomain: domain("globex", "globex.test");
        AddTenantDomain: body(of("acme"), json!({ "domain": "acme.test" }));
        AddTenantDomain: body(of("acme"), json!({ "domain": "acme-labs.test", "verified": true }));
        AddTenantDomain: body(of("globex"), json!({ "domain": "globex-more.test", "verified": true }));
        VerifyTenantDomain: domain("globex", "globex.test");
        DeleteTenantDomain: domain("globex", "globex-more.test");
        UpdateTenant: body(of("acme"), json!({ "status": "SUSPENDED" }));
        UpdateTenant: body(of("acme"), json!({ "status": "ACTIVE" }));
        UpdateTenant: body(of("acme"), json!({ "name": "initech" }));
        AddTenant: body(TestRequest::new(), json!({ "name": "newcomer" }));
    }
    if by_rules {
        let delete = traffic::<DeleteTenant>(org, &of("initech")).await;
        rows.push(("DeleteTenant", delete));
    }
    rows
}

/// What differs between two orgs.
fn differences(few: &[Row], many: &[Row]) -> Vec<String> {
    let pairs = few.iter().zip(many);
    let differs = |(a, b): &(&Row, &Row)| {
        let (a, b) = (a.1, b.1);
        let same = a.calls == b.calls && a.table_calls == b.table_calls;
        !same || a.bytes.abs_diff(b.bytes) > DIGITS || a.table_bytes.abs_diff(b.table_bytes) > 64
    };
    pairs.filter(differs).map(|(a, b)| format!("{}: {:?}, and {:?}", a.0, a.1, b.1)).collect()
}

#[tokio::test]
async fn three_hundred_tenants_and_three_thousand_cost_the_same() {
    for discovery in ["routing-rules", "webfinger"] {
        let (few, many) = (measured(300, discovery).await, measured(3_000, discovery).await);
        // A deletion looks for every rule that leads to the tenant: the check sees that.
        let of = |rows: &[Row], deletes: bool| {
            rows.iter().filter(|row| (row.0 == "DeleteTenant") == deletes).copied().collect::<Vec<_>>()
        };
        assert_eq!(differences(&of(&few, false), &of(&many, false)), Vec::<String>::new(), "{discovery}");
        let grown = differences(&of(&few, true), &of(&many, true));
        assert_eq!(grown.len(), usize::from(discovery == "routing-rules"), "{grown:?}");
    }
}
