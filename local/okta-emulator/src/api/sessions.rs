//! Sessions of browsers.
//!
//! Evidence: reference page "Sessions" (a session token is good once);
//! okta-auth-js (`/sessions/me` with the cookie). Not in the published
//! description.

use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::text;
use crate::oauth::session::start_session;
use crate::org::Org;
use crate::org::live::Session;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    post("/api/v1/sessions", "createSession", Auth::Public, create),
    get("/api/v1/sessions/me", "getCurrentSession", Auth::Public, get_mine),
    delete("/api/v1/sessions/me", "closeCurrentSession", Auth::Public, close_mine),
];

fn render(org: &Org, session: &Session) -> Value {
    let time = |seconds: i64| jiff::Timestamp::from_second(seconds).map(okta_time).ok();
    let user = org.users.get(&session.user);
    json!({
        "id": session.id, "userId": session.user, "login": user.map(crate::org::User::login),
        "createdAt": time(session.created), "expiresAt": time(session.expires), "status": "ACTIVE",
        "lastPasswordVerification": time(session.created), "lastFactorVerification": null,
        "amr": session.amr, "idp": { "id": org.id, "type": "OKTA" }, "mfaActive": session.amr.len() > 1,
    })
}

/// 401 for a token that is unknown, too old or was used.
fn create(org: &mut Org, call: &Call) -> Outcome {
    let token = text(call.object()?, "sessionToken").to_owned();
    let session = org.live.session_tokens.remove(&token);
    let session = session.filter(|session| session.expires > call.now.as_second());
    let session = session.ok_or_else(OktaError::authentication_failed)?;
    let (session, cookie) = start_session(org, call, &session.user, session.amr);
    Ok(Reply::ok(render(org, &session)).with("set-cookie", cookie))
}

fn mine(org: &Org, call: &Call) -> Result<Session, OktaError> {
    let session = call.cookie("sid").and_then(|id| org.live.sessions.get(id));
    let session = session.filter(|session| session.expires > call.now.as_second());
    session.cloned().ok_or_else(|| OktaError::not_found("me", "Session"))
}

fn get_mine(org: &mut Org, call: &Call) -> Outcome {
    let session = mine(org, call)?;
    Ok(Reply::ok(render(org, &session)))
}

fn close_mine(org: &mut Org, call: &Call) -> Outcome {
    let session = mine(org, call)?;
    org.live.sessions.remove(&session.id);
    Ok(Reply::no_content())
}
