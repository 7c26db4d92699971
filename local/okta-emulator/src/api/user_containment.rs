//! What contains a user: the end of sessions, factors and consents.
//!
//! Evidence: Okta Management API 2026.06.3, `revokeUserSessions` (sessions of Okta, and with
//! `oauthTokens` the tokens that were issued; sessions inside apps and API tokens stay),
//! `resetFactors`, `revokeUserGrants`. Not in the part of the description that is compared.

use serde_json::json;

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, post};
use crate::error::OktaError;
use crate::org::Org;

use super::user_object::log;

const USERS: Auth = Auth::Admin("users");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    delete("/api/v1/users/{userId}/sessions", "revokeUserSessions", USERS, revoke_sessions),
    delete("/api/v1/users/{userId}/grants", "revokeUserGrants", USERS, revoke_grants),
    post("/api/v1/users/{id}/lifecycle/reset_factors", "resetFactors", USERS, reset_factors),
];

fn user(org: &Org, call: &Call, parameter: &str) -> Result<String, OktaError> {
    Ok(org.user(call.parameter(parameter))?.id.clone())
}

fn revoke_sessions(org: &mut Org, call: &Call) -> Outcome {
    let user = user(org, call, "userId")?;
    if call.query("oauthTokens") == Some("true") {
        org.live.forget_user(&user);
        org.live.tokens_end.insert(user.clone(), call.now.as_second());
    } else {
        org.live.forget_sessions(&user);
    }
    log(org, call, "user.session.clear", "Clear user session", &user);
    Ok(Reply::no_content())
}

/// Consents that the user gave to apps, with their tokens.
fn revoke_grants(org: &mut Org, call: &Call) -> Outcome {
    let user = user(org, call, "userId")?;
    org.live.refresh_tokens.retain(|_, grant| grant.user.as_deref() != Some(&user));
    org.live.tokens_end.insert(user.clone(), call.now.as_second());
    log(org, call, "app.oauth2.consent.revoke.user", "Revoke all app consents of a user", &user);
    Ok(Reply::no_content())
}

/// All factors; whoever knows the password sets up their own at the next sign-in.
fn reset_factors(org: &mut Org, call: &Call) -> Outcome {
    let user = user(org, call, "id")?;
    org.factors.remove(&user);
    log(org, call, "user.mfa.factor.reset_all", "Reset all factors for user", &user);
    Ok(Reply::ok(json!({})))
}
