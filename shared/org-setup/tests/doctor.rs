//! An org with damage of every kind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use connections::key::KeyKind;
use connections::preset::Preset;
use connections::service_app::{self, Run};
use connections::sink::Sink;
use domain::{AdminsDescription, ENDING_EVENTS, TenantName, subject_filter};
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use okta_client::models::{
    ApplicationGroupAssignment, Group, GroupProfile, IdentityProvider, Named, NewPolicyRule, RoleAssignmentId,
};
use okta_client::{ApiToken, Client, OrgUrl};
use okta_emulator::{DEMO_ORG, Emulator, EventHookSeed, Options, Seed};
use operation_testing::TestOrg;
use org_setup::doctor::{Asked, Finding, Tables, examine};
use org_setup::plan::Wanted;
use org_setup::setup::{Report, setup};
use run_kit::AuditLog;
use serde_json::{Value, json};
use state::{RecordsTable, State};
use tenancy::{group_called, idp_of, routing};

const AUDIENCE: &str = "api://okta-dac";

/// What the damage is called.
const DAMAGE: [&str; 16] = [
    "any-login",
    "broader-rule",
    "certificate-ends",
    "deployment",
    "domains-without-rule",
    "edited-record",
    "grant-too-wide",
    "half-made-tenant",
    "imported-group",
    "lacking",
    "no-superuser",
    "old-credential",
    "role-too-wide",
    "role-without-target",
    "rule-leads-nowhere",
    "silent-hook",
];

/// What of it is fixed.
const FIXED: [&str; 2] = ["lacking", "role-without-target"];

struct Org {
    test: TestOrg,
    report: Report,
    folder: tempfile::TempDir,
}

impl Org {
    /// The demo org with its tenants, prepared, with a connection and the event hook.
    async fn start() -> Self {
        let hook = EventHookSeed {
            uri: "https://api.example.test/v1/events/okta".to_owned(),
            secret: "s".repeat(32),
            events: ENDING_EVENTS.iter().map(|event| (*event).to_owned()).collect(),
        };
        let test = TestOrg::start_with(|seed| seed.event_hook = Some(hook)).await;
        test.emulator.catch_up();
        let wanted = Wanted { audience: AUDIENCE.to_owned(), adopt: true, ..Wanted::default() };
        let report = setup(test.okta(), &wanted).await.unwrap();
        let org = Self { test, report, folder: tempfile::tempdir().unwrap() };
        org.connect().await;
        org.let_time_pass(120);
        org
    }

    fn client(&self) -> &Client {
        self.test.okta()
    }

    async fn connect(&self) {
        let org = OrgUrl::parse(&self.test.emulator.url()).unwrap();
        let wanted = connections::plan::Wanted {
            label: "okta-dac dac-read".to_owned(),
            preset: Preset::parse("dac-read").unwrap(),
            key: KeyKind::P256,
            adopt: false,
            jwks_uri: None,
            resources: vec![format!("{}/api/v1/groups", org.as_str())],
        };
        let sink = Sink::File(self.folder.path().join("credential.json"));
        let (client, patience) = (self.client(), Duration::from_secs(2));
        let run = Run { client, org: &org, sink: &sink, wanted: &wanted, keep_token: true, patience };
        service_app::connect(&run).await.unwrap();
    }

    /// Nobody can be at work any more.
    fn let_time_pass(&self, seconds: i64) {
        self.test.emulator.configure(|settings| settings.clock_offset_ms += seconds * 1_000);
        self.test.emulator.catch_up();
    }

    fn asked(&self, fix: bool) -> Asked {
        let parameters = BTreeMap::from([
            ("OktaDacAppId".to_owned(), self.report.app_id.clone()),
            ("TokenIssuer".to_owned(), self.report.issuer.clone()),
            ("TokenAudiences".to_owned(), AUDIENCE.to_owned()),
        ]);
        let environment = self.test.environment();
        let tables = Tables {
            state: State::prepare(&environment).unwrap(),
            records: RecordsTable::prepare(&environment).unwrap(),
            audit: Arc::new(AuditLog),
        };
        Asked { fix, adopt: true, parameters, tables: Some(tables), operator: "test".to_owned(), api: None }
    }

    async fn findings(&self, fix: bool) -> Vec<Finding> {
        examine(self.client(), &self.asked(fix)).await.unwrap()
    }

    async fn group(&self, name: &str) -> Group {
        group_called(self.client(), name).await.unwrap().unwrap()
    }

    async fn idp(&self, tenant: &str) -> IdentityProvider {
        idp_of(self.client(), &TenantName::parse(tenant).unwrap()).await.unwrap().unwrap()
    }

    /// Id of the authorization server.
    async fn server(&self) -> String {
        let servers = self.client().list_authorization_servers().try_collect::<Vec<Named>>().await.unwrap();
        servers.into_iter().find(|server| server.name == "okta-dac").unwrap().id
    }

    async fn call(&self, method: http::Method, path: &[&str], body: Option<Value>) {
        let path = [&["api", "v1"], path].concat();
        self.client().probe(method, &path, &[], body.as_ref()).await.unwrap();
    }

    async fn delete_scope(&self, server: &str) {
        let scopes = self.client().list_oauth2_scopes(server).try_collect::<Vec<Named>>().await.unwrap();
        let scope = scopes.into_iter().find(|scope| scope.name == "dac.respond").unwrap();
        self.call(http::Method::DELETE, &["authorizationServers", server, "scopes", &scope.id], None).await;
    }

    async fn claim(&self, server: &str) -> Named {
        let claims = self.client().list_oauth2_claims(server).try_collect::<Vec<Named>>().await.unwrap();
        claims.into_iter().find(|claim| claim.name == "tenants").unwrap()
    }

    /// Damages what setup made.
    async fn damage_org(&self) {
        let server = self.server().await;
        self.delete_scope(&server).await;
        let claim = self.claim(&server).await.id;
        self.call(http::Method::DELETE, &["authorizationServers", &server, "claims", &claim], None).await;
        // Nobody is a superuser, and a directory has a group of that name.
        let superuser = self.client().get_user("superuser@demo.test").await.unwrap().id;
        let group = self.group("SUPERUSERS").await.id;
        self.client().unassign_user_from_group(&group, &superuser).await.unwrap();
        self.test.emulator.insert_imported_group("SUPERUSERS", &[]);
        // The connection may do more than its preset.
        let connection = connections::ending::list(self.client()).await.unwrap().remove(0).client_id;
        let app = connection.as_str().into();
        self.client().grant_consent_to_scope(&app, "okta.users.manage").await.unwrap();
        self.client().assign_role_to_client(&app, "HELP_DESK_ADMIN").await.unwrap();
        let hook = self.client().list_event_hooks().try_collect::<Vec<Named>>().await.unwrap().remove(0).id;
        self.call(http::Method::POST, &["eventHooks", &hook, "lifecycle", "deactivate"], None).await;
    }

    /// Damages the tenants.
    async fn damage_tenants(&self) {
        let client = self.client();
        // The IdP of acme accepts anybody, and its certificate ends in ten days.
        let mut idp = self.idp("acme").await;
        let kid = json!(self.ending_certificate().await);
        *idp.other["protocol"].pointer_mut("/credentials/trust/kid").unwrap() = kid;
        idp.other["policy"]["subject"]["filter"] = "".into();
        client.replace_identity_provider(&idp).await.unwrap();
        client.activate_identity_provider(&idp.id).await.unwrap();
        // The domains of globex have no rule.
        let mut globex = self.idp("globex").await;
        globex.other["policy"]["subject"]["filter"] = json!(subject_filter(&["globex.test"]));
        client.replace_identity_provider(&globex).await.unwrap();
        client.activate_identity_provider(&globex.id).await.unwrap();
        let (policy, rules) = routing(client).await.unwrap();
        let policy = policy.unwrap();
        for rule in rules.iter().filter(|rule| rule.routes_to(globex.id.as_str())) {
            client.delete_policy_rule(&policy, &rule.id).await.unwrap();
        }
        // A rule of ours leads nowhere, and one for everybody stands above it.
        self.test.emulator.insert_rule("DAC_gone", "0oa1gone000000000001", true, &["gone.test"]);
        let rule = NewPolicyRule {
            name: "Everybody".to_owned(),
            kind: "IDP_DISCOVERY",
            conditions: json!({ "userIdentifier": { "type": "IDENTIFIER", "patterns": [] } }),
            actions: json!({ "idp": { "providers": [{ "type": "SAML2", "id": idp.id }] } }),
            priority: Some(1),
        };
        client.create_policy_rule(&policy, &rule, true).await.unwrap();
        // A hand edited the record of globex.
        let admins = self.group("ADMINS_globex").await;
        let profile = GroupProfile { description: "the admins".to_owned(), ..admins.profile };
        client.replace_group(&admins.id, &profile).await.unwrap();
        // The role of acme's admins is for the whole org.
        let admins = self.group("ADMINS_acme").await;
        client.unassign_role_from_group(&admins.id, &RoleAssignmentId::user_admin()).await.unwrap();
        client.assign_role_to_group(&admins.id, "USER_ADMIN").await.unwrap();
        // A tenant that nobody finished.
        let record = AdminsDescription { creating: Some("run".to_owned()), ..AdminsDescription::default() };
        client.add_group(&GroupProfile::new("ADMINS_hooli".to_owned(), record.to_text())).await.unwrap();
    }

    /// Key id of a certificate that ends ten days after everything else of the test.
    async fn ending_certificate(&self) -> String {
        let pair = rcgen::KeyPair::generate().unwrap();
        let mut certificate = rcgen::CertificateParams::default();
        let end = Timestamp::now() + SignedDuration::from_hours(101 * 24);
        certificate.not_after = SystemTime::from(end).into();
        let x5c = BASE64_STANDARD.encode(certificate.self_signed(&pair).unwrap().der());
        self.client().create_identity_provider_key(&x5c).await.unwrap().kid.to_string()
    }
}

fn codes<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> BTreeSet<&'static str> {
    findings.into_iter().map(|finding| finding.code).collect()
}

#[tokio::test]
async fn a_whole_org_has_no_findings() {
    let org = Org::start().await;
    let before = org.test.emulator.snapshot();
    assert_eq!(org.findings(false).await, []);
    assert_eq!(org.test.emulator.snapshot(), before);
}

#[tokio::test]
async fn every_damage_is_found_and_what_is_safe_is_fixed() {
    let mut org = Org::start().await;
    org.damage_org().await;
    org.damage_tenants().await;
    org.report.issuer = "https://other.example.test/oauth2/aus1".to_owned();
    // A token that nobody uses for a month ends.
    for _ in 0..4 {
        org.let_time_pass(24 * 86_400);
        org.client().get_user("me").await.unwrap();
    }
    let before = org.test.emulator.snapshot();
    let found = org.findings(false).await;
    assert_eq!(codes(&found), BTreeSet::from(DAMAGE), "{found:#?}");
    assert_eq!(org.test.emulator.snapshot(), before, "nothing is changed");
    assert_eq!(codes(found.iter().filter(|finding| finding.fixable)), BTreeSet::from(FIXED), "{found:#?}");
    // The most dangerous first, each with its cure.
    assert_eq!([found[0].code, found[1].code], ["imported-group", "role-without-target"]);
    assert!(found.iter().all(|finding| !finding.cure.is_empty() && !finding.fixed), "{found:#?}");

    let fixed = org.findings(true).await;
    assert_eq!(codes(fixed.iter().filter(|finding| finding.fixed)), BTreeSet::from(FIXED), "{fixed:#?}");
    org.let_time_pass(120);
    let left = org.findings(true).await;
    let others: BTreeSet<&str> = BTreeSet::from(DAMAGE).difference(&BTreeSet::from(FIXED)).copied().collect();
    assert_eq!(codes(&left), others, "{left:#?}");
    // Nothing else was changed.
    let now = org.test.emulator.snapshot();
    for kind in ["groups", "apps", "idps", "users", "event_hooks", "trusted_origins", "idp_keys", "rules"] {
        assert_eq!(now[kind], before[kind], "{kind}");
    }
}

/// An object that stands in the way of setup: nothing is made beside it.
#[tokio::test]
async fn what_is_wrong_is_a_persons_decision() {
    let org = Org::start().await;
    let server = org.server().await;
    let claim = org.claim(&server).await;
    let body = json!({
        "name": "tenants", "claimType": claim.text("claimType"), "valueType": "EXPRESSION",
        "value": "user.department", "status": "ACTIVE", "alwaysIncludeInToken": true,
        "conditions": { "scopes": ["dac.admin", "dac.respond"] },
    });
    org.call(http::Method::PUT, &["authorizationServers", &server, "claims", &claim.id], Some(body)).await;
    org.delete_scope(&server).await;
    let found = org.findings(true).await;
    assert_eq!(codes(&found), BTreeSet::from(["lacking", "wrong"]), "{found:#?}");
    assert!(found.iter().all(|finding| !finding.fixable && !finding.fixed), "{found:#?}");
    // Without `--adopt`, objects of the demo org are somebody else's.
    let asked = Asked { adopt: false, ..org.asked(false) };
    assert!(codes(&examine(org.client(), &asked).await.unwrap()).contains("foreign"));
}

#[tokio::test]
async fn an_org_that_nobody_prepared_has_one_finding() {
    let seed = Seed::parse(DEMO_ORG).unwrap().unprepared();
    let token = ApiToken::from(seed.api_token.token.clone());
    let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
    let client = Client::new(OrgUrl::parse(&emulator.url()).unwrap(), token).unwrap();
    emulator.catch_up();
    let found = examine(&client, &Asked { fix: true, ..Asked::default() }).await.unwrap();
    assert_eq!(codes(&found), BTreeSet::from(["not-prepared"]), "{found:#?}");
}

/// A group that is there and empty would be deleted and made anew, and one with members would get
/// their rights: both are a person's decision.
#[tokio::test]
async fn what_would_delete_or_give_rights_is_not_fixed() {
    let org = Org::start().await;
    let app = org.report.app_id.as_str().into();
    let group = org.group("RESPONDERS").await.id;
    org.client().unassign_application_from_group(&app, &group).await.unwrap();
    let before = org.test.emulator.snapshot();
    let found = org.findings(true).await;
    assert_eq!(codes(&found), BTreeSet::from(["wrong"]), "{found:#?}");
    assert!(found[0].detail.contains("assign RESPONDERS to the app") && !found[0].fixable, "{found:#?}");
    assert_eq!(org.test.emulator.snapshot(), before);
    // A name in other letters gives no rights, and a rule for one app takes nobody's users.
    org.client().assign_group_to_application(&app, &ApplicationGroupAssignment::of(group)).await.unwrap();
    org.test.emulator.insert_imported_group("Admins_HR", &[]);
    org.test.emulator.catch_up();
    assert_eq!(org.findings(false).await, []);
}
