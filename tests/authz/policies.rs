//! Policies against the model, evaluated as API Gateway does.

use authorizer::{Claims, MAX_RESULT_BYTES, authorize};
use domain::Caller;
use gateway::{Decision, evaluate};
use operations::{Access, Http, OPERATIONS, Operation, Routes, Trigger};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::model::{TABLE, allowed};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];
const STAGE: &str = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1";

/// Names of tenants: ordinary ones that begin alike, old ones, hostile ones.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["acme", "acme2", "acme-3", "globex", "a"]).prop_map(String::from),
        1 => prop::sample::select(vec!["acme_corp", "Acme Corp", "acme@corp", "ÄCME", "acme.corp", "%41cme"]).prop_map(String::from),
        1 => prop::sample::select(vec!["*", "a*", "acme?", "acme:evil", "acme/apps", "", "..", "${x}", "\\", "\"", "a\u{0}b", "acme\n"]).prop_map(String::from),
        1 => any::<String>(),
    ]
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["0oa1", "0oa2", "00g1", "00g2"]).prop_map(String::from),
        1 => prop::sample::select(vec!["*", "", "0oa1:x", "0oa?", "0oa/1"]).prop_map(String::from),
    ]
}

fn element() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => (id(), name(), id()).prop_map(|(idp, name, users)| json!(format!("{idp}:{name}:{users}"))),
        1 => any::<String>().prop_map(Value::from),
        1 => prop::sample::select(vec![json!(7), json!(null), json!([]), json!({"a": 1})]),
    ]
}

fn group() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => name().prop_map(|name| json!(format!("ADMINS_{name}"))),
        1 => name().prop_map(|name| json!(format!("USERS_{name}"))),
        1 => prop::sample::select(vec![json!("SUPERUSERS"), json!("superusers"), json!("SUPERUSERS "), json!("RESPONDERS"), json!(1)]),
    ]
}

fn claims() -> impl Strategy<Value = Value> {
    let scopes = prop::sample::select(vec![
        json!(["dac.admin"]),
        json!(["dac.admin"]),
        json!(["managed.access"]),
        json!(["dac.admin", "managed.access"]),
        json!(["dac.respond"]),
        json!(["dac.respond", "dac.admin"]),
    ]);
    (vec(element(), 0..5), vec(group(), 0..5), prop::bool::weighted(0.2), scopes).prop_map(
        |(tenants, groups, on_behalf, scp)| {
            json!({ "tenants": tenants, "groups": groups, "on_behalf": on_behalf, "scp": scp })
        },
    )
}

/// A path: its segments as text, and encoded as a client sends them.
fn path() -> impl Strategy<Value = Vec<String>> {
    let other = prop::sample::select(vec!["00u1", "0oa1", "0oa2", "*", "x"]).prop_map(String::from);
    let fixed = |words: &'static [&'static str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let third =
        prop::sample::select(vec!["admins", "apps", "domains", "responses", "*"]).prop_map(String::from);
    prop_oneof![
        Just(fixed(&["tenants"])),
        Just(fixed(&["apps"])),
        Just(fixed(&["nothing"])),
        Just(fixed(&["agent"])),
        Just(fixed(&["delegator", "agents"])),
        Just(fixed(&["delegator", "agents", "add"])),
        Just(fixed(&["delegator", "events"])),
        Just(fixed(&["tokenEnrichment", "agent"])),
        Just(fixed(&["responses"])),
        other.clone().prop_map(|o| vec!["responses".to_owned(), o]),
        other.clone().prop_map(|o| vec!["responses".to_owned(), o, "lift".to_owned()]),
        name().prop_map(|n| vec!["tenants".to_owned(), n]),
        (name(), third.clone()).prop_map(|(n, t)| vec!["tenants".to_owned(), n, t]),
        (name(), third, other.clone()).prop_map(|(n, t, o)| vec!["tenants".to_owned(), n, t, o]),
        (other.clone(), name()).prop_map(|(o, n)| vec!["apps".to_owned(), o, "tenants".to_owned(), n]),
        other.clone().prop_map(|o| vec!["apps".to_owned(), o]),
        other.prop_map(|o| vec!["idps".to_owned(), o]),
    ]
}

/// As a browser encodes a segment: everything but unreserved characters, so
/// that `/`, `?` and `*` are encoded, too.
fn encoded(segments: &[String]) -> String {
    let encode = |segment: &String| -> String {
        segment
            .bytes()
            .map(|b| {
                if b.is_ascii_alphanumeric() || b"-._~@".contains(&b) {
                    char::from(b).to_string()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect()
    };
    segments.iter().map(|segment| format!("/{}", encode(segment))).collect()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(String::from).collect()
}

fn verified(claims: &Value) -> Claims {
    let caller = Caller::new(
        "00u1",
        &strings(&claims["tenants"]),
        &strings(&claims["groups"]),
        claims["on_behalf"] == true,
    );
    let caller = match claims["scp"].as_array() {
        Some(_) => caller.with_token("client", &strings(&claims["scp"])),
        None => caller,
    };
    Claims { subject: "somebody@demo.test".to_owned(), issued: 0, expires: i64::MAX, caller }
}

fn policy(claims: &Value, method: &str, path: &str) -> Value {
    json!(
        authorize(&Routes::new(TABLE), &verified(claims), &format!("{STAGE}/{method}{path}"), path)
            .policy_document
    )
}

fn decision(policy: &Value, method: &str, path: &str) -> bool {
    evaluate(policy, &format!("{STAGE}/{method}{path}")) == Decision::Allow
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    /// Nothing is allowed that the model does not allow, and everything that
    /// it does; for the method that was asked about and for every other one
    /// that the kept policy will be applied to.
    #[test]
    fn decisions_are_those_of_the_model(claims in claims(), path in path(), asked in 0..METHODS.len()) {
        let sent = encoded(&path);
        let policy = policy(&claims, METHODS[asked], &sent);
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        for method in METHODS {
            prop_assert_eq!(
                decision(&policy, method, &sent),
                allowed(&claims, method, &segments),
                "{} {} {} {}", method, sent, claims, policy
            );
        }
    }

    /// The policy of one path allows nothing on any other.
    #[test]
    fn a_policy_never_reaches_another_path(claims in claims(), one in path(), other in path()) {
        prop_assume!(one != other);
        let policy = policy(&claims, "GET", &encoded(&one));
        for method in METHODS {
            prop_assert!(!decision(&policy, method, &encoded(&other)), "{} {:?}", policy, other);
        }
    }

    /// Paths that no browser sends: raw special characters.
    #[test]
    fn raw_paths_widen_nothing(claims in claims(), path in "/(tenants|idps|apps)/[a-z*?$:/{}%.]{0,8}") {
        let policy = policy(&claims, "GET", &path);
        let allows = policy["Statement"][0]["Effect"] == "Allow";
        let resources = strings(&policy["Statement"][0]["Resource"]);
        prop_assert!(!allows || !resources.iter().any(|r| r.contains(['*', '?', '$'])), "{}", policy);
    }

    /// Order and duplicates of claims do not matter.
    #[test]
    fn order_and_duplicates_do_not_matter(claims in claims(), path in path()) {
        let turned = |value: &Value| -> Value {
            let mut elements = value.as_array().unwrap().clone();
            elements.reverse();
            let twice = elements.clone();
            elements.extend(twice);
            elements.into()
        };
        let other = json!({
            "tenants": turned(&claims["tenants"]), "groups": turned(&claims["groups"]), "on_behalf": claims["on_behalf"],
            "scp": turned(&claims["scp"]),
        });
        let sent = encoded(&path);
        prop_assert_eq!(policy(&claims, "GET", &sent), policy(&other, "GET", &sent));
    }
}

/// AUZ-09: for as many tenants as fit into a token that fits into the headers.
#[test]
fn auz_09_the_answer_fits_into_8_kib() {
    for name_length in [2_usize, 10, 50] {
        let mut claims = json!({ "tenants": [], "groups": [] });
        // Base64 makes 4 characters of 3 bytes; header, other claims and signature take the rest.
        for n in 0.. {
            let name = format!("{n:0>name_length$}");
            let mut more = claims.clone();
            let push =
                |value: &mut Value, element: String| value.as_array_mut().unwrap().push(element.into());
            push(&mut more["tenants"], format!("0oa{n:0>17}:{name}:00g{n:0>17}"));
            push(&mut more["groups"], format!("ADMINS_{name}"));
            if (more.to_string().len() + 400) * 4 / 3 + 450 > 10_240 {
                break;
            }
            claims = more;
        }
        let claims = verified(&claims);
        let count = claims.caller.tenants.len();
        assert!(count >= 40, "{count}");
        for path in ["/apps", "/tenants/00"] {
            let answer = authorize(&Routes::new(TABLE), &claims, &format!("{STAGE}/GET{path}"), path);
            let size = serde_json::to_string(&answer).unwrap().len();
            assert!(size <= MAX_RESULT_BYTES, "{count} tenants: {size} bytes");
        }
        let apps = authorize(&Routes::new(TABLE), &claims, &format!("{STAGE}/GET/apps"), "/apps");
        assert_eq!(apps.policy_document.effect(), "Allow", "{count} tenants");
    }
}

/// AUZ-17: what the policy says, to the letter.
#[test]
fn auz_17_a_policy_as_it_is() {
    let claims = json!({ "tenants": ["0oa1:acme:00g1"], "groups": ["ADMINS_acme"] });
    let answer = authorize(
        &Routes::new(TABLE),
        &verified(&claims),
        &format!("{STAGE}/GET/tenants/acme"),
        "/tenants/acme",
    );
    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        json!({
            "principalId": "00u1",
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": "execute-api:Invoke", "Effect": "Allow",
                    "Resource": [format!("{STAGE}/GET/tenants/acme")],
                }],
            },
            "context": {
                "sub": "somebody@demo.test", "uid": "00u1", "tenants": "[\"0oa1:acme:00g1\"]",
                "groups": "[\"ADMINS_acme\"]", "onBehalf": "false",
                "exp": i64::MAX.to_string(), "iat": "0", "cid": "", "scp": "[\"dac.admin\"]",
            },
        })
    );
}

/// One path has one spelling: others would be kept beside it.
#[test]
fn paths_that_are_not_spelled_canonically_are_denied() {
    let claims = json!({ "groups": ["SUPERUSERS"], "tenants": [] });
    for (path, allowed) in [
        ("/tenants/acme%20corp", true),
        ("/tenants/%C3%84CME", true),
        ("/tenants/acme", true),
        ("/tenants/%61cme", false),
        ("/tenants/acme%2D2", false),
        ("/tenants/%c3%84CME", false),
        ("/%74enants/acme", false),
    ] {
        let effect = policy(&claims, "GET", path)["Statement"][0]["Effect"].clone();
        assert_eq!(effect == "Allow", allowed, "{path}");
    }
}

/// AUZ-01: paths that nobody knows.
#[test]
fn auz_01_unknown_paths_are_denied_even_to_superusers() {
    let claims = json!({ "groups": ["SUPERUSERS"], "tenants": [] });
    for path in [
        "/",
        "",
        "/nothing",
        "/tenants/",
        "/tenants/acme/",
        "//tenants",
        "/v1/tenants",
        "/tenants/acme/admins/x/y",
    ] {
        let policy = policy(&claims, "GET", path);
        assert_eq!(policy["Statement"][0]["Effect"], "Deny", "{path}");
    }
}

/// The routes that the model knows are those of the product, and more to come.
#[test]
fn the_product_is_part_of_what_is_compared() {
    for operation in OPERATIONS.iter().filter(|operation| operation.route().is_some()) {
        let known = TABLE.iter().find(|known| known.name == operation.name);
        let known = known.unwrap_or_else(|| {
            panic!("add {} to tests/authz/model.rs, and its route to `allowed`", operation.name)
        });
        let access = |operation: &Operation| operation.http().map(|http| http.access);
        assert_eq!(known.route(), operation.route(), "{}", operation.name);
        assert_eq!(access(known), access(operation), "{}", operation.name);
    }
}

/// A table that gives one right too many is found by the same comparison.
#[test]
fn a_widened_table_is_found() {
    for (name, access) in [
        ("list-tenants", Access::AnyUser),
        ("delete-tenant", Access::TenantAdmin),
        ("get-tenant", Access::AnyUser),
        ("update-idp", Access::AnyUser),
        ("get-tenant", Access::Superuser),
        ("start-delegation", Access::AnyUser),
        ("list-apps", Access::ManagedAccess),
    ] {
        let table: Vec<Operation> = TABLE
            .iter()
            .map(|entry| match entry.trigger {
                Trigger::Http(http) if entry.name == name => {
                    Operation { trigger: Trigger::Http(Http { access, ..http }), ..*entry }
                }
                _ => *entry,
            })
            .collect();
        let config = ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let same = runner.run(&(claims(), path()), |(claims, path)| {
            let sent = encoded(&path);
            let segments: Vec<&str> = path.iter().map(String::as_str).collect();
            let arn = format!("{STAGE}/GET{sent}");
            let policy =
                json!(authorize(&Routes::new(&table), &verified(&claims), &arn, &sent).policy_document);
            for method in METHODS {
                prop_assert_eq!(decision(&policy, method, &sent), allowed(&claims, method, &segments));
            }
            Ok(())
        });
        assert!(same.is_err(), "{name} with {access:?} is not noticed");
    }
}

/// The model can disagree: a policy that is too wide is found.
#[test]
fn the_comparison_can_fail() {
    let wide = json!({ "Version": "2012-10-17", "Statement": [
        { "Action": "execute-api:Invoke", "Effect": "Allow", "Resource": [format!("{STAGE}/*/tenants/acme*")] }
    ] });
    let claims = json!({ "tenants": ["0oa1:acme:00g1"], "groups": ["ADMINS_acme"] });
    assert!(decision(&wide, "GET", "/tenants/acme2") && !allowed(&claims, "GET", &["tenants", "acme2"]));
}
