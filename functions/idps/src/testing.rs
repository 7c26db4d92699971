//! Rules that concern all operations of this package.

mod corpus;
mod field_reports;

use domain::Caller;
use lambda_kit::Endpoint;
use operation_testing::{
    TestOrg, TestRequest, assert_same, converges_after_being_killed, cost, cost_as,
    fails_cleanly_at_every_step, tenant_admin,
};
use operations::ProblemCode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::{GetIdp, GetIdpMetadata, ListIdps, UpdateIdp};

const ACME: &str = "0oa00000000000000011";
const GLOBEX_USERS: &str = "00g00000000000000013";
const GOOD: &str = include_str!("fixtures/good.pem");

fn idp(id: &str) -> TestRequest {
    TestRequest::new().path("idpId", id)
}

fn update(change: &Value) -> TestRequest {
    idp(ACME).body(change)
}

/// Everything that needs a call of its own.
fn everything() -> TestRequest {
    update(&json!({
        "status": "ACTIVE", "x5c": GOOD,
        "protocol": {
            "endpoints": { "sso": { "url": "https://idp.acme.test/sso" } },
            "credentials": { "trust": { "issuer": "https://idp.acme.test" } },
        },
        "policy": { "maxClockSkew": 60_000 },
    }))
}

async fn refused(org: &TestOrg, request: &TestRequest) -> Value {
    let problem = org.call::<UpdateIdp>(request).await.unwrap_err();
    problem.document("id")
}

#[tokio::test]
async fn the_cost_of_each_operation() {
    let org = TestOrg::start().await;
    let admin = tenant_admin(&org, &["acme", "globex"]).await;
    let first = cost::<UpdateIdp>(&org, &everything()).await;
    let costs = [
        cost::<ListIdps>(&org, &TestRequest::new()).await,
        cost_as::<ListIdps>(admin, &org, &TestRequest::new()).await,
        cost::<GetIdp>(&org, &idp(ACME)).await,
        cost::<GetIdpMetadata>(&org, &idp(ACME)).await,
        first,
    ];
    // The heads of the files say the same.
    assert_eq!(costs, [(2, 2), (3, 2), (2, 2), (2, 1), (6, 5)]);
}

#[tokio::test]
async fn update_idp_fails_cleanly_at_every_step() {
    fails_cleanly_at_every_step::<UpdateIdp>(&everything(), async |_| {}).await;
    converges_after_being_killed::<UpdateIdp>(&everything(), async |_| {}).await;
    // The certificate that stays is read for the answer: not after the change.
    let other = update(&json!({ "status": "INACTIVE", "policy": { "maxClockSkew": 90_000 } }));
    let with_own_key = async |org: &TestOrg| drop(org.call::<UpdateIdp>(&everything()).await.unwrap());
    fails_cleanly_at_every_step::<UpdateIdp>(&other, with_own_key).await;
}

#[tokio::test]
async fn an_idp_from_the_placeholder_to_another_certificate() {
    let org = TestOrg::start().await;
    let before = org.call::<GetIdp>(&idp(ACME)).await.unwrap();
    assert_eq!((before.get("x5c"), &before["name"]), (None, &json!("acme")));
    let links: Vec<&String> = before["_links"].as_object().unwrap().keys().collect();
    assert_eq!(links, ["acs"]);
    let updated = org.call::<UpdateIdp>(&everything()).await.unwrap();
    assert_eq!((&updated["status"], &updated["policy"]["maxClockSkew"]), (&json!("ACTIVE"), &json!(60_000)));
    assert_eq!(updated["protocol"]["endpoints"]["sso"]["destination"], "https://idp.acme.test/sso");
    let read = org.call::<GetIdp>(&idp(ACME)).await.unwrap();
    let without_time = |mut idp: Value| {
        idp["lastUpdated"] = Value::Null;
        idp
    };
    assert_eq!(without_time(read.clone()), without_time(updated));
    // What was read can be sent back, and changes nothing.
    let snapshot = org.emulator.stable_snapshot();
    org.call::<UpdateIdp>(&update(&read)).await.unwrap();
    assert_same(&org.emulator.stable_snapshot(), &snapshot, "the org");
    // The certificate that is not trusted any more goes; idp_09: one that is known is not uploaded again.
    org.call::<UpdateIdp>(&update(&json!({ "x5c": include_str!("fixtures/ec.pem") }))).await.unwrap();
    let keys = org.emulator.snapshot()["idp_keys"].as_object().unwrap().len();
    assert_eq!(keys, 2, "the placeholder and the new one");
    let globex = idp("0oa00000000000000014").body(&json!({ "x5c": include_str!("fixtures/ec.pem") }));
    org.call::<UpdateIdp>(&globex).await.unwrap();
    assert_eq!(org.emulator.snapshot()["idp_keys"].as_object().unwrap().len(), 2);
    // One that another IdP trusts stays.
    org.call::<UpdateIdp>(&update(&json!({ "x5c": GOOD }))).await.unwrap();
    assert_eq!(org.emulator.snapshot()["idp_keys"].as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn everybody_sees_what_is_theirs() {
    let org = TestOrg::start().await;
    let list = async |caller: Caller| org.call_as::<ListIdps>(caller, &TestRequest::new()).await.unwrap();
    assert_eq!(list(Caller::new("00u1", &[], &[], false)).await, json!([]), "idp_06");
    let own = list(tenant_admin(&org, &["acme"]).await).await;
    assert_eq!((own.as_array().unwrap().len(), &own[0]["name"]), (1, &json!("acme")));
    assert_eq!(own[0], org.call::<GetIdp>(&idp(ACME)).await.unwrap());
    let all = org.call::<ListIdps>(&TestRequest::new()).await.unwrap();
    assert_eq!(all.as_array().unwrap().len(), 2);
}

/// IdPs that are no tenants', also of other types and without what ours have.
#[tokio::test]
async fn idp_07_other_idps_are_not_ours() {
    let org = TestOrg::start().await;
    let other = org
        .prepare("POST", "/api/v1/idps", json!({
            "type": "OIDC", "name": "Partner", "protocol": { "type": "OIDC" },
            "policy": { "provisioning": { "action": "AUTO" }, "subject": { "matchType": "USERNAME", "userNameTemplate": { "template": "idpuser.email" } } },
        }))
        .await;
    let id = other["id"].as_str().unwrap();
    assert_eq!(org.call::<ListIdps>(&TestRequest::new()).await.unwrap().as_array().unwrap().len(), 2);
    for code in [
        org.call::<GetIdp>(&idp(id)).await.unwrap_err().code(),
        org.call::<GetIdpMetadata>(&idp(id)).await.unwrap_err().code(),
        org.call::<UpdateIdp>(&idp(id).body(&json!({ "status": "INACTIVE" }))).await.unwrap_err().code(),
        org.call::<GetIdp>(&idp("0oanobody")).await.unwrap_err().code(),
    ] {
        assert_eq!(code, ProblemCode::IdpNotFound);
    }
}

#[tokio::test]
async fn five_tenants_are_listed_in_two_rows() {
    let names = ["acme", "globex", "initech", "umbrella", "hooli"];
    let org = TestOrg::start_with(|seed| {
        for name in &names[2..] {
            let mut tenant = seed.tenants[0].clone();
            (tenant.name, tenant.apps) = ((*name).to_owned(), Vec::new());
            seed.tenants.push(tenant);
        }
    })
    .await;
    let admin = tenant_admin(&org, &names).await;
    let (calls, in_a_row) = cost_as::<ListIdps>(admin, &org, &TestRequest::new()).await;
    assert!(calls <= 10 && in_a_row <= 2, "{calls} {in_a_row}");
}

#[tokio::test]
async fn metadata_are_oktas_bytes() {
    let org = TestOrg::start().await;
    let expected = org.okta().get_identity_provider_metadata(&ACME.into()).await.unwrap();
    let input = org.input::<GetIdpMetadata>(&idp(ACME));
    let answer = org.endpoint::<GetIdpMetadata>().call(&org.context(), input).await;
    assert_eq!(answer.ok().unwrap().bytes(), Some(expected.as_slice()));
}

/// A certificate of the year 2020.
fn expired() -> String {
    let mut certificate = rcgen::CertificateParams::default();
    certificate.not_before = rcgen::date_time_ymd(2020, 1, 1);
    certificate.not_after = rcgen::date_time_ymd(2021, 1, 1);
    certificate.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}

/// A certificate with the name of the placeholder, which would be taken for it.
fn called_placeholder() -> String {
    let mut certificate = rcgen::CertificateParams::default();
    certificate.distinguished_name.push(rcgen::DnType::CommonName, domain::PLACEHOLDER);
    certificate.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}

#[tokio::test]
async fn certificates_that_may_not_be_trusted() {
    let org = TestOrg::start().await;
    let before = org.emulator.stable_snapshot();
    for (certificate, reason) in [
        (include_str!("fixtures/rsa-1024.pem"), "RSA key of 1024 bits"),
        (include_str!("fixtures/ec-224.pem"), "224 bits"),
        (include_str!("fixtures/ed25519.pem"), "neither RSA nor"),
        (&expired(), "has expired"),
        (&called_placeholder(), "okta-dac's own"),
        ("-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----", "must be a certificate"),
        ("nonsense", "must be a certificate"),
        (&format!("{GOOD}{GOOD}"), "one certificate"),
    ] {
        let problem = refused(&org, &update(&json!({ "x5c": certificate }))).await;
        assert_eq!(problem["status"], 400, "{problem}");
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], "/x5c");
        assert!(error["detail"].as_str().unwrap().contains(reason), "{reason}: {problem}");
    }
    let several = refused(&org, &update(&json!({ "x5c": [GOOD, GOOD] }))).await;
    assert_eq!(several["errors"][0]["detail"], "must hold one certificate");
    // Before its time.
    org.emulator.configure(|settings| settings.clock_offset_ms = -20 * 365 * 86_400_000);
    let early = refused(&org, &update(&json!({ "x5c": GOOD }))).await;
    assert!(early["detail"].as_str().unwrap().contains("not valid yet"), "{early}");
    org.emulator.configure(|settings| settings.clock_offset_ms = 0);
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
}

#[tokio::test]
async fn values_that_are_refused() {
    let org = TestOrg::start().await;
    let before = org.emulator.arrivals();
    for (pointer, value) in [
        ("/status", json!("DELETED")),
        ("/protocol/endpoints/sso/url", json!("http://idp.acme.test")),
        ("/protocol/endpoints/sso/url", json!("https://user:secret@idp.acme.test")),
        ("/protocol/endpoints/sso/url", json!(7)),
        ("/protocol/endpoints/sso/binding", json!("PAOS")),
        ("/protocol/algorithms/response/signature/scope", json!("NONE")),
        ("/protocol/algorithms/response/signature/algorithm", json!("SHA-1")),
        ("/protocol/settings/nameFormat", json!("x")),
        ("/protocol/credentials/trust/issuer", json!("")),
        ("/policy/maxClockSkew", json!(3_600_000)),
        ("/policy/subject/userNameTemplate/template", json!("\"superuser@demo.test\"")),
        ("/policy/subject/userNameTemplate/template", json!("idpuser.email + \"x\"")),
        ("/policy/subject/matchType", json!("CUSTOM_ATTRIBUTE")),
    ] {
        let problem = refused(&org, &update(&nested(pointer, value.clone()))).await;
        assert_eq!(
            (&problem["status"], &problem["errors"][0]["pointer"]),
            (&json!(400), &json!(pointer)),
            "{value}"
        );
    }
    assert_eq!(org.emulator.arrivals(), before, "before anything is asked of Okta");
}

#[tokio::test]
async fn idp_01_idp_02_idp_03_idp_08_what_is_not_the_admins() {
    let org = TestOrg::start().await;
    let before = org.emulator.stable_snapshot();
    for (pointer, value) in [
        ("/name", json!("zoo")),
        ("/name", json!("DAC_zoo")),
        ("/id", json!("0oaother")),
        ("/type", json!("OIDC")),
        ("/policy/provisioning/groups/assignments", json!(["00gsuperusers"])),
        ("/policy/provisioning/groups/action", json!("SYNC")),
        ("/policy/accountLink/filter", Value::Null),
        ("/policy/accountLink/filter/users/excludeAdmins", json!(false)),
        ("/policy/accountLink/action", json!("DISABLED")),
        ("/policy/subject/filter", json!(".*")),
        ("/policy/trustClaims", json!(true)),
        ("/protocol/credentials/trust/kid", json!("another")),
        ("/protocol/endpoints/acs/type", json!("ORG")),
        ("/protocol/settings/honorPersistentNameId", json!(true)),
        ("/protocol/endpoints/sso", json!("https://idp.acme.test")),
        ("/x~1y", json!(1)),
    ] {
        let problem = refused(&org, &update(&nested(pointer, value))).await;
        assert_eq!(
            (&problem["status"], &problem["code"]),
            (&json!(403), &json!("member-not-editable")),
            "{pointer}"
        );
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
}

/// An object with one member at a pointer.
fn nested(pointer: &str, value: Value) -> Value {
    pointer
        .rsplit('/')
        .filter(|name| !name.is_empty())
        .fold(value, |inner, name| json!({ (name.replace("~1", "/").replace("~0", "~")): inner }))
}

/// What an admin may change, written down once more.
const EDITABLE: [&str; 14] = [
    "/status",
    "/protocol/endpoints/sso/url",
    "/protocol/endpoints/sso/binding",
    "/protocol/endpoints/sso/destination",
    "/protocol/algorithms/request/signature/algorithm",
    "/protocol/algorithms/request/signature/scope",
    "/protocol/algorithms/response/signature/algorithm",
    "/protocol/algorithms/response/signature/scope",
    "/protocol/settings/nameFormat",
    "/protocol/credentials/trust/issuer",
    "/protocol/credentials/trust/audience",
    "/policy/maxClockSkew",
    "/policy/provisioning/action",
    "/policy/subject/matchType",
];

/// Payloads of a hostile admin: members of an IdP and members that Okta knows
/// besides, at their places or elsewhere, with values that mean something.
fn hostile() -> impl Strategy<Value = Value> {
    let pointer = prop_oneof![
        Just("/name"),
        Just("/id"),
        Just("/type"),
        Just("/status"),
        Just("/issuerMode"),
        Just("/x5c"),
        Just("/policy"),
        Just("/policy/provisioning"),
        Just("/policy/provisioning/action"),
        Just("/policy/provisioning/profileMaster"),
        Just("/policy/provisioning/groups"),
        Just("/policy/provisioning/groups/action"),
        Just("/policy/provisioning/groups/assignments"),
        Just("/policy/provisioning/groups/filter"),
        Just("/policy/provisioning/conditions/suspended/action"),
        Just("/policy/accountLink"),
        Just("/policy/accountLink/action"),
        Just("/policy/accountLink/filter"),
        Just("/policy/accountLink/filter/groups/include"),
        Just("/policy/accountLink/filter/users/excludeAdmins"),
        Just("/policy/subject"),
        Just("/policy/subject/filter"),
        Just("/policy/subject/matchType"),
        Just("/policy/subject/matchAttribute"),
        Just("/policy/subject/userNameTemplate/template"),
        Just("/policy/trustClaims"),
        Just("/policy/maxClockSkew"),
        Just("/protocol"),
        Just("/protocol/type"),
        Just("/protocol/endpoints"),
        Just("/protocol/endpoints/sso"),
        Just("/protocol/endpoints/acs/type"),
        Just("/protocol/endpoints/sso/url"),
        Just("/protocol/endpoints/slo/url"),
        Just("/protocol/algorithms"),
        Just("/protocol/algorithms/response/signature/scope"),
        Just("/protocol/settings"),
        Just("/protocol/credentials"),
        Just("/protocol/credentials/trust"),
        Just("/protocol/credentials/trust/kid"),
        Just("/protocol/credentials/signing/kid"),
        Just("/_links"),
        Just("/created"),
    ];
    let value = prop_oneof![
        Just(Value::Null),
        Just(json!("")),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!(0)),
        Just(json!([])),
        Just(json!({})),
        Just(json!("AUTO")),
        Just(json!("NONE")),
        Just(json!("SYNC")),
        Just(json!("APPEND")),
        Just(json!("DAC_globex")),
        Just(json!("globex")),
        Just(json!(["00g00000000000000001", "00g00000000000000013"])),
        Just(json!({ "action": "SYNC", "assignments": ["00g00000000000000001"] })),
        Just(json!({ "filter": null })),
        Just(json!("CUSTOM_ATTRIBUTE")),
        Just(json!("EMAIL")),
        Just(json!("ACTIVE")),
        Just(json!(".*")),
        Just(json!("https://evil.test/sso")),
        Just(json!({ "url": "https://evil.test/sso", "x": 1 })),
        Just(json!({ "signature": { "scope": "NONE" } })),
        Just(json!("String.substring(\"superuser@demo.test\", 0)")),
        "[a-zA-Z_.{}$\"/]{0,20}".prop_map(Value::from),
    ];
    proptest::collection::vec((pointer, value), 1..5).prop_map(|members| {
        let mut body = json!({});
        for (pointer, value) in members {
            let mut at = &mut body;
            for name in pointer.trim_start_matches('/').split('/') {
                if !at.is_object() {
                    *at = json!({});
                }
                at = &mut at[name];
            }
            *at = value;
        }
        body
    })
}

/// No payload changes anything but the editable members, and those only to
/// values that are checked.
#[tokio::test]
async fn idp_01_hostile_payloads_widen_nothing() {
    let org = TestOrg::start().await;
    let without_editable = |mut snapshot: Value| {
        let idp = &mut snapshot["idps"]["idp:DAC_acme"];
        for pointer in EDITABLE {
            if let Some(member) = idp.pointer_mut(pointer) {
                *member = Value::Null;
            }
        }
        snapshot
    };
    let before = without_editable(org.emulator.stable_snapshot());
    let mut runner = TestRunner::deterministic();
    let (strategy, mut accepted) = (hostile(), 0);
    for _ in 0..400 {
        let body = strategy.new_tree(&mut runner).unwrap().current();
        let result = org.call::<UpdateIdp>(&update(&body)).await;
        accepted += usize::from(result.is_ok());
        let now = org.emulator.stable_snapshot();
        let response = &now["idps"]["idp:DAC_acme"]["protocol"]["algorithms"]["response"]["signature"];
        assert_ne!(response["scope"], "NONE", "{body}");
        assert_same(&without_editable(now), &before, &body.to_string());
    }
    assert!(accepted > 10, "{accepted}: also harmless ones were sent");
}

/// The predecessor's IdPs signed in anybody, and its admins could add groups.
#[tokio::test]
async fn ten_18_idp_02_an_idp_that_signs_in_anybody_is_mended_by_the_next_update() {
    let org = TestOrg::start().await;
    let safe = org.emulator.snapshot()["idps"][ACME]["policy"].clone();
    assert_eq!(safe["accountLink"]["filter"]["users"]["excludeAdmins"], true, "{safe}");
    for assignments in [safe["provisioning"]["groups"]["assignments"].clone(), json!([GLOBEX_USERS])] {
        let mut idp = org.okta().get_identity_provider(&ACME.into()).await.unwrap();
        idp.other["policy"]["accountLink"].as_object_mut().unwrap().remove("filter");
        idp.other["policy"]["provisioning"]["groups"]["assignments"] = assignments;
        org.okta().replace_identity_provider(&idp).await.unwrap();
        assert_ne!(org.emulator.snapshot()["idps"][ACME]["policy"], safe);
        org.call::<UpdateIdp>(&update(&json!({ "status": "ACTIVE" }))).await.unwrap();
        assert_eq!(org.emulator.snapshot()["idps"][ACME]["policy"], safe);
    }
}

/// Okta replaces an IdP as a whole: neither change is lost.
#[tokio::test]
async fn two_updates_at_once_are_both_made() {
    let org = TestOrg::start().await;
    for _ in 0..5 {
        org.emulator.reset();
        org.emulator.configure(|settings| settings.latency_ms = 3);
        let skew = update(&json!({ "policy": { "maxClockSkew": 1_000 } }));
        let trust = json!({ "issuer": "https://idp.acme.test" });
        let issuer = update(&json!({ "protocol": { "credentials": { "trust": trust } } }));
        let (one, other) = tokio::join!(org.call::<UpdateIdp>(&skew), org.call::<UpdateIdp>(&issuer));
        assert!(one.is_ok() && other.is_ok(), "{:?} {:?}", one.err(), other.err());
        let snapshot = org.emulator.stable_snapshot();
        let idp = &snapshot["idps"]["idp:DAC_acme"];
        assert_eq!(
            (&idp["policy"]["maxClockSkew"], &idp["protocol"]["credentials"]["trust"]["issuer"]),
            (&json!(1_000), &json!("https://idp.acme.test"))
        );
    }
}
