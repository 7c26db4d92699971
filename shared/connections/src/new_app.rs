//! The service app that a run makes.

use okta_client::models::Application;
use okta_client::{Client, Error};
use serde_json::{Value, json};

use crate::address::Address;

/// How Okta knows the client.
pub(crate) enum Keys<'a> {
    /// Okta keeps this public key.
    Kept(Value),
    /// Okta reads the keys there.
    At(&'a Address),
}

/// Makes the app, with bound tokens if Okta allows them.
pub(crate) async fn create(
    client: &Client,
    label: &str,
    mark: &str,
    keys: Keys<'_>,
) -> Result<Application, Error> {
    let mut app = json!({
        "name": "oidc_client", "label": label, "signOnMode": "OPENID_CONNECT",
        "credentials": { "oauthClient": {
            "token_endpoint_auth_method": "private_key_jwt", "autoKeyRotation": false,
        } },
        "settings": { "notes": { "admin": mark }, "oauthClient": {
            "application_type": "service", "grant_types": ["client_credentials"],
            "response_types": ["token"], "consent_method": "TRUSTED",
            "dpop_bound_access_tokens": true,
        } },
    });
    let settings = &mut app["settings"]["oauthClient"];
    match keys {
        Keys::Kept(public) => settings["jwks"] = json!({ "keys": [public] }),
        Keys::At(address) => settings["jwks_uri"] = address.to_string().into(),
    }
    match client.create_application(&app).await {
        // Okta's description says that a service app cannot have this, its guide sets it.
        Err(Error::Api(api))
            if api.status == 400
                && api
                    .causes
                    .iter()
                    .any(|cause| cause.error_summary.contains("dpop_bound_access_tokens")) =>
        {
            app["settings"]["oauthClient"]["dpop_bound_access_tokens"] = false.into();
            Ok(bound_by_put(client, client.create_application(&app).await?).await)
        }
        created => created,
    }
}

/// The app with bound tokens, if Okta allows that when an app is replaced; as it is, if not.
async fn bound_by_put(client: &Client, app: Application) -> Application {
    let mut bound = app.clone();
    if let Some(settings) = bound.other.get_mut("settings") {
        settings["oauthClient"]["dpop_bound_access_tokens"] = true.into();
    }
    client.replace_application(&bound).await.unwrap_or(app)
}
