//! Keys of clients that have them at an address of their own (`jwks_uri`): read when such a
//! client authenticates, and kept for as long as the settings say.
//!
//! Evidence: schema `OpenIdConnectApplicationSettingsClient` (`jwks_uri`). How long Okta keeps
//! what it read is not documented.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::keys;
use crate::hooks::MAX_ANSWER;
use crate::json::{Object, at, text};
use crate::state::{State, lock};

/// Address of an app's keys; empty where the app has its keys itself.
pub(crate) fn address(app: &Object) -> &str {
    at(app, "/settings/oauthClient/jwks_uri")
}

/// Reads the keys of the client whose assertion is in this form, if they are elsewhere. What
/// cannot be read leaves what was read before.
pub(crate) async fn read(state: &Mutex<State>, form: &[u8]) {
    let assertion = url::form_urlencoded::parse(form).find(|(name, _)| name == "client_assertion");
    let Some(claims) = assertion.and_then(|(_, token)| keys::unverified(&token)) else { return };
    let id = text(&claims, "sub").to_owned();
    let (address, http) = {
        let state = lock(state);
        let address = state.org.apps.get(&id).map(address).unwrap_or_default().to_owned();
        let kept_for = Duration::from_millis(state.settings.jwks_uri_cached_ms);
        let kept = state.org.live.remote_keys.get(&id);
        if address.is_empty() || kept.is_some_and(|(read, _)| read.elapsed() < kept_for) {
            return;
        }
        (address, state.http.clone())
    };
    let Ok(answer) = http.get(&address).send().await else { return };
    let is_good = answer.status().is_success();
    let Ok(body) = answer.bytes().await else { return };
    let document = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    if let Some(keys) = document["keys"].as_array().filter(|_| is_good && body.len() <= MAX_ANSWER) {
        lock(state).org.live.remote_keys.insert(id, (Instant::now(), keys.clone()));
    }
}
