//! `/api/v1/authn`: sign-in without a browser.
//!
//! Evidence: reference page "Authentication" (statuses, causes, links); a live
//! capture in a public script (`factors` is an array, a challenge one
//! `factor`). Not in the published description. Whoever has an active factor is
//! asked for it; whoever may not sign in is told no more than "Authentication
//! failed".

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, post};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{Object, text};
use crate::org::live::{Session, Transaction};
use crate::org::{LogEntry, Org, User};
use crate::random::random;

use super::factor_challenges::{self, Proof};
use super::{factors, passwords};

/// Seconds that a session token or a transaction lives.
const LIFETIME: i64 = 300;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    post("/api/v1/authn", "authn", Auth::Public, authn),
    post("/api/v1/authn/factors/{factorId}/verify", "authnVerifyFactor", Auth::Public, verify_factor),
    post("/api/v1/authn/credentials/change_password", "authnChangePassword", Auth::Public, change_password),
    post("/api/v1/authn/skip", "authnSkip", Auth::Public, skip),
    post("/api/v1/authn/cancel", "authnCancel", Auth::Public, cancel),
    post("/api/v1/authn/previous", "authnPrevious", Auth::Public, previous),
];

/// How far a sign-in got.
pub(crate) enum SignIn {
    /// The user and how they authenticated.
    Done(String, Vec<String>),
    FactorDue(String),
    PasswordDue(String),
}

/// Checks a password and, if the user has a factor, a code.
pub(crate) fn sign_in(
    org: &mut Org,
    call: &Call,
    login: &str,
    password: &str,
    code: Option<&str>,
) -> Result<SignIn, OktaError> {
    let user = org.user_called(login).cloned().ok_or_else(OktaError::authentication_failed)?;
    let may = ["ACTIVE", "PASSWORD_EXPIRED", "RECOVERY"].contains(&user.status.as_str());
    let policy = &call.settings.passwords;
    let good = passwords::is_present(&user, password);
    if policy.factor_first && may {
        return Ok(SignIn::FactorDue(user.id));
    }
    if !may || !good || policy.sign_in_denied {
        if !good {
            passwords::count_failure(org, &user.id, call.now);
        }
        log(org, call, &user.id, Some("INVALID_CREDENTIALS"));
        return Err(OktaError::authentication_failed());
    }
    if let Ok(user) = org.user_mut(&user.id, call.now) {
        user.failed_attempts = 0;
    }
    // Where apps ask for a factor themselves, the sign-in does not.
    if let Some(factor) = active_factor(org, &user.id).filter(|_| call.settings.app_factor.is_empty()) {
        let Some(code) = code else { return Ok(SignIn::FactorDue(user.id)) };
        factors::verify(org, &user.id, &factor, code, call.now)?;
    }
    if user.status != "ACTIVE" {
        return Ok(SignIn::PasswordDue(user.id));
    }
    log(org, call, &user.id, None);
    let amr = if code.is_some() { vec!["mfa", "pwd", "otp"] } else { vec!["pwd"] };
    Ok(SignIn::Done(user.id, amr.into_iter().map(str::to_owned).collect()))
}

fn log(org: &mut Org, call: &Call, user: &str, reason: Option<&str>) {
    let (kind, message) = ("user.session.start", "User login to Okta");
    org.log_event(LogEntry { kind, message, actor: user, targets: vec![user], reason }, call.now);
}

fn active_factor(org: &Org, user: &str) -> Option<String> {
    let factors = org.factors.get(user).into_iter().flat_map(|factors| factors.values());
    let mut active = factors.filter(|factor| text(&factor.object, "status") == "ACTIVE");
    active.next().map(|factor| text(&factor.object, "id").to_owned())
}

fn authn(org: &mut Org, call: &Call) -> Outcome {
    let body = call.object()?.clone();
    // A page of Okta's goes on with the sign-in that it began.
    if !text(&body, "stateToken").is_empty() {
        let (token, _) = state(org, call)?;
        return Ok(describe(org, call, &token));
    }
    if !text(&body, "token").is_empty() {
        return begin(org, call, text(&body, "token"));
    }
    let (login, password) = (text(&body, "username"), text(&body, "password"));
    if login.is_empty() {
        return Err(OktaError::missing("username"));
    }
    let signed_in = sign_in(org, call, login, password, None)?;
    if let Some(status) = call.settings.sign_in.status.clone() {
        return Ok(said(org, call, &signed_in, &status));
    }
    let reply = match signed_in {
        SignIn::Done(user, amr) => success(org, call, &user, amr),
        SignIn::FactorDue(user) => transaction(org, call, user, true),
        SignIn::PasswordDue(user) => transaction(org, call, user, false),
    };
    // Okta recognises a device by this cookie; gimme-aws-creds keeps it.
    Ok(match call.cookie("DT") {
        Some(_) => reply,
        None => reply.with("set-cookie", format!("DT=DI1{}; Path=/; Max-Age=63072000; HttpOnly", random())),
    })
}

/// The user of a token, which is used up if the password is chosen.
pub(crate) fn invited(org: &Org, call: &Call, token: &str) -> Result<String, OktaError> {
    let known = org.live.invitations.get(token).filter(|known| known.expires > call.now.as_second());
    known.map(|known| known.user.clone()).ok_or_else(OktaError::invalid_token)
}

/// Begins with a token: the next step is the new password.
pub(crate) fn begin(org: &mut Org, call: &Call, token: &str) -> Outcome {
    let user = invited(org, call, token)?;
    let state = random();
    let expires = call.now.as_second() + 300;
    let transaction =
        Transaction { user, expires, invitation: Some(token.to_owned()), ..Transaction::default() };
    org.live.transactions.insert(state.clone(), transaction);
    Ok(describe(org, call, &state))
}

/// What the settings let Okta say after a right password.
fn said(org: &mut Org, call: &Call, signed_in: &SignIn, status: &str) -> Reply {
    let (SignIn::Done(user, _) | SignIn::FactorDue(user) | SignIn::PasswordDue(user)) = signed_in;
    if status != "PASSWORD_WARN" {
        return Reply::ok(
            json!({ "status": status, "expiresAt": expires(call), "_embedded": {}, "_links": {} }),
        );
    }
    let token = random();
    let factor_due = matches!(signed_in, SignIn::FactorDue(_));
    let expires = call.now.as_second() + LIFETIME;
    let state =
        Transaction { user: user.clone(), expires, factor_due, warned: true, ..Transaction::default() };
    org.live.transactions.insert(token.clone(), state);
    describe(org, call, &token)
}

/// Goes on without a new password.
fn skip(org: &mut Org, call: &Call) -> Outcome {
    let (token, found) = state(org, call)?;
    if !found.warned {
        return Err(wrong_step());
    }
    if found.factor_due {
        if let Some(state) = org.live.transactions.get_mut(&token) {
            state.warned = false;
        }
        return Ok(describe(org, call, &token));
    }
    org.live.transactions.remove(&token);
    Ok(success(org, call, &found.user, vec!["pwd".to_owned()]))
}

/// A sign-in that an app began: for the second factor alone.
pub(crate) fn step_up(org: &mut Org, user: &str, now: jiff::Timestamp) -> String {
    let token = format!("00{}-{}", random(), "step");
    let state = Transaction {
        user: user.to_owned(),
        expires: now.as_second() + LIFETIME,
        factor_due: true,
        ..Transaction::default()
    };
    org.live.transactions.insert(token.clone(), state);
    token
}

fn embedded(user: &User) -> Value {
    let of = |name: &str| text(&user.profile, name).to_owned();
    json!({
        "id": user.id, "passwordChanged": user.password_changed,
        "profile": {
            "login": user.login(), "firstName": of("firstName"), "lastName": of("lastName"), "locale": "en_US",
            "timeZone": "America/Los_Angeles",
        },
    })
}

fn expires(call: &Call) -> String {
    okta_time(call.now + SignedDuration::from_secs(LIFETIME))
}

pub(crate) fn success(org: &mut Org, call: &Call, user: &str, amr: Vec<String>) -> Reply {
    let (token, now) = (random(), call.now.as_second());
    let session =
        Session { id: String::new(), user: user.to_owned(), created: now, expires: now + LIFETIME, amr };
    org.live.session_tokens.insert(token.clone(), session);
    let user = org.users.get(user).map(embedded);
    Reply::ok(json!({
        "expiresAt": expires(call), "status": "SUCCESS", "sessionToken": token, "_embedded": { "user": user },
    }))
}

/// A sign-in that waits for a factor or a new password.
fn transaction(org: &mut Org, call: &Call, user: String, factor_due: bool) -> Reply {
    let token = random();
    let password_due = org.users.get(&user).is_some_and(|user| user.status != "ACTIVE");
    let expires = call.now.as_second() + LIFETIME;
    let state = Transaction { user, expires, factor_due, password_due, ..Transaction::default() };
    org.live.transactions.insert(token.clone(), state);
    describe(org, call, &token)
}

/// The state of a transaction.
pub(crate) fn describe(org: &Org, call: &Call, token: &str) -> Reply {
    let Some(state) = org.live.transactions.get(token) else {
        return Reply::ok(Value::Null);
    };
    let user = org.users.get(&state.user).map(embedded);
    let link = |path: &str| json!({ "href": call.url(format!("/api/v1/authn/{path}")), "hints": { "allow": ["POST"] } });
    let mut answer = json!({
        "stateToken": token, "expiresAt": expires(call), "_embedded": { "user": user }, "_links": { "cancel": link("cancel") },
    });
    if state.invitation.is_some() {
        answer["status"] = "PASSWORD_RESET".into();
        let mut next = link("credentials/reset_password");
        next["name"] = "resetPassword".into();
        answer["_links"]["next"] = next;
    } else if state.warned {
        answer["status"] = "PASSWORD_WARN".into();
        answer["_embedded"]["policy"] = json!({ "expiration": { "passwordExpireDays": 5 } });
        let mut next = link("credentials/change_password");
        next["name"] = "changePassword".into();
        answer["_links"]["next"] = next;
        let mut skip = link("skip");
        skip["name"] = "skip".into();
        answer["_links"]["skip"] = skip;
    } else if state.factor_due {
        let factors = org.factors.get(&state.user).into_iter().flat_map(|factors| factors.values());
        let active = factors.filter(|factor| text(&factor.object, "status") == "ACTIVE");
        answer["status"] = "MFA_REQUIRED".into();
        answer["_embedded"]["factors"] = active.map(|factor| render_factor(&factor.object, call)).collect();
        answer["_embedded"]["policy"] = json!({
            "allowRememberDevice": true, "rememberDeviceLifetimeInMinutes": 20_160, "rememberDeviceByDefault": false,
            "factorsPolicyInfo": {},
        });
    } else {
        answer["status"] = "PASSWORD_EXPIRED".into();
        answer["_embedded"]["policy"] = json!({ "complexity": {
            "minLength": 8, "minLowerCase": 1, "minUpperCase": 1, "minNumber": 1, "minSymbol": 0, "excludeUsername": true,
        } });
        let mut next = link("credentials/change_password");
        next["name"] = "changePassword".into();
        answer["_links"]["next"] = next;
    }
    Reply::ok(answer)
}

fn render_factor(factor: &Object, call: &Call) -> Value {
    let id = text(factor, "id");
    json!({
        "id": id, "factorType": text(factor, "factorType"), "provider": text(factor, "provider"),
        "vendorName": text(factor, "vendorName"), "profile": factor.get("profile"),
        "_links": { "verify": {
            "href": call.url(format!("/api/v1/authn/factors/{id}/verify")), "hints": { "allow": ["POST"] },
        } },
    })
}

/// The transaction of a call; a token that is unknown or too old is E0000011.
pub(crate) fn state(org: &Org, call: &Call) -> Result<(String, Transaction), OktaError> {
    let token = text(call.object()?, "stateToken").to_owned();
    let state = org.live.transactions.get(&token).filter(|state| state.expires > call.now.as_second());
    let state = state.cloned().ok_or_else(OktaError::invalid_token)?;
    Ok((token, state))
}

/// The wrong step of a transaction.
pub(crate) fn wrong_step() -> OktaError {
    OktaError::new(403, "E0000079", "This operation is not allowed in the current authentication state.")
}

/// Without a proof the answer is a challenge.
fn verify_factor(org: &mut Org, call: &Call) -> Outcome {
    let (token, state) = state(org, call)?;
    if !state.factor_due {
        return Err(wrong_step());
    }
    let id = call.parameter("factorId");
    let factor = org.factors.get(&state.user).and_then(|factors| factors.get(id)).cloned();
    let factor = factor.ok_or_else(|| OktaError::not_found(id, "UserFactor"))?;
    if let Proof::Pending(result, embedding) = factor_challenges::prove(org, call, &token, &state, &factor)? {
        let mut rendered = render_factor(&factor.object, call);
        let user = org.users.get(&state.user).map(embedded);
        let mut next = rendered["_links"]["verify"].clone();
        let push = text(&factor.object, "factorType") == "push";
        next["name"] = if push { "poll" } else { "verify" }.into();
        if !embedding.is_null() {
            rendered["_embedded"] = embedding;
        }
        let link = |path: &str| json!({ "href": call.url(format!("/api/v1/authn/{path}")), "hints": { "allow": ["POST"] } });
        return Ok(Reply::ok(json!({
            "stateToken": token, "expiresAt": expires(call), "status": "MFA_CHALLENGE", "factorResult": result,
            "_embedded": { "user": user, "factor": rendered },
            "_links": { "next": next, "prev": link("previous"), "cancel": link("cancel") },
        })));
    }
    if state.password_due {
        if let Some(state) = org.live.transactions.get_mut(&token) {
            state.factor_due = false;
        }
        return Ok(describe(org, call, &token));
    }
    org.live.transactions.remove(&token);
    log(org, call, &state.user, None);
    let amr = ["mfa", "pwd", "otp"].map(str::to_owned).to_vec();
    Ok(success(org, call, &state.user, amr))
}

/// Plain strings, unlike the users API.
fn change_password(org: &mut Org, call: &Call) -> Outcome {
    let (token, state) = state(org, call)?;
    if state.factor_due || !state.password_due {
        return Err(wrong_step());
    }
    let body = call.object()?.clone();
    let (old, new) = (text(&body, "oldPassword"), text(&body, "newPassword"));
    let user = org.user(&state.user)?.clone();
    if !passwords::is_present(&user, old) {
        return Err(OktaError::credentials_not_updated(
            "oldPassword: The credentials provided were incorrect.",
        ));
    }
    let checks = passwords::Checks { history: true, age_at: Some(call.now) };
    passwords::check(org, &user, new, checks).map_err(|refusal| refusal.at_change(&call.settings))?;
    let time = okta_time(call.now);
    let user = org.user_mut(&state.user, call.now)?;
    passwords::set(user, new, call.now);
    user.set_status("ACTIVE", &time);
    org.live.transactions.remove(&token);
    let (kind, message) = ("user.account.update_password", "User update password for Okta");
    let targets = vec![state.user.as_str()];
    org.log_event(LogEntry { kind, message, actor: &state.user, targets, reason: None }, call.now);
    Ok(success(org, call, &state.user, vec!["pwd".to_owned()]))
}

fn cancel(org: &mut Org, call: &Call) -> Outcome {
    let (token, _) = state(org, call)?;
    org.live.transactions.remove(&token);
    Ok(Reply::ok(json!({ "relayState": null })))
}

fn previous(org: &mut Org, call: &Call) -> Outcome {
    let (token, _) = state(org, call)?;
    Ok(describe(org, call, &token))
}
