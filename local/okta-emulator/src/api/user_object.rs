//! A user as Okta prints it, and the events about users.

use serde_json::{Value, json};

use super::passwords;
use crate::call::{Call, Reply};
use crate::json::text;
use crate::org::{LogEntry, Org, User};

/// A user as Okta prints it; links say what may be done next.
pub(crate) fn render(org: &Org, user: &User, org_url: &str) -> Value {
    let own = format!("{org_url}/api/v1/users/{}", user.id);
    let turn = |name: &str| json!({ "href": format!("{own}/lifecycle/{name}"), "method": "POST" });
    let schema =
        org.user_types.get(&user.kind).map(|kind| text(kind, "schema").to_owned()).unwrap_or_default();
    let mut links = json!({
        "self": { "href": own },
        "schema": { "href": format!("{org_url}/api/v1/meta/schemas/user/{schema}") },
        "type": { "href": format!("{org_url}/api/v1/meta/types/user/{}", user.kind) },
    });
    let next: &[(&str, &str)] = match user.status.as_str() {
        "STAGED" | "DEPROVISIONED" => &[("activate", "activate")],
        "SUSPENDED" => &[("unsuspend", "unsuspend"), ("deactivate", "deactivate")],
        "LOCKED_OUT" => &[("unlock", "unlock"), ("deactivate", "deactivate")],
        "PROVISIONED" => &[
            ("reactivate", "reactivate"),
            ("suspend", "suspend"),
            ("deactivate", "deactivate"),
            ("resetPassword", "reset_password"),
        ],
        _ => &[
            ("suspend", "suspend"),
            ("deactivate", "deactivate"),
            ("resetPassword", "reset_password"),
            ("expirePassword", "expire_password"),
        ],
    };
    for (name, path) in next {
        links[*name] = turn(path);
    }
    if !user.passwords.is_empty() {
        links["changePassword"] =
            json!({ "href": format!("{own}/credentials/change_password"), "method": "POST" });
    }
    json!({
        "id": user.id, "status": user.status, "created": user.created, "activated": user.activated,
        "statusChanged": user.status_changed, "lastLogin": user.last_login, "lastUpdated": user.last_updated,
        "passwordChanged": user.password_changed, "type": { "id": user.kind }, "profile": user.profile,
        "credentials": passwords::render(user), "_links": links,
    })
}

/// The answer of a call that gives a user: with the entity tag that `If-Match`
/// is compared with.
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
    Reply::ok(printed).with("etag", etag(org, user))
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
