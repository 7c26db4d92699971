//! An org of the predecessor that is taken over.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::{AdminsDescription, TenantName, subject_filter};
use futures::TryStreamExt;
use okta_client::models::{GroupProfile, Named};
use okta_client::{ApiToken, Client, OrgUrl};
use okta_emulator::{Action, DEMO_ORG, Drop, Emulator, Fault, Options, Seed, TokenRequest};
use org_setup::migrate::{Asked, From, Report, migrate, plan};
use org_setup::plan::Wanted;
use org_setup::setup::setup;
use serde_json::{Value, json};
use tenancy::{group_called, idp_of, routing};

const APP: &str = "0oa1dacapp0000000001";
const SERVER: &str = "aus1dac0000000000001";

/// An org as the predecessor made it: IdPs for anybody, a group of superusers among those that new
/// users become members of, all groups in the claim, a rule with another name, a record that a hand
/// edited, and attributes that the user may write.
async fn org() -> (Emulator, Client) {
    let seed = Seed::parse(DEMO_ORG).unwrap();
    let token = ApiToken::from(seed.api_token.token.clone());
    let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
    let client = Client::new(OrgUrl::parse(&emulator.url()).unwrap(), token).unwrap();
    emulator.catch_up();
    for of in client.list_oauth2_claims(SERVER).try_collect::<Vec<Named>>().await.unwrap() {
        if of.name == "groups" {
            let claim = json!({
                "name": "groups", "claimType": of.text("claimType"), "valueType": "GROUPS", "value": ".*",
                "group_filter_type": "REGEX", "status": "ACTIVE", "alwaysIncludeInToken": true,
                "conditions": { "scopes": [] },
            });
            client.replace_oauth2_claim(SERVER, &of.id, &claim).await.unwrap();
        }
    }
    // The predecessor knew no responders.
    let responders = group_called(&client, "RESPONDERS").await.unwrap().unwrap().id;
    client.delete_group(&responders).await.unwrap();
    let superusers = group_called(&client, "SUPERUSERS").await.unwrap().unwrap().id;
    for name in ["acme", "globex"] {
        let mut idp = idp_of(&client, &TenantName::parse(name).unwrap()).await.unwrap().unwrap();
        let users = group_called(&client, &format!("USERS_{name}")).await.unwrap().unwrap();
        idp.other["policy"]["provisioning"]["groups"]["assignments"] = json!([users.id, superusers]);
        idp.other["policy"]["accountLink"] = json!({ "action": "AUTO" });
        client.replace_identity_provider(&idp).await.unwrap();
        let plain = GroupProfile { description: String::new(), ..users.profile };
        client.replace_group(&users.id, &plain).await.unwrap();
    }
    let admins = group_called(&client, "ADMINS_globex").await.unwrap().unwrap();
    let edited = GroupProfile { description: "the admins of globex".to_owned(), ..admins.profile };
    client.replace_group(&admins.id, &edited).await.unwrap();
    let (policy, rules) = routing(&client).await.unwrap();
    let mut rule = rules.into_iter().find(|rule| rule.name == "DAC_globex").unwrap();
    "Sign-in of globex".clone_into(&mut rule.name);
    client.replace_policy_rule(&policy.unwrap(), &rule).await.unwrap();
    let kind = client.create_user_type(&json!({ "name": "legacy", "displayName": "Legacy" })).await.unwrap();
    let agents = json!({
        "title": "Agents", "type": "array", "items": { "type": "string" },
        "permissions": [{ "principal": "SELF", "action": "READ_WRITE" }],
    });
    let schema = json!({ "definitions": { "custom": { "properties": { "delegatedAgents": agents } } } });
    client.update_user_profile(&kind, &schema).await.unwrap();
    emulator.catch_up();
    emulator.clear_journal();
    (emulator, client)
}

async fn asked(client: &Client, finish: bool) -> Asked {
    Asked { finish, ..Asked::default() }.complete(client, From::OktaDac).await.unwrap()
}

async fn run(client: &Client, finish: bool) -> Report {
    let plan = plan(client, &asked(client, finish).await).await.unwrap();
    migrate(client, plan).await.unwrap()
}

/// What a token of this user says, as the predecessor's functions and ours read it.
fn claims(emulator: &Emulator, login: &str) -> (Value, Value, Value) {
    let request: TokenRequest = serde_json::from_value(json!({ "login": login })).unwrap();
    let token = emulator.access_token(&request).unwrap();
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    (payload["iss"].clone(), payload["tenants"].clone(), payload["groups"].clone())
}

#[tokio::test]
async fn an_org_of_the_predecessor_is_taken_over() {
    let (emulator, client) = org().await;
    let before = emulator.snapshot();
    let planned = plan(&client, &asked(&client, false).await).await.unwrap();
    assert_eq!(emulator.snapshot(), before, "a plan changes nothing");
    let old = claims(&emulator, "admin@globex.test");
    let report = migrate(&client, planned.clone()).await.unwrap();
    assert_eq!((&report.changed, &report.left), (&planned.steps(), &planned.left));
    assert_eq!(report.changed.len(), 10, "{report:#?}");
    emulator.catch_up();
    // Clients of the predecessor get the same tokens from the same issuer.
    assert_eq!(claims(&emulator, "admin@globex.test"), old);
    // Nothing is left to change, and setup completes what is there.
    assert!(run(&client, false).await.changed.is_empty());
    let wanted = Wanted { audience: "api://okta-dac".to_owned(), ..Wanted::default() };
    let prepared = setup(&client, &wanted).await.unwrap();
    assert_eq!((prepared.app_id.as_str(), prepared.issuer.ends_with(SERVER)), (APP, true), "{prepared:?}");
    let made = prepared.made.join(", ");
    assert!(!made.contains("make the app") && !made.contains("make the authorization"), "{made}");
    // Who signs in, and as whom new users come, is the tenant's alone.
    let idp = idp_of(&client, &TenantName::parse("globex").unwrap()).await.unwrap().unwrap();
    let users = group_called(&client, "USERS_globex").await.unwrap().unwrap();
    let policy = &idp.other["policy"];
    assert_eq!(policy["subject"]["filter"], json!(subject_filter(&["globex.test"])));
    assert_eq!(policy["provisioning"]["groups"]["assignments"], json!([users.id]));
    assert_eq!(policy["accountLink"]["filter"]["users"]["excludeAdmins"], true);
    let admins = group_called(&client, "ADMINS_globex").await.unwrap().unwrap();
    let record = AdminsDescription::parse(&admins.profile.description).unwrap();
    assert_eq!(
        (record.tenant_id.as_deref(), record.routing_rule_id.is_some()),
        (Some(idp.id.as_str()), true)
    );
    // Without a verified domain somebody decides.
    assert!(report.left.iter().any(|text| text.contains("acme")), "{report:?}");
    assert!(report.left.iter().any(|text| text.contains("--finish")), "{report:?}");
    // Nobody calls the predecessor any more.
    let finished = run(&client, true).await;
    assert!(finished.changed.iter().all(|text| text.contains("narrow the claim")), "{finished:?}");
    let (issuer, tenants, groups) = claims(&emulator, "admin@globex.test");
    assert_eq!((issuer, tenants, groups), (old.0, old.1, json!(["ADMINS_globex"])));
}

fn faults() -> [Action; 3] {
    [
        Action { status: Some(400), ..Action::default() },
        Action { drop: Some(Drop::Before), ..Action::default() },
        Action { drop: Some(Drop::After), ..Action::default() },
    ]
}

/// Broken at every call by every fault: everything is taken back, or the next run completes it.
#[tokio::test]
async fn a_run_that_breaks_anywhere_is_taken_back_or_completed() {
    let (mut broken, mut taken_back) = (0, 0);
    for finish in [false, true] {
        // What is finished was taken over before.
        let ready = async || {
            let (emulator, client) = org().await;
            if finish {
                run(&client, false).await;
                emulator.catch_up();
                emulator.clear_journal();
            }
            (emulator, client)
        };
        let (emulator, client) = ready().await;
        run(&client, finish).await;
        let (whole, calls) = (shape(&emulator), emulator.journal().len() as u64);
        for (fault, nth) in
            faults().into_iter().flat_map(|fault| (1..=calls).map(move |nth| (fault.clone(), nth)))
        {
            let (emulator, client) = ready().await;
            let (before, asked) = (shape(&emulator), asked(&client, finish).await);
            emulator.order(Fault::on_call(nth, 1, fault.clone()));
            let result = match plan(&client, &asked).await {
                Ok(plan) => migrate(&client, plan).await,
                Err(stop) => Err(stop),
            };
            if let Err(stop) = result {
                broken += 1;
                assert!(stop.left.is_empty(), "{fault:?} at {nth}: {stop}");
                // The changes of the org come first, and are taken back together.
                let of_org = ["authorization server", "the app", "SUPERUSERS", "narrow the claim"];
                if of_org.iter().any(|of| stop.sentence.contains(of)) {
                    taken_back += 1;
                    same(&shape(&emulator), &before, &format!("{fault:?} at {nth}: {stop}"));
                }
            }
            emulator.clear_faults();
            emulator.catch_up();
            run(&client, finish).await;
            same(&shape(&emulator), &whole, &format!("{fault:?} at {nth}"));
        }
    }
    assert!(broken > 20 && taken_back > 5, "{broken} runs broke, {taken_back} were taken back");
}

/// A tenant is suspended, another one has two rules that nobody can tell apart, and one changes
/// while the run is at work.
#[tokio::test]
async fn what_cannot_be_told_is_left_to_a_person() {
    let (emulator, client) = org().await;
    let admins = group_called(&client, "ADMINS_acme").await.unwrap().unwrap();
    let record = AdminsDescription::parse(&admins.profile.description).unwrap();
    let suspended = AdminsDescription { status: Some(domain::TenantStatus::Suspended), ..record };
    let profile = GroupProfile { description: suspended.to_text(), ..admins.profile };
    client.replace_group(&admins.id, &profile).await.unwrap();
    let globex = idp_of(&client, &TenantName::parse("globex").unwrap()).await.unwrap().unwrap();
    for rule in ["One", "Another"] {
        emulator.insert_rule(rule, globex.id.as_str(), true, &["more.test"]);
    }
    // The record and the names are gone: three active rules lead to the IdP.
    let (policy, rules) = routing(&client).await.unwrap();
    let mut pending = rules.into_iter().find(|rule| rule.name == "DAC_globex_unverified").unwrap();
    "Pending".clone_into(&mut pending.name);
    client.replace_policy_rule(&policy.unwrap(), &pending).await.unwrap();
    emulator.catch_up();
    let report = run(&client, false).await;
    assert!(!report.changed.iter().any(|text| text.contains("tenant")), "{report:#?}");
    assert!(report.left.iter().any(|text| text.contains("acme is suspended")), "{report:#?}");
    assert!(report.left.iter().any(|text| text.contains("several rules")), "{report:#?}");

    let (_emulator, client) = org().await;
    let planned = plan(&client, &asked(&client, false).await).await.unwrap();
    let users = group_called(&client, "USERS_acme").await.unwrap().unwrap();
    let other = GroupProfile { description: "changed meanwhile".to_owned(), ..users.profile };
    client.replace_group(&users.id, &other).await.unwrap();
    let stop = migrate(&client, planned).await.unwrap_err();
    assert!(stop.sentence.contains("meanwhile") && stop.left.is_empty(), "{stop}");
    let now = client.get_group(&users.id).await.unwrap();
    assert_eq!(now.profile.description, "changed meanwhile");
}

/// What a migration may change.
fn shape(emulator: &Emulator) -> Vec<(&'static str, Value)> {
    let snapshot = emulator.stable_snapshot();
    let kinds = ["groups", "apps", "authorization_servers", "idps", "policies", "rules", "app_groups"];
    let mut shape: Vec<_> = kinds.iter().map(|kind| (*kind, snapshot[*kind].clone())).collect();
    // Each server has an address and keys of its own.
    for (_, servers) in shape.iter_mut().filter(|(kind, _)| *kind == "authorization_servers") {
        for server in servers.as_object_mut().unwrap().values_mut() {
            let object = &server["object"];
            *server = json!([server["claims"], object["name"], object["description"], object["audiences"]]);
        }
    }
    // A default that an app has once it was written.
    for (_, apps) in shape.iter_mut().filter(|(kind, _)| *kind == "apps") {
        for app in apps.as_object_mut().unwrap().values_mut() {
            app.as_object_mut().unwrap().remove("visibility");
        }
    }
    shape
}

fn same(now: &[(&str, Value)], expected: &[(&str, Value)], when: &str) {
    for ((kind, now), (_, expected)) in now.iter().zip(expected) {
        for (id, object) in expected.as_object().into_iter().flatten() {
            for (now, object) in
                now[id].as_array().into_iter().flatten().zip(object.as_array().into_iter().flatten())
            {
                for (name, part) in object.as_object().into_iter().flatten() {
                    assert_eq!(&now[name], part, "{name} of {kind} {id}: {when}");
                }
                assert_eq!(now, object, "part of {kind} {id}: {when}");
            }
            assert_eq!(&now[id], object, "{kind} {id}: {when}");
        }
        assert_eq!(now, expected, "{kind}: {when}");
    }
}

/// okta-managedaccess: a user only reads whom they let act for them.
#[tokio::test]
async fn delegation_of_the_predecessor_is_taken_over() {
    let (emulator, client) = org().await;
    // The demo org has a type of its own.
    let several = Asked::default().complete(&client, From::OktaManagedaccess).await.unwrap_err();
    assert!(
        several.sentence.contains("delegator, legacy") || several.sentence.contains("legacy, delegator"),
        "{several}"
    );
    let asked = Asked { user_type: Some("legacy".to_owned()), ..Asked::default() };
    let asked = asked.complete(&client, From::OktaManagedaccess).await.unwrap();
    let planned = plan(&client, &asked).await.unwrap();
    let report = migrate(&client, planned).await.unwrap();
    assert_eq!(report.changed, ["let users of the type legacy only read delegatedAgents, delegationGrants"]);
    let wanted = Wanted {
        audience: "api://okta-dac".to_owned(),
        adopt: true,
        delegation: true,
        user_type: Some("legacy".to_owned()),
        ..Wanted::default()
    };
    let prepared = setup(&client, &wanted).await.unwrap();
    let kinds = client.list_user_types().await.unwrap();
    let kind = kinds.iter().find(|kind| kind.name == "legacy").unwrap();
    assert_eq!(prepared.delegated_user_type_id.as_deref(), Some(kind.id.as_str()));
    drop(emulator);
}
