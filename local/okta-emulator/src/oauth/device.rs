//! The device flow (RFC 8628): codes for the device, a page for its user.
//!
//! Evidence: deviceAuthorize; guide "Device authorization grant".

use serde_json::json;

use super::issuer::server;
use super::{client, pages, policy};
use crate::call::{Auth, Call, Outcome, Reply, Route, get, post};
use crate::oauth::error::answered;
use crate::org::Org;
use crate::org::live::{Device, Grant};
use crate::random::random;

/// Seconds between two polls of the token endpoint.
pub(crate) const INTERVAL: i64 = 5;

/// Seconds until the codes expire.
const LIFETIME: i64 = 600;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    post("/oauth2/v1/device/authorize", "deviceAuthorize", Auth::Public, authorize),
    post("/oauth2/{authorizationServerId}/v1/device/authorize", "deviceAuthorizeCustomAS", Auth::Public, authorize),
    get("/activate", "deviceActivationPage", Auth::Public, page),
    post("/activate", "activateDevice", Auth::Public, answer),
];

fn authorize(org: &mut Org, call: &Call) -> Outcome {
    let (server, issuer) = server(org, call)?;
    let endpoint = call.url(&call.path);
    let client = client::authenticate(org, call, &endpoint)
        .and_then(|client| client.may("urn:ietf:params:oauth:grant-type:device_code").map(|()| client));
    let client = match client {
        Ok(client) => client,
        Err(error) => return answered(Err(error)),
    };
    let scopes: Vec<String> =
        call.form("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    // Here and not only with the token, as okta-aws-cli expects it.
    if server.is_none()
        && let Err(error) = policy::check_scopes(org, &client.id, &scopes, true)
    {
        return answered(Err(error));
    }
    // Letters that cannot be taken for digits.
    let letters = b"BCDFGHJKLMNPQRSTVWXZ";
    let user_code: String =
        random().bytes().take(8).map(|byte| char::from(letters[usize::from(byte) % letters.len()])).collect();
    let grant = Grant {
        server,
        issuer,
        client: client.id,
        scopes,
        kind: "urn:ietf:params:oauth:grant-type:device_code",
        ..Grant::default()
    };
    let (device_code, expires) = (random(), call.now.as_second() + LIFETIME);
    let device = Device { user_code: user_code.clone(), grant, expires, last_poll: 0, answer: None };
    org.live.device_codes.insert(device_code.clone(), device);
    let page = call.url("/activate");
    Ok(Reply::ok(json!({
        "user_code": user_code, "device_code": device_code, "interval": INTERVAL, "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"), "expires_in": LIFETIME,
    })))
}

fn page(org: &mut Org, call: &Call) -> Outcome {
    let session = call.cookie("sid").and_then(|id| org.live.sessions.get(id));
    if session.is_none_or(|session| session.expires <= call.now.as_second()) {
        return Ok(pages::sign_in(call, "", None));
    }
    Ok(pages::activate(call.query("user_code").unwrap_or_default(), None))
}

/// The user says yes (`action=allow`) or no.
fn answer(org: &mut Org, call: &Call) -> Outcome {
    let session = call.cookie("sid").and_then(|id| org.live.sessions.get(id)).cloned();
    let Some(session) = session.filter(|session| session.expires > call.now.as_second()) else {
        return Ok(pages::sign_in(call, "", None));
    };
    let code = call.form("user_code").unwrap_or_default().to_uppercase();
    let client = org.live.device_codes.values().find(|device| device.user_code == code);
    let client = client.map(|device| device.grant.client.clone()).unwrap_or_default();
    let assigned = org.is_assigned(&session.user, &client);
    let device = org.live.device_codes.values_mut().find(|device| device.user_code == code);
    let Some(device) = device.filter(|device| device.answer.is_none() && assigned) else {
        return Ok(pages::activate("", Some("Invalid code. Try again.")));
    };
    device.answer = Some(call.form("action") != Some("deny"));
    device.grant.user = Some(session.user);
    device.grant.auth_time = session.created;
    device.grant.amr = session.amr;
    Ok(pages::message("Device activated", "Follow the instructions on your device for next steps."))
}
