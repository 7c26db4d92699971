//! What every call does: credential, pages, retries, deadline, errors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use okta_client::models::{ApplicationGroupAssignment, GroupProfile, IdpId, PasswordChange};
use okta_client::{
    ApiToken, Budget, Client, Error, ListGroups, ListIdentityProviders, OkIfAbsent, OrgUrl, search,
};
use okta_emulator::{Action, DEMO_ORG, Drop, Emulator, Fault, Options, Seed};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn org() -> (Emulator, Client) {
    let seed = Seed::parse(DEMO_ORG).unwrap();
    let token = ApiToken::from(seed.api_token.token.clone());
    let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
    let client = Client::new(OrgUrl::parse(&emulator.url()).unwrap(), token).unwrap();
    (emulator, client)
}

fn all() -> ListGroups {
    ListGroups::search(search::sw("profile.name", ""))
}

fn action(change: impl FnOnce(&mut Action)) -> Action {
    let mut action = Action::default();
    change(&mut action);
    action
}

#[tokio::test]
async fn lists_follow_every_page() {
    let (emulator, client) = org().await;
    for n in 0..25 {
        client.add_group(&GroupProfile::new(format!("group {n}"), "")).await.unwrap();
    }
    for page_size in [1, 7, 32, 200] {
        emulator.configure(|settings| settings.page_size = Some(page_size));
        let groups: Vec<_> = client.list_groups(&all()).try_collect().await.unwrap();
        let mut ids: Vec<_> = groups.iter().map(|group| group.id.clone()).collect();
        ids.dedup();
        assert_eq!(ids.len(), 35, "{page_size}");
    }
    let idps: Vec<_> =
        client.list_identity_providers(&ListIdentityProviders::default()).try_collect().await.unwrap();
    assert_eq!(idps.len(), 2);
}

/// A link to elsewhere would carry the credential there.
#[tokio::test]
async fn a_next_link_to_another_host_is_not_followed() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).await.unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
                      link: <https://evil.test/api/v1/groups?after=x>; rel=\"next\"\r\n\r\n[]";
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let client = Client::new(OrgUrl::parse(&url).unwrap(), ApiToken::from("token".to_owned())).unwrap();
    let result: Result<Vec<_>, _> = client.list_groups(&all()).try_collect().await;
    assert!(matches!(result, Err(Error::Undecodable { ref path, .. }) if path == "Link"), "{result:?}");
}

#[tokio::test]
async fn reads_are_repeated_and_creations_are_not() {
    let (emulator, client) = org().await;
    for fault in [
        action(|a| a.status = Some(503)),
        action(|a| a.drop = Some(Drop::Before)),
        action(|a| a.drop = Some(Drop::After)),
    ] {
        emulator.order(Fault::on_call(1, 2, fault));
        client.list_policies("IDP_DISCOVERY").await.unwrap();
        emulator.clear_faults();
    }
    emulator.order(Fault::on_call(1, 1, action(|a| a.drop = Some(Drop::After))));
    let lost = client.add_group(&GroupProfile::new("once", "")).await.unwrap_err();
    assert!(lost.may_have_happened() && lost.is_retryable(), "{lost}");
    let found: Vec<_> = client
        .list_groups(&ListGroups::search(search::eq("profile.name", "once")))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), 1, "made once, although the answer was lost");
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_within_the_deadline_only() {
    let (emulator, client) = org().await;
    emulator.order(Fault::on_call(1, 1, action(|a| a.rate_limit = true)));
    let started = Instant::now();
    client.add_group(&GroupProfile::new("after the reset", "")).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));

    emulator.order(Fault::on_call(1, 1, action(|a| a.rate_limit = true)));
    let hurried = client.for_request(tokio::time::Instant::now() + Duration::from_millis(300));
    let started = Instant::now();
    let limited = hurried.list_policies("IDP_DISCOVERY").await.unwrap_err();
    assert!(
        matches!(limited, Error::RateLimited { retry_after } if retry_after >= Duration::from_secs(1)),
        "{limited}"
    );
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(hurried.calls(), 1);
}

#[tokio::test]
async fn nothing_outlives_the_deadline() {
    let (emulator, client) = org().await;
    emulator.order(Fault::on_call(1, u64::MAX, action(|a| a.delay_ms = 60_000)));
    let hurried = client.for_request(tokio::time::Instant::now() + Duration::from_millis(200));
    let started = Instant::now();
    let late = hurried.list_policies("IDP_DISCOVERY").await.unwrap_err();
    assert!(matches!(late, Error::Communication { never_sent: false, .. }), "{late}");
    assert!(started.elapsed() < Duration::from_secs(5));
    let too_late = hurried.list_policies("IDP_DISCOVERY").await.unwrap_err();
    assert!(!too_late.may_have_happened(), "{too_late}");
}

#[tokio::test]
async fn refusals_carry_oktas_code_and_id() {
    let (_emulator, client) = org().await;
    let Error::Api(error) = client.get_group(&"00gnobody".into()).await.unwrap_err() else { panic!() };
    assert_eq!((error.status, error.code.as_str()), (404, "E0000007"));
    assert!(error.error_id.starts_with("oae"));
    let taken = client.add_group(&GroupProfile::new("ADMINS_acme", "")).await.unwrap_err();
    assert!(taken.is_duplicate() && !taken.is_retryable() && !taken.may_have_happened(), "{taken}");
    client.delete_group(&"00gnobody".into()).await.ok_if_absent().unwrap();
    assert!(matches!(client.get_group(&"..".into()).await, Err(Error::InvalidRequest(_))));
}

#[tokio::test]
async fn answers_that_cannot_be_right_are_named() {
    let (emulator, client) = org().await;
    emulator.order(Fault::on_call(
        1,
        1,
        action(|a| a.body = Some(r#"[{"id": "00p1"}, {"id": 7}]"#.to_owned())),
    ));
    let error = client.list_policies("IDP_DISCOVERY").await.unwrap_err();
    assert!(
        matches!(&error, Error::Undecodable { operation_id: "listPolicies", path } if path == "[1].id"),
        "{error}"
    );
}

#[tokio::test]
async fn the_credential_cannot_be_printed() {
    let (emulator, _) = org().await;
    let token = "00secretTokenThatNobodyMaySee";
    let wrong =
        Client::new(OrgUrl::parse(&emulator.url()).unwrap(), ApiToken::from(token.to_owned())).unwrap();
    let error = wrong.list_policies("IDP_DISCOVERY").await.unwrap_err();
    let shown = format!("{wrong:?} {error} {error:?} {:?}", ApiToken::from(token.to_owned()));
    assert!(!shown.contains(token), "{shown}");
    assert!(shown.contains("E0000011"), "{shown}");
}

/// Okta deletes what a PUT leaves out.
#[tokio::test]
async fn unknown_members_survive_reading_and_writing() {
    let (emulator, client) = org().await;
    let idp = emulator.snapshot()["idps"].as_object().unwrap().keys().next().unwrap().clone();
    let id = IdpId::from(idp.as_str());
    let before = emulator.stable_snapshot()["idps"].clone();
    let read = client.get_identity_provider(&id).await.unwrap();
    // The answer says null of the time of creation, which stays known.
    let replaced = client.replace_identity_provider(&read).await.unwrap();
    assert!(!read.created.is_empty() && replaced.created == read.created);
    assert_eq!(emulator.stable_snapshot()["idps"], before);

    let profile = json!({ "name": "x", "description": null, "custom": [1] });
    let profile: GroupProfile = serde_json::from_value(profile).unwrap();
    assert_eq!(serde_json::to_value(&profile).unwrap()["custom"], json!([1]));

    let app = "0oa1dacapp0000000001".into();
    let group = emulator.snapshot()["app_groups"]["0oa1dacapp0000000001"]
        .as_object()
        .unwrap()
        .keys()
        .next()
        .unwrap()
        .clone();
    let mut assignment: ApplicationGroupAssignment =
        client.get_application_group_assignment(&app, &group.as_str().into()).await.unwrap();
    // A custom attribute that this crate does not know; the schema must.
    let schema = format!("{}/api/v1/meta/schemas/apps/{app}/default", emulator.url());
    let attribute = json!({ "definitions": { "custom": { "id": "#custom", "type": "object", "properties": {
        "other": { "title": "Other", "type": "string" },
    } } } });
    let seed = Seed::parse(DEMO_ORG).unwrap();
    let http = reqwest::Client::builder().build().unwrap();
    let request = http.post(schema).header("authorization", format!("SSWS {}", seed.api_token.token));
    request.json(&attribute).send().await.unwrap().error_for_status().unwrap();
    assignment.profile.insert("other".to_owned(), json!("kept"));
    let written = client.assign_group_to_application(&app, &assignment).await.unwrap();
    assert_eq!((&written.profile["other"], written.priority), (&json!("kept"), assignment.priority));
    client.unassign_application_from_group(&app, &group.as_str().into()).await.unwrap();
}

#[tokio::test]
async fn memberships_keys_and_roles() {
    let (emulator, client) = org().await;
    let group = client.add_group(&GroupProfile::new("a group", "")).await.unwrap();
    let user = emulator.snapshot()["users"].as_object().unwrap().keys().next().unwrap().as_str().into();
    assert!(!client.group_has_members(&group.id).await.unwrap());
    client.assign_user_to_group(&group.id, &user).await.unwrap();
    assert!(client.group_has_members(&group.id).await.unwrap());
    client.unassign_user_from_group(&group.id, &user).await.unwrap();

    let role = client.assign_role_to_group(&group.id, "USER_ADMIN").await.unwrap();
    assert!(client.assign_role_to_group(&group.id, "USER_ADMIN").await.unwrap_err().is_duplicate());
    client.assign_group_target_to_group_admin_role(&group.id, &role.id, &group.id).await.unwrap();
    let targets: Vec<_> =
        client.list_group_targets_for_group_role(&group.id, &role.id).try_collect().await.unwrap();
    assert_eq!(targets[0].id, group.id);
    client.unassign_role_from_group(&group.id, &role.id).await.unwrap();

    let keys: Vec<_> = client.list_identity_provider_keys().try_collect().await.unwrap();
    let again = client.create_identity_provider_key(&keys[0].x5c[0]).await.unwrap_err();
    assert!(again.is_duplicate(), "{again}");
    assert!(client.delete_identity_provider_key(&keys[0].kid).await.is_err(), "IdPs trust it");
}

async fn texts<T>(pages: okta_client::Pages<'_, T>, text: impl Fn(&T) -> String) -> Vec<String> {
    pages.map_ok(|item| text(&item)).try_collect().await.unwrap()
}

#[tokio::test]
async fn users_their_groups_types_and_relations() {
    let (emulator, client) = org().await;
    let agent = client.get_user("agent@demo.test").await.unwrap();
    let found = texts(client.list_users(&search::eq("profile.delegatedAgents", agent.id.as_str())), |user| {
        user.login().to_owned()
    });
    assert_eq!(found.await, ["delegator@demo.test"]);
    let delegator = client.get_user("delegator@demo.test").await.unwrap();
    assert_eq!(delegator.attributes("delegatedAgents"), [agent.id.as_str()]);
    let profile = json!({ "delegatedAgents": [] });
    let changed = client.update_user(&delegator.id, profile.as_object().unwrap()).await.unwrap();
    assert!(changed.attributes("delegatedAgents").is_empty());
    assert_eq!(changed.attribute("firstName"), "delegator", "POST changes no other attribute");
    assert!(client.get_user("no/body?x@demo.test").await.unwrap_err().is_not_found());

    let types = client.list_user_types().await.unwrap();
    let default = types.iter().find(|kind| kind.default).unwrap();
    let kind = client.get_user_type(&delegator.kind.id).await.unwrap();
    assert!(!kind.default && kind.name == "delegator" && types.len() == 2);
    let (own, other) =
        (client.get_user_schema(&kind).await.unwrap(), client.get_user_schema(default).await.unwrap());
    assert!(own.has("delegatedAgents") && own.has("firstName"));
    assert!(!other.has("delegatedAgents") && other.has("firstName"));
    let refused = client.replace_user(&delegator.id, &changed.profile, &default.id).await.unwrap_err();
    assert!(matches!(refused, Error::Api(error) if error.status == 400), "what the type lacks");
    let mut profile = changed.profile.clone();
    profile.remove("delegatedAgents");
    let replaced = client.replace_user(&delegator.id, &profile, &default.id).await.unwrap();
    assert!(replaced.kind.id == default.id && replaced.status == "ACTIVE");
    let roles = client.list_assigned_roles_for_user("superuser@demo.test").await.unwrap();
    assert_eq!(roles.iter().map(|role| role.kind.as_str()).collect::<Vec<_>>(), ["SUPER_ADMIN"]);
    let inherited = client.list_assigned_roles_for_user("admin@acme.test").await.unwrap();
    assert_eq!(inherited.iter().map(|role| role.kind.as_str()).collect::<Vec<_>>(), ["USER_ADMIN"]);
    assert!(client.list_assigned_roles_for_user("nobody@demo.test").await.unwrap_err().is_not_found());
    let admin = client.get_user("admin@acme.test").await.unwrap();
    let groups = texts(client.list_user_groups(&admin.id), |group| group.profile.name.clone()).await;
    assert_eq!(groups, ["Everyone", "USERS_acme", "ADMINS_acme"]);
    let group = emulator.snapshot()["groups"].as_object().unwrap().values().find_map(|group| {
        (group["profile"]["name"] == "USERS_acme").then(|| group["id"].as_str().unwrap().to_owned())
    });
    let members =
        texts(client.list_group_users(&group.unwrap().into()), |user| user.login().to_owned()).await;
    assert_eq!(members, ["admin@acme.test", "user@acme.test"]);
    let unknown = client.list_linked_objects_for_user(&admin.id, "parentEntity").await.unwrap_err();
    assert!(unknown.is_not_found());
}

#[tokio::test]
async fn a_wrong_old_password_is_told_from_a_bad_new_one() {
    let (_emulator, client) = org().await;
    let user = client.get_user("user@acme.test").await.unwrap().id;
    let change = |old: &str, new: &str| PasswordChange {
        old: old.to_owned().into(),
        new: new.to_owned().into(),
        strict: false,
        revoke_sessions: true,
    };
    let wrong = client.change_password(&user, &change("wrong", "Other-Passw0rd")).await.unwrap_err();
    assert!(wrong.is_wrong_password(), "{wrong}");
    let bad = client.change_password(&user, &change("Demo-Passw0rd", "short")).await.unwrap_err();
    assert!(
        matches!(&bad, Error::Api(error) if error.code == "E0000014") && !bad.is_wrong_password(),
        "{bad}"
    );
    let good = change("Demo-Passw0rd", "Other-Passw0rd");
    client.change_password(&user, &good).await.unwrap();
    assert!(!format!("{good:?}").contains("Passw0rd"));
}

#[tokio::test]
async fn apps_keys_secrets_scopes_and_roles_of_clients() {
    let (_emulator, client) = org().await;
    let labels = texts(client.list_applications(Some("dac_")), |app| app.label.clone()).await;
    assert_eq!(labels, ["DAC_Dynamics", "DAC_Spyder", "DAC_Umbrella"]);
    let service = json!({
        "name": "oidc_client", "label": "service", "signOnMode": "OPENID_CONNECT",
        "credentials": { "oauthClient": { "token_endpoint_auth_method": "private_key_jwt" } },
        "settings": { "oauthClient": {
            "application_type": "service", "grant_types": ["client_credentials"], "response_types": ["token"],
        } },
    });
    let app = client.create_application(&service).await.unwrap().id;
    let jwk = |kid: &str| json!({ "kty": "RSA", "kid": kid, "use": "sig", "e": "AQAB", "n": "sXch_Y" });
    let old = client.add_jwk(&app, &jwk("old")).await.unwrap();
    assert!(client.deactivate_jwk(&app, &old.id).await.is_err(), "the only active key");
    assert!(client.add_jwk(&app, &jwk("old")).await.is_err(), "the same key id");
    client.add_jwk(&app, &jwk("new")).await.unwrap();
    assert!(client.delete_jwk(&app, &old.id).await.is_err(), "an active key");
    client.deactivate_jwk(&app, &old.id).await.unwrap();
    client.delete_jwk(&app, &old.id).await.unwrap();
    let kids: Vec<_> = client.list_jwk(&app).await.unwrap().into_iter().map(|key| key.kid).collect();
    assert_eq!(kids, ["new"]);

    let first = client.create_client_secret(&app).await.unwrap();
    client.create_client_secret(&app).await.unwrap();
    assert!(client.create_client_secret(&app).await.is_err(), "a third one");
    client.deactivate_client_secret(&app, &first.id).await.unwrap();
    client.delete_client_secret(&app, &first.id).await.unwrap();
    assert_eq!(client.list_client_secrets(&app).await.unwrap().len(), 1);

    let grant = client.grant_consent_to_scope(&app, "okta.users.read").await.unwrap();
    assert!(client.grant_consent_to_scope(&app, "okta.nothing.read").await.is_err());
    assert_eq!(client.list_scope_consent_grants(&app).await.unwrap()[0].scope_id, "okta.users.read");
    client.revoke_scope_consent_grant(&app, &grant.id).await.unwrap();
    let role = client.assign_role_to_client(&app, "HELP_DESK_ADMIN").await.unwrap();
    assert!(client.assign_role_to_client(&app, "HELP_DESK_ADMIN").await.unwrap_err().is_duplicate());
    assert_eq!(client.list_roles_for_client(&app).await.unwrap()[0].kind, "HELP_DESK_ADMIN");
    client.delete_role_from_client(&app, &role.id).await.unwrap();

    let dac = "0oa1dacapp0000000001".into();
    assert_eq!(texts(client.list_application_group_assignments(&dac), |a| a.id.to_string()).await.len(), 3);
    let error = client.delete_application(&app).await.unwrap_err();
    assert!(matches!(&error, Error::Api(error) if error.code == "E0000056"), "{error}");
    client.deactivate_application(&app).await.unwrap();
    client.delete_application(&app).await.unwrap();
    assert!(client.get_application(&app).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn metadata_targets_and_the_apps_of_a_group() {
    let (emulator, client) = org().await;
    let idp = emulator.snapshot()["idps"].as_object().unwrap().keys().next().unwrap().clone();
    let metadata = client.get_identity_provider_metadata(&idp.as_str().into()).await.unwrap();
    assert!(String::from_utf8(metadata).unwrap().contains("<md:SPSSODescriptor"));
    let key = client.list_identity_provider_keys().try_next().await.unwrap().unwrap();
    assert_eq!(client.get_identity_provider_key(&key.kid).await.unwrap().x5c, key.x5c);

    let found = client.list_groups(&ListGroups::search(search::eq("profile.name", "ADMINS_acme")));
    let group = found.try_collect::<Vec<_>>().await.unwrap().remove(0).id;
    let apps = texts(client.list_assigned_applications_for_group(&group), |app| app.label.clone()).await;
    assert_eq!(apps, ["okta-dac"]);
    let role = client.list_group_assigned_roles(&group).await.unwrap().remove(0).id;
    let targets = texts(client.list_group_targets_for_group_role(&group, &role), |g| g.id.to_string()).await;
    assert_eq!(targets.len(), 2);
    let target = |n: usize| targets[n].as_str().into();
    client.unassign_group_target_from_group_admin_role(&group, &role, &target(0)).await.unwrap();
    let last = client.unassign_group_target_from_group_admin_role(&group, &role, &target(1)).await;
    assert!(last.is_err(), "the role would be valid for the whole org");
}

/// What Okta says last is what counts: a lost answer before it does not hide
/// that the object is gone.
#[tokio::test]
async fn a_lost_answer_does_not_hide_what_follows() {
    let (emulator, client) = org().await;
    let group = client.add_group(&GroupProfile::new("short-lived", "")).await.unwrap();
    emulator.order(Fault::on_call(1, 1, action(|action| action.drop = Some(Drop::After))));
    client.delete_group(&group.id).await.ok_if_absent().unwrap();
    emulator.order(Fault::on_call(1, 1, action(|action| action.status = Some(503))));
    assert!(client.get_group(&group.id).await.unwrap_err().is_not_found());
}

/// A party pays for what is sent, and for nothing that the share or its own part holds back.
#[tokio::test]
async fn a_budget_counts_what_is_sent() {
    let (emulator, client) = org().await;
    emulator.configure(|settings| {
        settings.rate_limits = true;
        // A minute of Okta's begins now, so that none ends during the test.
        settings.clock_offset_ms = 60_000 - jiff::Timestamp::now().as_millisecond() % 60_000;
    });
    let ends = tokio::time::Instant::now() + Duration::from_secs(60);
    let sent = |budget: &Budget| budget.take_unsaved().iter().map(|usage| usage.calls).sum::<u32>();
    // A hundred calls of `apps` a minute, half of them ours, three tenths of those the party's.
    let app = |client: Client| async move { client.get_application(&"0oa1dacapp0000000001".into()).await };
    let (limited, greedy) = (Budget::new(30, ends), Budget::new(100, ends));
    let party = client.with_budget(limited.clone());
    let before = emulator.arrivals();
    let mut done = 0;
    while app(party.clone()).await.is_ok() {
        done += 1;
    }
    assert_eq!((done, sent(&limited), emulator.arrivals() - before), (15, 15, 15));
    // Now others use up the share.
    let others = client.with_budget(greedy.clone());
    while app(others.clone()).await.is_ok() {}
    assert_eq!(sent(&greedy), 35);
    let late = Budget::new(30, ends);
    assert!(matches!(app(client.with_budget(late.clone())).await, Err(Error::RateLimited { .. })));
    assert_eq!(sent(&late), 0, "a call that was not sent");
}
