//! API tokens: whose they are, how long they live, and their end.
//!
//! Evidence: Okta Management API 2026.06.3, `listApiTokens`, `getApiToken`, `revokeApiToken`,
//! `revokeCurrentApiToken` (an API token alone revokes itself; 30 days after its last use a
//! token is dead). A token cannot be told by its value.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Auth, Call, Caller, Outcome, Reply, Route, Who, delete, get};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::href;
use crate::org::{ApiToken, LogEntry, Org};

const TOKENS: Auth = Auth::Admin("apiTokens");

/// How long a token lives that is not used.
const WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/api-tokens", "listApiTokens", TOKENS, list_tokens),
    // Whatever role its owner has.
    delete("/api/v1/api-tokens/current", "revokeCurrentApiToken", Auth::Token, revoke_current),
    get("/api/v1/api-tokens/{apiTokenId}", "getApiToken", TOKENS, get_token),
    delete("/api/v1/api-tokens/{apiTokenId}", "revokeApiToken", TOKENS, revoke_token),
];

/// Makes a token; used by the seed, and by an admin in the console.
pub(crate) fn insert_token(
    org: &mut Org,
    (id, token): (&str, &str),
    name: &str,
    owner: &str,
    now: Timestamp,
) {
    let (id, name, owner) = (id.to_owned(), name.to_owned(), owner.to_owned());
    org.api_tokens.insert(token.to_owned(), ApiToken { id, name, owner, created: now, used: now });
}

/// Who calls with a token, which lives on by that.
pub(crate) fn caller(org: &mut Org, token: &str, now: Timestamp) -> Result<Caller, OktaError> {
    let kept = org.api_tokens.get_mut(token).filter(|kept| kept.used + WINDOW > now);
    let kept = kept.ok_or_else(OktaError::invalid_token)?;
    kept.used = now;
    Ok(Caller { who: Who::User(kept.owner.clone()), ..Caller::default() })
}

fn render(token: &ApiToken, call: &Call) -> Value {
    json!({
        "id": token.id, "name": token.name, "userId": token.owner, "tokenWindow": "P30D", "clientName": "Okta API",
        "network": { "connection": "ANYWHERE" }, "created": okta_time(token.created),
        "lastUpdated": okta_time(token.used), "expiresAt": okta_time(token.used + WINDOW),
        "_link": { "self": href(call.url(format!("/api/v1/api-tokens/{}", token.id))) },
    })
}

fn list_tokens(org: &mut Org, call: &Call) -> Outcome {
    let live = org.api_tokens.values().filter(|token| token.used + WINDOW > call.now);
    Ok(Reply::ok(live.map(|token| render(token, call)).collect()))
}

fn value(org: &Org, call: &Call) -> Result<String, OktaError> {
    let id = call.parameter("apiTokenId");
    let found = org.api_tokens.iter().find(|(_, token)| token.id == id);
    found.map(|(value, _)| value.clone()).ok_or_else(|| OktaError::not_found(id, "ApiToken"))
}

fn get_token(org: &mut Org, call: &Call) -> Outcome {
    let value = value(org, call)?;
    Ok(Reply::ok(render(&org.api_tokens[&value], call)))
}

fn revoke_token(org: &mut Org, call: &Call) -> Outcome {
    let value = value(org, call)?;
    revoke(org, call, &value)
}

fn revoke_current(org: &mut Org, call: &Call) -> Outcome {
    let own = call.header("authorization").and_then(|header| header.strip_prefix("SSWS"));
    let own = own.map(|token| token.trim().to_owned());
    let own = own.filter(|token| org.api_tokens.contains_key(token)).ok_or_else(OktaError::forbidden)?;
    revoke(org, call, &own)
}

fn revoke(org: &mut Org, call: &Call, value: &str) -> Outcome {
    let revoked = org.api_tokens.remove(value);
    let id = revoked.map(|token| token.id).unwrap_or_default();
    let (kind, message) = ("system.api_token.revoke", "Revoke API token");
    let actor = call.caller.who.id();
    org.log_event(LogEntry { kind, message, actor, targets: vec![&id], reason: None }, call.now);
    Ok(Reply::no_content())
}
