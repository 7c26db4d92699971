//! A user as Okta prints it, and the events about users.

use serde_json::{Value, json};

use super::passwords;
use crate::call::{Call, Reply};
use crate::json::text;
use crate::org::{LogEntry, Org, User};

/// What may be done with a user of a status, by the name of its link and the end of its path:
/// recorded answer 12 (docs/emulator.md). What needs a password of Okta's is only for who has one.
fn next(status: &str) -> &'static [(&'static str, &'static str)] {
    match status {
        "STAGED" => &[ACTIVATE, RESET_FACTORS],
        "DEPROVISIONED" => &[ACTIVATE, ("delete", ""), RESET_FACTORS],
        "SUSPENDED" => &[("unsuspend", "/lifecycle/unsuspend"), DEACTIVATE, RESET_FACTORS],
        "LOCKED_OUT" => &[("unlock", "/lifecycle/unlock"), DEACTIVATE, RESET_FACTORS],
        "PROVISIONED" => {
            &[SUSPEND, DEACTIVATE, ("reactivate", "/lifecycle/reactivate"), RESET_PASSWORD, RESET_FACTORS]
        }
        _ => &[
            SUSPEND,
            DEACTIVATE,
            RESET_PASSWORD,
            ("forgotPassword", "/credentials/forgot_password"),
            ("expirePassword", "/lifecycle/expire_password"),
            ("changePassword", "/credentials/change_password"),
            ("changeRecoveryQuestion", "/credentials/change_recovery_question"),
            RESET_FACTORS,
        ],
    }
}

const ACTIVATE: (&str, &str) = ("activate", "/lifecycle/activate");
const DEACTIVATE: (&str, &str) = ("deactivate", "/lifecycle/deactivate");
const SUSPEND: (&str, &str) = ("suspend", "/lifecycle/suspend");
const RESET_PASSWORD: (&str, &str) = ("resetPassword", "/lifecycle/reset_password");
const RESET_FACTORS: (&str, &str) = ("resetFactors", "/lifecycle/reset_factors");

/// A user as Okta prints it; links say what may be done next.
pub(crate) fn render(org: &Org, user: &User, org_url: &str) -> Value {
    let own = format!("{org_url}/api/v1/users/{}", user.id);
    let schema =
        org.user_types.get(&user.kind).map(|kind| text(kind, "schema").to_owned()).unwrap_or_default();
    let mut links = json!({
        "self": { "href": own },
        "schema": { "href": format!("{org_url}/api/v1/meta/schemas/user/{schema}") },
        "type": { "href": format!("{org_url}/api/v1/meta/types/user/{}", user.kind) },
    });
    for (name, path) in next(&user.status) {
        if user.passwords.is_empty() && (name.contains("Password") || *name == "changeRecoveryQuestion") {
            continue;
        }
        let method = if *name == "delete" { "DELETE" } else { "POST" };
        links[*name] = json!({ "href": format!("{own}{path}"), "method": method });
    }
    print(user, links)
}

/// A user as an element of a list: with the link to itself alone (recorded answer 13).
pub(crate) fn render_in_list(user: &User, org_url: &str) -> Value {
    print(user, json!({ "self": { "href": format!("{org_url}/api/v1/users/{}", user.id) } }))
}

fn print(user: &User, links: Value) -> Value {
    json!({
        "id": user.id, "status": user.status, "created": user.created, "activated": user.activated,
        "statusChanged": user.status_changed, "lastLogin": user.last_login, "lastUpdated": user.last_updated,
        "passwordChanged": user.password_changed, "type": { "id": user.kind }, "profile": user.profile,
        "credentials": passwords::render(user), "_links": links,
    })
}

/// The answer of a call that reads a user: with the entity tag that `If-Match` is compared with.
pub(crate) fn reply_with_tag(org: &Org, user: &User, call: &Call) -> Reply {
    reply(org, user, call).with("etag", etag(org, user))
}

/// The answer of a call that makes or replaces a user: without a tag (recorded answer 15).
pub(crate) fn reply(org: &Org, user: &User, call: &Call) -> Reply {
    let mut printed = render(org, user, &call.org_url);
    if let Some(settings) = call.settings.users.get(user.login()) {
        if let Some(provider) = &settings.provider {
            printed["credentials"]["provider"] = json!({ "type": provider, "name": provider });
        }
        if let Some(status) = &settings.transitioning_to {
            printed["transitioningToStatus"] = json!(status);
        }
    }
    Reply::ok(printed)
}

pub(crate) fn etag(org: &Org, user: &User) -> String {
    let printed = render(org, user, "").to_string();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, printed.as_bytes());
    let hex: String = digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hex}\"")
}

/// Notes an event about a user.
pub(crate) fn log(org: &mut Org, call: &Call, kind: &str, message: &str, user: &str) {
    let actor = call.caller.who.id();
    org.log_event(LogEntry { kind, message, actor, targets: vec![user], reason: None }, call.now);
}
