//! Activation and recovery: one-time tokens that let a user choose a password.
//!
//! Evidence: reference page "Authentication" (primary authentication with an activation token,
//! forgot password with the factor `EMAIL`, `recovery/token`, `credentials/reset_password`);
//! activateUser, reactivateUser, resetPassword. Nothing is mailed: `GET /_emulator/mail` shows
//! the messages. Whether somebody exists is not told: a recovery answers alike for everybody.

use serde_json::json;

use crate::call::{Auth, Call, Outcome, Reply, Route, get, post};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::text;
use crate::oauth::pages;
use crate::oauth::session::start_session;
use crate::org::Org;
use crate::org::live::{Invitation, Mail, Purpose};
use crate::random::random;

use super::authn;
use super::passwords;
use super::user_object::log;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    post("/api/v1/authn/recovery/password", "authnForgotPassword", Auth::Public, forgot_password),
    post("/api/v1/authn/recovery/token", "authnRecoveryToken", Auth::Public, recovery_token),
    post("/api/v1/authn/credentials/reset_password", "authnResetPassword", Auth::Public, reset_password),
    post("/api/v1/users/{id}/lifecycle/reactivate", "reactivateUser", Auth::Admin("users"), reactivate_user),
    get("/welcome/{token}", "welcomePage", Auth::Public, page),
    get("/reset_password/{token}", "resetPasswordPage", Auth::Public, page),
    post("/login/choose-password", "submitPasswordPage", Auth::Public, submit),
];

/// The page of a purpose, and for how many seconds a token leads there.
const fn page_of(purpose: Purpose) -> (&'static str, i64) {
    match purpose {
        Purpose::Activation => ("welcome", 7 * 24 * 3_600),
        Purpose::Recovery => ("reset_password", 3_600),
    }
}

/// Makes a token for a user, and mails it if that is wanted; gives the token and its page.
pub(crate) fn invite(
    org: &mut Org,
    call: &Call,
    user: &str,
    purpose: Purpose,
    mails: bool,
) -> (String, String) {
    let token = random();
    let (page, seconds) = page_of(purpose);
    let expires = call.now.as_second() + seconds;
    org.live.invitations.retain(|_, known| known.user != user);
    org.live.invitations.insert(token.clone(), Invitation { user: user.to_owned(), expires });
    let url = call.url(format!("/{page}/{token}"));
    if mails && let Some(user) = org.users.get(user) {
        let to = text(&user.profile, "email").to_owned();
        org.live.mails.push(Mail { to, purpose, token: token.clone(), url: url.clone() });
    }
    (token, url)
}

fn forgot_password(org: &mut Org, call: &Call) -> Outcome {
    let body = call.object()?.clone();
    let name = text(&body, "username");
    if name.is_empty() {
        return Err(OktaError::missing("username"));
    }
    let may = |status: &str| ["ACTIVE", "LOCKED_OUT", "PASSWORD_EXPIRED", "RECOVERY"].contains(&status);
    let user = org.user_called(name).filter(|user| may(&user.status)).map(|user| user.id.clone());
    if let Some(user) = user {
        invite(org, call, &user, Purpose::Recovery, true);
    }
    Ok(Reply::ok(json!({
        "status": "RECOVERY_CHALLENGE", "factorResult": "WAITING", "factorType": "EMAIL", "recoveryType": "PASSWORD",
    })))
}

fn recovery_token(org: &mut Org, call: &Call) -> Outcome {
    let token = text(call.object()?, "recoveryToken").to_owned();
    authn::begin(org, call, &token)
}

fn reset_password(org: &mut Org, call: &Call) -> Outcome {
    let (state, transaction) = authn::state(org, call)?;
    let Some(invitation) = transaction.invitation else { return Err(authn::wrong_step()) };
    let new = text(call.object()?, "newPassword").to_owned();
    choose(org, call, &invitation, &new)?;
    org.live.transactions.remove(&state);
    Ok(authn::success(org, call, &transaction.user, vec!["pwd".to_owned()]))
}

/// Gives the user the password that they chose, and uses the token up.
fn choose(org: &mut Org, call: &Call, token: &str, new: &str) -> Result<String, OktaError> {
    let id = authn::invited(org, call, token)?;
    let user = org.user(&id)?.clone();
    // A link brings nobody back who was suspended or deactivated since.
    if !["PROVISIONED", "ACTIVE", "LOCKED_OUT", "PASSWORD_EXPIRED", "RECOVERY"]
        .contains(&user.status.as_str())
    {
        return Err(OktaError::wrong_status());
    }
    let checks = passwords::Checks { history: true, age_at: None };
    passwords::check(org, &user, new, checks).map_err(|refusal| refusal.at_change(&call.settings))?;
    let time = okta_time(call.now);
    let user = org.user_mut(&id, call.now)?;
    passwords::set(user, new, call.now);
    user.set_status("ACTIVE", &time);
    user.failed_attempts = 0;
    org.live.invitations.remove(token);
    log(org, call, "user.account.update_password", "User update password for Okta", &id);
    Ok(id)
}

/// For a user whose activation is pending (recording: 200 with the token).
fn reactivate_user(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("id"))?;
    if user.status != "PROVISIONED" {
        return Err(OktaError::wrong_status());
    }
    let id = user.id.clone();
    let mails = call.query("sendEmail") == Some("true");
    let (token, url) = invite(org, call, &id, Purpose::Activation, mails);
    log(org, call, "user.lifecycle.reactivate", "Reactivate Okta user", &id);
    match mails {
        true => Ok(Reply::ok(json!({}))),
        false => Ok(Reply::ok(json!({ "activationUrl": url, "activationToken": token }))),
    }
}

fn page(org: &mut Org, call: &Call) -> Outcome {
    let token = call.parameter("token").to_owned();
    Ok(match authn::invited(org, call, &token) {
        Ok(_) => pages::choose_password(&token, None),
        Err(_) => pages::message("The link has expired", "Ask your administrator for another one."),
    })
}

fn submit(org: &mut Org, call: &Call) -> Outcome {
    let token = call.form("token").unwrap_or_default().to_owned();
    let new = call.form("password").unwrap_or_default().to_owned();
    match choose(org, call, &token, &new) {
        Ok(user) => {
            let (_, cookie) = start_session(org, call, &user, vec!["pwd".to_owned()]);
            Ok(Reply::redirect(call.url("/")).with("set-cookie", cookie))
        }
        Err(_) => Ok(pages::choose_password(&token, Some("Okta does not take this password."))),
    }
}
