//! Lifecycle of users, and the change of a password.
//!
//! Evidence: recordings of the Terraform provider (lifecycle calls answer 200
//! and `{}`; expire_password the user; change_password the credentials);
//! activateUser, suspendUser, unlockUser, resetPassword; error table.

use serde_json::json;

use crate::call::{Auth, Call, Outcome, Reply, Route, post};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::at;
use crate::org::Org;
use crate::org::live::Purpose;

use super::passwords;
use super::recovery::invite;
use super::user_object::{log, render};

const USERS: Auth = Auth::Admin("users");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    post("/api/v1/users/{id}/lifecycle/activate", "activateUser", USERS, activate_user),
    post("/api/v1/users/{id}/lifecycle/deactivate", "deactivateUser", USERS, deactivate_user),
    post("/api/v1/users/{id}/lifecycle/suspend", "suspendUser", USERS, suspend_user),
    post("/api/v1/users/{id}/lifecycle/unsuspend", "unsuspendUser", USERS, unsuspend_user),
    post("/api/v1/users/{id}/lifecycle/unlock", "unlockUser", USERS, unlock_user),
    post("/api/v1/users/{id}/lifecycle/reset_password", "resetPassword", USERS, reset_password),
    post("/api/v1/users/{id}/lifecycle/expire_password", "expirePassword", USERS, expire_password),
    post("/api/v1/users/{userId}/credentials/change_password", "changePassword", USERS, change_password),
];

/// Moves a user from one of `from` to `to`.
fn turn(
    org: &mut Org,
    call: &Call,
    from: &[&str],
    to: &str,
    event: (&str, &str),
    refusal: fn(&str) -> OktaError,
) -> Outcome {
    let user = org.user(call.parameter("id"))?;
    let (id, status) = (user.id.clone(), user.status.clone());
    if !from.contains(&status.as_str()) {
        return Err(refusal(&status));
    }
    let user = org.user_mut(&id, call.now)?;
    user.set_status(to, &okta_time(call.now));
    if to == "ACTIVE" {
        user.failed_attempts = 0;
    }
    log(org, call, event.0, event.1, &id);
    Ok(Reply::ok(json!({})))
}

fn activate_user(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("id"))?;
    let to = if user.passwords.is_empty() && user.provider == "OKTA" { "PROVISIONED" } else { "ACTIVE" };
    turn(
        org,
        call,
        &["STAGED", "DEPROVISIONED"],
        to,
        ("user.lifecycle.activate", "Activate Okta user"),
        |status| match status {
            "ACTIVE" => {
                OktaError::new(403, "E0000016", "Activation failed because the user is already active")
            }
            _ => OktaError::wrong_status(),
        },
    )?;
    let id = org.user(call.parameter("id"))?.id.clone();
    if let Ok(user) = org.user_mut(&id, call.now) {
        user.activated = Some(okta_time(call.now));
    }
    let mails = call.query("sendEmail") != Some("false");
    let is_pending = org.user(&id)?.status == "PROVISIONED";
    let (token, url) = invite(org, call, &id, Purpose::Activation, mails && is_pending);
    match mails {
        true => Ok(Reply::ok(json!({}))),
        false => Ok(Reply::ok(json!({ "activationUrl": url, "activationToken": token }))),
    }
}

fn deactivate_user(org: &mut Org, call: &Call) -> Outcome {
    let id = org.user(call.parameter("id"))?.id.clone();
    deactivate(org, &id, call)?;
    Ok(Reply::ok(json!({})))
}

/// Ends sessions and tokens; who is DEPROVISIONED already is refused.
pub(crate) fn deactivate(org: &mut Org, id: &str, call: &Call) -> Result<(), OktaError> {
    let user = org.user_mut(id, call.now)?;
    if user.status == "DEPROVISIONED" {
        return Err(OktaError::wrong_status());
    }
    user.set_status("DEPROVISIONED", &okta_time(call.now));
    org.live.forget_user(id);
    org.live.forget_links(id);
    log(org, call, "user.lifecycle.deactivate", "Deactivate Okta user", id);
    Ok(())
}

fn suspend_user(org: &mut Org, call: &Call) -> Outcome {
    let event = ("user.lifecycle.suspend", "Suspend Okta user");
    let refusal = |_: &str| OktaError::validation("user", "Cannot suspend a user that is not active");
    let reply = turn(org, call, &["ACTIVE"], "SUSPENDED", event, refusal)?;
    let id = org.user(call.parameter("id"))?.id.clone();
    org.live.forget_user(&id);
    Ok(reply)
}

fn unsuspend_user(org: &mut Org, call: &Call) -> Outcome {
    let event = ("user.lifecycle.unsuspend", "Unsuspend Okta user");
    let refusal = |_: &str| OktaError::validation("user", "Cannot unsuspend a user that is not suspended");
    turn(org, call, &["SUSPENDED"], "ACTIVE", event, refusal)
}

fn unlock_user(org: &mut Org, call: &Call) -> Outcome {
    let event = ("user.account.unlock", "Unlock user account");
    let refusal = |_: &str| {
        OktaError::new(403, "E0000032", "Unlock is not allowed for this user.")
            .because("The user is not locked out.")
    };
    turn(org, call, &["LOCKED_OUT"], "ACTIVE", event, refusal)
}

/// The description requires `sendEmail`, and Okta's own link has no query: to mail is the
/// default, unless the settings read the description strictly.
fn reset_password(org: &mut Org, call: &Call) -> Outcome {
    if call.query("sendEmail").is_none() && call.settings.send_email_is_required {
        return Err(OktaError::new(400, "E0000028", "The request is missing a required parameter.")
            .because("sendEmail"));
    }
    let from = ["ACTIVE", "PROVISIONED", "STAGED", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT"];
    let event = ("user.account.reset_password", "User reset password for Okta");
    let refusal = |_: &str| OktaError::new(403, "E0000017", "Password reset failed");
    turn(org, call, &from, "RECOVERY", event, refusal)?;
    if call.query("revokeSessions") == Some("true") {
        let id = org.user(call.parameter("id"))?.id.clone();
        org.live.forget_user(&id);
    }
    let mails = call.query("sendEmail") != Some("false");
    let id = org.user(call.parameter("id"))?.id.clone();
    let (_, url) = invite(org, call, &id, Purpose::Recovery, mails);
    match mails {
        true => Ok(Reply::ok(json!({}))),
        false => Ok(Reply::ok(json!({ "resetPasswordUrl": url }))),
    }
}

/// Answers the user, not `{}`.
fn expire_password(org: &mut Org, call: &Call) -> Outcome {
    let from = ["ACTIVE", "STAGED", "PROVISIONED", "RECOVERY", "LOCKED_OUT", "PASSWORD_EXPIRED"];
    let event = ("user.account.expire_password", "Expire user password for Okta");
    turn(org, call, &from, "PASSWORD_EXPIRED", event, |_| OktaError::wrong_status())?;
    let user = org.user(call.parameter("id"))?;
    Ok(Reply::ok(render(org, user, &call.org_url)))
}

/// Whether a wrong old password counts towards lockout is not documented: here it does, unless
/// the settings say otherwise. `strict` also checks the minimum age.
fn change_password(org: &mut Org, call: &Call) -> Outcome {
    let body = call.object()?.clone();
    let (old, new) = (at(&body, "/oldPassword/value"), at(&body, "/newPassword/value"));
    if old.is_empty() || new.is_empty() {
        return Err(OktaError::missing("password"));
    }
    let user = org.user(call.parameter("userId"))?.clone();
    if call.settings.passwords.account_management_policy {
        let cause = "This operation is not supported with the Okta account management policy.";
        return Err(OktaError::validation("user", cause));
    }
    if user.passwords.is_empty()
        || !["STAGED", "ACTIVE", "PASSWORD_EXPIRED", "RECOVERY"].contains(&user.status.as_str())
    {
        return Err(OktaError::wrong_status());
    }
    if !passwords::is_present(&user, old) {
        if call.settings.passwords.wrong_old_counts {
            passwords::count_failure(org, &user.id, call.now);
        }
        return Err(OktaError::credentials_not_updated(
            "oldPassword: The credentials provided were incorrect.",
        ));
    }
    let age_at = (call.query("strict") == Some("true")).then_some(call.now);
    let checks = passwords::Checks { history: true, age_at };
    passwords::check(org, &user, new, checks).map_err(|refusal| refusal.at_change(&call.settings))?;
    let time = okta_time(call.now);
    let user = org.user_mut(&user.id, call.now)?;
    passwords::set(user, new, call.now);
    user.last_updated.clone_from(&time);
    if ["PASSWORD_EXPIRED", "RECOVERY"].contains(&user.status.as_str()) {
        user.set_status("ACTIVE", &time);
    }
    let (id, credentials) = (user.id.clone(), passwords::render(user));
    if body.get("revokeSessions") == Some(&json!(true)) {
        org.live.forget_user(&id);
    }
    log(org, call, "user.account.update_password", "User update password for Okta", &id);
    Ok(Reply::ok(credentials))
}
