//! What contains a user: the end of sessions, factors and consents, and the risk.
//!
//! Evidence: Okta Management API 2026.06.3, `revokeUserSessions` (sessions of Okta, and with
//! `oauthTokens` the tokens that were issued; sessions inside apps and API tokens stay),
//! `resetFactors`, `revokeUserGrants`; `getUserRisk` and `upsertUserRisk` (`HIGH` and `LOW`
//! alone can be set; E0000015 without Identity Threat Protection is not verified). Not in the part of the description that is compared.

use serde_json::json;

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::error::OktaError;
use crate::json::{href, text};
use crate::org::Org;

use super::user_object::log;

const USERS: Auth = Auth::Admin("users");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    delete("/api/v1/users/{userId}/sessions", "revokeUserSessions", USERS, revoke_sessions),
    delete("/api/v1/users/{userId}/grants", "revokeUserGrants", USERS, revoke_grants),
    post("/api/v1/users/{id}/lifecycle/reset_factors", "resetFactors", USERS, reset_factors),
    get("/api/v1/users/{userId}/risk", "getUserRisk", USERS, get_risk),
    put("/api/v1/users/{userId}/risk", "upsertUserRisk", USERS, set_risk),
];

/// An org without Identity Threat Protection knows no risk.
fn knows_risk(call: &Call) -> Result<(), OktaError> {
    match call.settings.identity_threat_protection {
        true => Ok(()),
        false => {
            let summary = "You do not have permission to access the feature you are requesting";
            Err(OktaError::new(403, "E0000015", summary))
        }
    }
}

fn risk(org: &Org, call: &Call, user: &str) -> serde_json::Value {
    let level = org.risks.get(user).map_or("NONE", String::as_str);
    json!({ "riskLevel": level, "_links": { "self": href(call.url(format!("/api/v1/users/{user}/risk"))) } })
}

fn get_risk(org: &mut Org, call: &Call) -> Outcome {
    let user = user(org, call, "userId")?;
    knows_risk(call)?;
    Ok(Reply::ok(risk(org, call, &user)))
}

fn set_risk(org: &mut Org, call: &Call) -> Outcome {
    let user = user(org, call, "userId")?;
    knows_risk(call)?;
    let level = text(call.object()?, "riskLevel").to_owned();
    if !["HIGH", "LOW"].contains(&level.as_str()) {
        return Err(OktaError::validation("riskLevel", "riskLevel: The field must be HIGH or LOW"));
    }
    let known = org.risks.insert(user.clone(), level).is_some();
    log(org, call, "user.risk.detect", "User risk level changed", &user);
    Ok(Reply::new(if known { 200 } else { 201 }, risk(org, call, &user)))
}

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
