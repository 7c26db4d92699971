//! `connect service-app` against an Okta org on this machine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod world;

use std::time::Duration;

use connections::plan::{Step, Wanted};
use connections::preset::{PRESETS, Preset};
use connections::probes::Got;
use connections::service_app::{self, Run};
use connections::stop::Code;
use connections::stored::Stored;
use okta_emulator::{Action, Fault};

use crate::world::{FAULTS, World};

#[tokio::test]
async fn every_preset_is_connected_proven_and_the_token_dead() {
    for preset in &PRESETS {
        let world = World::start().await;
        let token = world.token();
        let report = world.connect(&world.wanted(preset.name), &token).await.unwrap();
        assert_eq!((report.bootstrap_token, report.dpop), ("revoked", true), "{}", preset.name);
        for scope in preset.scopes {
            assert!(report.scopes.granted.iter().any(|granted| granted == scope), "{scope}");
        }
        assert!(world.client(&token).get_user("me").await.unwrap_err().is_rejected_credential());
        let refused = report.probes.iter().filter(|probe| probe.expected == "refused");
        assert!(refused.clone().all(|probe| probe.got != Got::Allowed), "{:?}", report.probes);
        // Seven changes, a proof, and each strong scope that the preset does not have.
        let strong = |scope: &&&str| scope.ends_with(".manage");
        let held = preset.scopes.iter().filter(strong).count();
        assert_eq!(refused.count(), 7 + 1 + 9 - held - preset.may.len(), "{}", preset.name);
        if preset.name != "logs" {
            world.works().await;
        }
        let text = serde_json::to_string(&report).unwrap();
        assert!(!text.contains("PRIVATE") && !text.contains(&token));
        // Each client asks twice, for its nonce and for its token: the run, a client for each
        // scope that is refused, the check here.
        let asked = world.emulator.journal().iter().filter(|call| call.operation_id == Some("token")).count();
        assert!(asked <= 2 * (1 + 9 - held + 1), "{asked} token requests");
    }
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    for preset in ["read-only", "response"] {
        let world = World::start().await;
        world.connect(&world.wanted(preset), &world.token()).await.unwrap();
        let (before, stored) = (world.parts(), world.sink().read().await.unwrap());
        let report = world.connect(&world.wanted(preset), &world.token()).await.unwrap();
        assert_eq!((world.parts(), world.sink().read().await.unwrap()), (before, stored));
        assert_eq!(report.bootstrap_token, "revoked");
    }
}

/// Broken at every call by every fault: the org is as before, or what is left is named; the
/// same command then ends with one app and one key.
#[tokio::test]
async fn a_run_that_breaks_anywhere_is_taken_back_or_named() {
    let world = World::start().await;
    let before = world.parts();
    let (mut broken, mut named) = (0, 0);
    for fault in FAULTS {
        for call in 1.. {
            world.emulator.order(Fault::on_call(call, 1, fault()));
            let token = world.token();
            let result = world.connect(&world.wanted("rotation"), &token).await;
            world.emulator.clear_faults();
            let done = match result {
                Ok(_) => true,
                Err(stop) if stop.code == Code::TokenLives => true,
                Err(stop) => {
                    broken += 1;
                    named += usize::from(!stop.left.is_empty());
                    assert!(!stop.left.is_empty() || world.parts() == before, "call {call}: {stop}");
                    assert!(
                        world.sink().read().await.unwrap().is_none() || !stop.left.is_empty(),
                        "call {call}: {stop}"
                    );
                    let report = world.connect(&world.wanted("rotation"), &world.token()).await;
                    report.unwrap_or_else(|stop| panic!("call {call}: {stop} {:?}", stop.left));
                    false
                }
            };
            assert_eq!(world.apps(), [1], "call {call}");
            world.works().await;
            world.remove().await;
            assert_eq!(world.parts(), before);
            if done && call > 60 {
                break;
            }
        }
    }
    assert!(broken > 40 && named < broken / 4, "{broken} broken, of {named} something was left");
}

/// An org that makes every client a super admin by itself.
#[tokio::test]
async fn a_role_that_nobody_wanted_is_taken_away() {
    let world = World::start().await;
    world.emulator.configure(|settings| settings.clients_become_super_admins = true);
    let report = world.connect(&world.wanted("read-only"), &world.token()).await.unwrap();
    assert_eq!(report.roles_removed, ["SUPER_ADMIN"]);
}

/// A preset whose role allows more than it says is refused, and nothing is left.
#[tokio::test]
async fn too_strong_and_too_weak_are_told_apart() {
    static STRONG: Preset = Preset { may: &[], ..PRESETS[4] };
    static WEAK: Preset = Preset { role: connections::preset::Role::Standard("REPORT_ADMIN"), ..PRESETS[5] };
    let world = World::start().await;
    let before = world.parts();
    let strong = Wanted { preset: &STRONG, ..world.wanted("dac") };
    let stop = world.connect(&strong, &world.token()).await.unwrap_err();
    assert_eq!(stop.code, Code::TooStrong);
    assert!(stop.sentence.contains("make a group") && stop.left.is_empty(), "{stop}");
    let stop = world
        .connect(&Wanted { preset: &WEAK, ..world.wanted("dac-read") }, &world.token())
        .await
        .unwrap_err();
    assert_eq!(stop.code, Code::TooWeak);
    assert!(stop.sentence.contains("okta.groups.read"), "{stop}");
    assert_eq!(world.parts(), before);
    assert_eq!(world.sink().read().await.unwrap(), None);
}

/// What was proven is what is stored, also where a run of another command was killed before it
/// stored it.
#[tokio::test]
async fn what_was_proven_is_stored() {
    let world = World::start().await;
    world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
    let stored = world.sink().read().await.unwrap().unwrap();
    let older = Stored { scopes: vec!["okta.users.read".to_owned()], preset: None, ..stored.clone() };
    world.sink().write(&older).await.unwrap();
    world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
    assert_eq!(world.sink().read().await.unwrap(), Some(stored));
}

/// Everything that is not allowed is found before the first change.
#[tokio::test]
async fn a_token_that_may_not_is_refused_before_anything_is_changed() {
    let world = World::start().await;
    let token = world.emulator.api_token("admin@acme.test").unwrap();
    world.emulator.clear_journal();
    let stop = world.connect(&world.wanted("read-only"), &token).await.unwrap_err();
    assert_eq!(stop.code, Code::NotPermitted);
    let stop = world.connect(&world.wanted("read-only"), "00nothing").await.unwrap_err();
    assert_eq!(stop.code, Code::NotPermitted);
    assert!(world.emulator.journal().iter().all(|call| call.method == "GET"));
}

/// terraform-provider-okta 2379: a scope that was granted by hand.
#[tokio::test]
async fn open_int_5_a_granted_scope_is_kept() {
    let world = World::start().await;
    world.emulator.configure(|settings| settings.repeated_grant_is_refused = true);
    world.connect(&world.wanted("logs"), &world.token()).await.unwrap();
    let client = world.client(&world.token());
    let run = Run {
        client: &client,
        org: &world.org,
        sink: &world.sink(),
        wanted: &world.wanted("logs"),
        keep_token: true,
        patience: Duration::ZERO,
    };
    let (_, steps) = service_app::plan(&run).await.unwrap();
    assert!(steps.contains(&Step::Keep { scopes: vec!["okta.logs.read".to_owned()] }), "{steps:?}");
    assert!(!steps.iter().any(|step| matches!(step, Step::Grant { .. })), "{steps:?}");
    let report = service_app::connect(&run).await.unwrap();
    assert_eq!((report.scopes.granted, report.bootstrap_token), (vec!["okta.logs.read".to_owned()], "kept"));
}

/// A key that another place holds is not ended unasked, and the tool that has it goes on.
#[tokio::test]
async fn a_second_place_does_not_take_the_first_ones_key() {
    let world = World::start().await;
    world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
    let other = connections::sink::Sink::File(world.folder.path().join("other.json"));
    let client = world.client(&world.token());
    let wanted = world.wanted("dac-read");
    let run = |wanted| Run {
        client: &client,
        org: &world.org,
        sink: &other,
        wanted,
        keep_token: true,
        patience: Duration::ZERO,
    };
    let stop = service_app::connect(&run(&wanted)).await.unwrap_err();
    assert!(stop.code == Code::Ambiguous && stop.sentence.contains("--adopt"), "{stop}");
    world.works().await;
    let adopted = Wanted { adopt: true, ..world.wanted("dac-read") };
    let app: okta_client::models::AppId =
        world.sink().read().await.unwrap().unwrap().client_id.unwrap().into();
    for role in client.list_roles_for_client(&app).await.unwrap() {
        client.delete_role_from_client(&app, &role.id).await.unwrap();
    }
    // It fails when the first one's key is out of use: that key is in use again.
    let mut fault = Fault::on_call(1, 1, Action { status: Some(403), ..Action::default() });
    fault.operation_id = Some("assignRoleToClient".to_owned());
    world.emulator.order(fault);
    world.emulator.clear_journal();
    let stop = service_app::connect(&run(&adopted)).await.unwrap_err();
    assert_eq!((stop.code, world.apps()), (Code::NotPermitted, vec![1]), "{stop} {:?}", stop.left);
    client.assign_role_to_client(&app, "READ_ONLY_ADMIN").await.unwrap();
    world.works().await;
    // Whoever has that key has it at no time together with the role.
    let calls = world.emulator.journal();
    let first = |of: &str| calls.iter().position(|call| call.operation_id == Some(of));
    let disabled = first("deactivateOAuth2ClientJsonWebKey");
    assert!(disabled.is_some() && disabled < first("assignRoleToClient"), "{disabled:?}");
    let report = service_app::connect(&run(&adopted)).await.unwrap();
    assert_eq!((report.keys_retired.len(), world.apps()), (1, vec![1]));
}

/// Rights of another purpose are not hidden behind a weaker role.
#[tokio::test]
async fn another_preset_is_another_app() {
    let world = World::start().await;
    world.connect(&world.wanted("response"), &world.token()).await.unwrap();
    let stop = world.connect(&world.wanted("read-only"), &world.token()).await.unwrap_err();
    assert!(stop.code == Code::Ambiguous && stop.sentence.contains("`response`"), "{stop}");
}

/// What an app that was taken over had before is not given back in a wider form.
#[tokio::test]
async fn a_role_with_targets_is_named_and_not_widened() {
    let world = World::start().await;
    world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
    let client = world.client(&world.token());
    let app: okta_client::models::AppId =
        world.sink().read().await.unwrap().unwrap().client_id.unwrap().into();
    client.assign_role_to_client(&app, "USER_ADMIN").await.unwrap();
    // The run fails after the role was taken away.
    let weak: &'static Preset =
        &Preset { role: connections::preset::Role::Standard("REPORT_ADMIN"), ..PRESETS[5] };
    let stop = world.connect(&Wanted { preset: weak, ..world.wanted("dac-read") }, &world.token()).await;
    let stop = stop.unwrap_err();
    assert!(
        stop.code == Code::Operator && stop.left.iter().any(|left| left.contains("USER_ADMIN")),
        "{stop:?}"
    );
    let roles = client.list_roles_for_client(&app).await.unwrap();
    assert!(roles.iter().all(|role| role.kind != "USER_ADMIN"), "{roles:?}");
}

/// Whoever administers apps can write our label and our note beside a key of their own.
#[tokio::test]
async fn a_planted_app_gets_no_scopes() {
    for (planted, said) in [
        (serde_json::json!({ "jwks_uri": "https://evil.test/jwks.json" }), "https://evil.test/jwks.json"),
        (serde_json::json!({ "token_endpoint_auth_method": "client_secret_basic" }), "another way in"),
    ] {
        let world = World::start().await;
        let client = world.client(&world.token());
        let mut app = serde_json::json!({
            "name": "oidc_client", "label": "A tool", "signOnMode": "OPENID_CONNECT",
            "credentials": { "oauthClient": { "token_endpoint_auth_method": "private_key_jwt" } },
            "settings": {
                "notes": { "admin": "okta-dac connection v1 dac 1" },
                "oauthClient": { "application_type": "service", "grant_types": ["client_credentials"], "response_types": ["token"] },
            },
        });
        for (name, value) in planted.as_object().unwrap() {
            let place = if name == "jwks_uri" { "/settings/oauthClient" } else { "/credentials/oauthClient" };
            app.pointer_mut(place).unwrap()[name] = value.clone();
        }
        let app = client.create_application(&app).await.unwrap();
        for adopt in [false, true] {
            let wanted = Wanted { adopt, ..world.wanted("dac") };
            let stop = world.connect(&wanted, &world.token()).await.unwrap_err();
            assert!(stop.code == Code::Ambiguous && stop.sentence.contains(said), "{stop}");
        }
        assert!(client.list_scope_consent_grants(&app.id).await.unwrap().is_empty());
        assert!(client.list_roles_for_client(&app.id).await.unwrap().is_empty());
    }
}

/// okta-sdk-golang 598: the first token request goes without a proof, is refused, and stands in
/// the log as a failed grant. The stored credential says that the app is bound.
#[tokio::test]
async fn open_int_7_the_first_token_request_has_a_proof() {
    let world = World::start().await;
    world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
    let stored = world.sink().read().await.unwrap().unwrap();
    assert!(stored.dpop);
    let admin = world.client(&world.token());
    let begun = format!("{:.3}", jiff::Timestamp::now());
    world.emulator.clear_journal();
    world.works().await;
    let calls = world.emulator.journal();
    let tokens: Vec<u16> =
        calls.iter().filter(|call| call.path == "/oauth2/v1/token").map(|call| call.status).collect();
    // The nonce that the first one is answered with, and the token.
    assert_eq!(tokens, [400, 200]);
    let kinds = ["app.oauth2.token.grant", "app.oauth2.token.grant.access_token"];
    let events = admin.list_log_events_page(&kinds, &begun, "2999-01-01T00:00:00.000Z", None).await.unwrap();
    let results: Vec<String> = events.items.into_iter().filter_map(|event| event.outcome?.result).collect();
    assert_eq!(results, ["FAILURE", "SUCCESS"]);
}
