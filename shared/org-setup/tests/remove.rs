//! An org from which everything is taken out again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use connections::stop::{Code, Stop};
use futures::TryStreamExt;
use okta_client::models::{ApplicationGroupAssignment, GroupProfile, NewIdentityProvider};
use okta_client::{ApiToken, Client, OrgUrl};
use okta_emulator::{Action, DEMO_ORG, Drop, Emulator, Fault, Options, Seed};
use org_setup::plan::Wanted;
use org_setup::remove::{Report, plan, remove};
use org_setup::setup::setup;
use serde_json::{Value, json};

async fn start(seed: Seed) -> (Emulator, Client) {
    let token = ApiToken::from(seed.api_token.token.clone());
    let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
    let client = Client::new(OrgUrl::parse(&emulator.url()).unwrap(), token).unwrap();
    emulator.catch_up();
    (emulator, client)
}

fn wanted() -> Wanted {
    Wanted {
        origins: vec!["https://app.example.test".to_owned()],
        audience: "api://okta-dac".to_owned(),
        delegation: true,
        ..Wanted::default()
    }
}

/// An org that was prepared, with hooks and two tenants.
async fn prepared() -> (Emulator, Client, Value) {
    let (emulator, client) = start(Seed::parse(DEMO_ORG).unwrap().unprepared()).await;
    let before = objects(&emulator);
    let report = setup(&client, &wanted()).await.unwrap();
    for hook in ["eventHooks", "inlineHooks"] {
        let path = if hook == "eventHooks" { "/v1/events/okta" } else { "/v1/tokenEnrichment/agent" };
        let channel = json!({ "type": "HTTP", "version": "1.0.0", "config": {
            "uri": format!("https://api.example.test{path}"), "method": "POST",
            "authScheme": { "type": "HEADER", "key": "Authorization", "value": "s".repeat(32) },
        } });
        let mut body = json!({ "name": "okta-dac", "channel": channel });
        match hook {
            "eventHooks" => {
                body["events"] = json!({ "type": "EVENT_TYPE", "items": ["user.lifecycle.suspend"] })
            }
            _ => {
                (body["type"], body["version"]) = ("com.okta.oauth2.tokens.transform".into(), "1.0.0".into())
            }
        }
        client.probe(http::Method::POST, &["api", "v1", hook], &[], Some(&body)).await.unwrap();
    }
    for name in ["acme", "globex"] {
        tenant(&client, &report.app_id, &report.placeholder_key_id, name).await;
    }
    emulator.catch_up();
    (emulator, client, before)
}

/// A tenant, with what add-tenant makes, and an app group.
async fn tenant(client: &Client, app: &str, kid: &str, name: &str) {
    let group = async |kind: &str| {
        let profile = GroupProfile::new(format!("{kind}_{name}"), String::new());
        client.add_group(&profile).await.unwrap().id
    };
    let (admins, users) = (group("ADMINS").await, group("USERS").await);
    let app_users = GroupProfile::new(format!("APPUSERS_{name}_0oa1dynamics00000001"), String::new());
    let app_users = client.add_group(&app_users).await.unwrap().id;
    let assignment = ApplicationGroupAssignment::of(app_users.clone());
    client.assign_group_to_application(&"0oa1dynamics00000001".into(), &assignment).await.unwrap();
    let protocol = json!({
            "type": "SAML2", "endpoints": {
                "sso": { "url": "https://idp.example.test/sso", "binding": "HTTP-POST", "destination": "https://idp.example.test/sso" },
                "acs": { "binding": "HTTP-POST", "type": "INSTANCE" },
            },
            "algorithms": { "request": { "signature": { "algorithm": "SHA-256", "scope": "REQUEST" } }, "response": { "signature": { "algorithm": "SHA-256", "scope": "ANY" } } },
            "credentials": { "trust": { "issuer": "urn:idp", "audience": "urn:us", "kid": kid } },
    });
    let policy = json!({
            "accountLink": { "action": "AUTO" }, "provisioning": { "action": "AUTO", "groups": { "action": "ASSIGN", "assignments": [users] } },
            "subject": { "userNameTemplate": { "template": "idpuser.subjectNameId" }, "matchType": "USERNAME" }, "maxClockSkew": 120_000,
    });
    let idp = NewIdentityProvider { name: format!("DAC_{name}"), kind: "SAML2", protocol, policy };
    let idp = client.create_identity_provider(&idp).await.unwrap();
    let role = client.assign_role_to_group(&admins, "USER_ADMIN").await.unwrap();
    for target in [&users, &app_users] {
        client.assign_group_target_to_group_admin_role(&admins, &role.id, target).await.unwrap();
    }
    let assignment = json!({ "profile": { "tenants": [format!("{}:{name}:{users}", idp.id)] } });
    let path = ["api", "v1", "apps", app, "groups", admins.as_str()];
    client.probe(http::Method::PUT, &path, &[], Some(&assignment)).await.unwrap();
    let record = json!({ "tenantId": idp.id }).to_string();
    client.replace_group(&admins, &GroupProfile::new(format!("ADMINS_{name}"), record)).await.unwrap();
}

/// What there is, without what only tells what happened.
fn objects(emulator: &Emulator) -> Value {
    let snapshot = emulator.stable_snapshot();
    let kinds = [
        "groups",
        "apps",
        "authorization_servers",
        "trusted_origins",
        "idp_keys",
        "idps",
        "user_types",
        "event_hooks",
        "inline_hooks",
        "schemas",
    ];
    kinds
        .iter()
        .map(|kind| ((*kind).to_owned(), snapshot[kind].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn same(emulator: &Emulator, before: &Value, when: &str) {
    let now = objects(emulator);
    for (kind, objects) in before.as_object().unwrap() {
        assert_eq!(&now[kind], objects, "{kind} {when}");
    }
}

async fn run(client: &Client) -> Result<Report, Stop> {
    remove(client, plan(client).await?).await
}

#[tokio::test]
async fn the_org_is_as_it_was() {
    let (emulator, client, before) = prepared().await;
    let there = emulator.snapshot();
    let planned = plan(&client).await.unwrap();
    assert_eq!(emulator.snapshot(), there, "a plan changes nothing");
    let groups: Vec<&str> =
        planned.tenants.iter().flat_map(|tenant| &tenant.groups).map(|(name, _)| name.as_str()).collect();
    assert_eq!(groups, ["APPUSERS_acme_0oa1dynamics00000001", "APPUSERS_globex_0oa1dynamics00000001"]);
    let names: Vec<String> = planned.tenants.iter().map(|tenant| tenant.name.to_string()).collect();
    assert_eq!(names, ["acme", "globex"]);
    let steps = planned.steps();
    let report = remove(&client, planned).await.unwrap();
    assert_eq!((report.removed, report.left), (steps, Vec::<String>::new()));
    emulator.catch_up();
    same(&emulator, &before, "");
    assert_eq!(run(&client).await.unwrap(), Report::default());
}

/// Broken at every call by every fault: the same command completes.
#[tokio::test]
async fn a_run_that_breaks_anywhere_is_completed_by_the_next() {
    let (emulator, client, _) = prepared().await;
    emulator.clear_journal();
    run(&client).await.unwrap();
    let calls = emulator.journal().len() as u64;
    let mut broken = 0;
    // Each fifth call is broken; which of them differs from fault to fault.
    for (first, fault) in [
        (1, Action { status: Some(500), ..Action::default() }),
        (3, Action { drop: Some(Drop::Before), ..Action::default() }),
        (5, Action { drop: Some(Drop::After), ..Action::default() }),
    ] {
        for nth in (first..=calls).step_by(5) {
            let (emulator, client, before) = prepared().await;
            emulator.order(Fault::on_call(nth, 4, fault.clone()));
            broken += u64::from(run(&client).await.is_err());
            emulator.clear_faults();
            emulator.catch_up();
            run(&client).await.unwrap_or_else(|stop| panic!("{fault:?} at {nth}: {stop}"));
            emulator.catch_up();
            same(&emulator, &before, &format!("{fault:?} at {nth}"));
        }
    }
    assert!(broken > 20, "{broken} runs broke");
}

/// What is somebody else's, or is used, stays and is named.
#[tokio::test]
async fn what_is_not_ours_stays() {
    let (emulator, client) = start(Seed::parse(DEMO_ORG).unwrap()).await;
    setup(&client, &Wanted { adopt: true, ..wanted() }).await.unwrap();
    let user = json!({
        "type": { "id": client.list_user_types().await.unwrap().iter().find(|kind| kind.name == "oktaDacDelegator").unwrap().id },
        "profile": { "login": "new@demo.test", "email": "new@demo.test", "firstName": "New", "lastName": "User" },
    });
    client.probe(http::Method::POST, &["api", "v1", "users"], &[], Some(&user)).await.unwrap();
    emulator.catch_up();
    let report = run(&client).await.unwrap();
    for name in ["the app okta-dac", "the group SUPERUSERS", "the group RESPONDERS", "type of users"] {
        assert!(report.left.iter().any(|text| text.contains(name)), "{name}: {report:?}");
    }
    assert!(client.get_application(&"0oa1dacapp0000000001".into()).await.is_ok());
    let admin = client.get_user("admin@acme.test").await;
    assert!(
        admin.is_ok() && report.removed.iter().any(|text| text.starts_with("delete the tenant acme")),
        "{report:?}"
    );
}

/// Whoever administers a group can give it a name and a description of ours.
#[tokio::test]
async fn names_and_descriptions_alone_delete_nothing() {
    let (emulator, client, _) = prepared().await;
    let user = client.get_user("user@acme.test").await.unwrap().id;
    let mut forged = Vec::new();
    for name in
        ["NOBODY_acme_x", "APPUSERS_acme_0oa1payroll000000001", "APPUSERS_acme_corp_0oa1", "appusers_acme_y"]
    {
        let group = client.add_group(&GroupProfile::new(name.to_owned(), String::new())).await.unwrap().id;
        client.assign_user_to_group(&group, &user).await.unwrap();
        forged.push(group);
    }
    // The group of the responders was deleted, and another one has its name and the mark.
    let responders = tenancy::group_called(&client, "RESPONDERS").await.unwrap().unwrap().id;
    client.delete_group(&responders).await.unwrap();
    let marked = GroupProfile::new("RESPONDERS".to_owned(), "okta-dac org v1".to_owned());
    let marked = client.add_group(&marked).await.unwrap().id;
    client.assign_user_to_group(&marked, &user).await.unwrap();
    forged.push(marked);
    emulator.catch_up();
    let report = run(&client).await.unwrap();
    for group in &forged {
        assert!(client.get_group(group).await.is_ok(), "{group}: {report:#?}");
    }
    for name in ["NOBODY_acme_x", "APPUSERS_acme_0oa1payroll", "the group RESPONDERS"] {
        assert!(report.left.iter().any(|text| text.contains(name)), "{name}: {report:#?}");
    }
    // The same claim for another group: nobody knows which is the tenant's.
    let (emulator, client, _) = prepared().await;
    let group =
        client.add_group(&GroupProfile::new("Contractors".to_owned(), String::new())).await.unwrap().id;
    let app = client.list_applications(Some("okta-dac")).try_next().await.unwrap().unwrap().id;
    let assignments: Vec<ApplicationGroupAssignment> =
        client.list_application_group_assignments(&app).try_collect().await.unwrap();
    let claim = assignments.iter().find_map(|of| of.profile.get("tenants")).unwrap();
    let path = ["api", "v1", "apps", app.as_str(), "groups", group.as_str()];
    let body = json!({ "profile": { "tenants": claim } });
    client.probe(http::Method::PUT, &path, &[], Some(&body)).await.unwrap();
    emulator.catch_up();
    let before = emulator.snapshot();
    let stop = run(&client).await.unwrap_err();
    assert!(stop.code == Code::Ambiguous && stop.sentence.contains("claim of the tenant"), "{stop}");
    assert_eq!(emulator.snapshot(), before);
}

/// An administrator mistook an id in a claim: somebody's group is not deleted as a tenant's users.
#[tokio::test]
async fn ids_of_others_in_a_claim_stop_the_run_before_its_first_change() {
    for of_group in [true, false] {
        let (emulator, client, _) = prepared().await;
        let app = client.list_applications(Some("okta-dac")).try_next().await.unwrap().unwrap().id;
        let admins = tenancy::group_called(&client, "ADMINS_acme").await.unwrap().unwrap().id;
        let assignment = client.get_application_group_assignment(&app, &admins).await.unwrap();
        let claim = assignment.profile["tenants"][0].as_str().unwrap().to_owned();
        let mut parts: Vec<&str> = claim.split(':').collect();
        let other =
            client.add_group(&GroupProfile::new("Finance".to_owned(), String::new())).await.unwrap().id;
        let globex =
            tenancy::idp_of(&client, &domain::TenantName::parse("globex").unwrap()).await.unwrap().unwrap();
        match of_group {
            true => parts[2] = other.as_str(),
            false => parts[0] = globex.id.as_str(),
        }
        let path = ["api", "v1", "apps", app.as_str(), "groups", admins.as_str()];
        let body = json!({ "profile": { "tenants": [parts.join(":")] } });
        client.probe(http::Method::PUT, &path, &[], Some(&body)).await.unwrap();
        emulator.catch_up();
        let before = emulator.snapshot();
        let stop = run(&client).await.unwrap_err();
        let named = if of_group { "the group Finance" } else { "the identity provider DAC_globex" };
        assert!(stop.code == Code::Ambiguous && stop.sentence.contains(named), "{stop}");
        assert_eq!(emulator.snapshot(), before);
    }
}

/// A half-made tenant: nobody knows what belongs to it.
#[tokio::test]
async fn what_is_unclear_stops_the_run_before_its_first_change() {
    let (emulator, client, _) = prepared().await;
    let record = json!({ "creating": "run" }).to_string();
    client.add_group(&GroupProfile::new("ADMINS_hooli".to_owned(), record)).await.unwrap();
    emulator.catch_up();
    let before = emulator.snapshot();
    let stop = run(&client).await.unwrap_err();
    assert!(stop.code == Code::Ambiguous && stop.sentence.contains("ADMINS_hooli"), "{stop}");
    assert_eq!(emulator.snapshot(), before);
}
