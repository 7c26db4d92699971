//! Passwords: the policy, and what happens when one is set.
//!
//! Only digests are kept. Evidence: createUser and changePassword; reference
//! page "Authentication" (wording of the policy, E0000014 with the cause
//! `oldPassword: …` for a wrong old password); okta-auth-java issue 108.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{Object, at, lookup, text};
use crate::org::{Org, User};
use crate::settings::Settings;

/// Failed attempts after which a user is locked out, unless the policy says
/// another number.
const MAX_ATTEMPTS: u64 = 10;

/// Passwords that everybody tries; Okta's list is longer.
const COMMON: [&str; 4] = ["password1", "passw0rd", "welcome1", "qwerty12"];

/// Why a password is not taken.
pub(crate) struct Refusal(String);

impl Refusal {
    /// As createUser and updateUser put it.
    pub(crate) fn at_creation(self) -> OktaError {
        OktaError::validation("password", format!("password: {}", self.0))
    }

    /// As change_password puts it.
    pub(crate) fn at_change(self, settings: &Settings) -> OktaError {
        match settings.passwords.refused_as_validation {
            true => self.at_creation(),
            false => OktaError::credentials_not_updated(self.0),
        }
    }
}

fn sealed(user: &str, password: &str) -> String {
    let digest = digest(&SHA256, format!("{user}\0{password}").as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The password in the body of createUser and updateUser; `{}` is none.
pub(crate) fn of_body(body: &Object) -> Option<String> {
    let value = lookup(body, "/credentials/password/value").and_then(Value::as_str);
    // A hashed password works for nobody who does not know it: kept as it is.
    let hash = || lookup(body, "/credentials/password/hash").map(Value::to_string);
    value.map(str::to_owned).or_else(hash)
}

/// The settings of the password policy.
fn policy(org: &Org) -> Option<&Object> {
    org.policies.values().find(|policy| text(policy, "type") == "PASSWORD")
}

fn number(org: &Org, pointer: &str, default: u64) -> u64 {
    policy(org).and_then(|policy| lookup(policy, pointer)).and_then(Value::as_u64).unwrap_or(default)
}

/// What a new password is checked against besides complexity and the list of common ones.
#[derive(Clone, Copy)]
pub(crate) struct Checks {
    /// Former passwords.
    pub(crate) history: bool,
    /// The age of the present one, at this time.
    pub(crate) age_at: Option<Timestamp>,
}

/// Checks a new password against the policy.
pub(crate) fn check(org: &Org, user: &User, password: &str, checks: Checks) -> Result<(), Refusal> {
    let minimum =
        |name: &str, default| number(org, &format!("/settings/password/complexity/{name}"), default);
    let count = |of: fn(char) -> bool| password.chars().filter(|c| of(*c)).count() as u64;
    let name = user.login().split('@').next().unwrap_or_default().to_lowercase();
    let part_of_name = name
        .split(['.', ',', '-', '_', '#'])
        .any(|part| part.chars().count() >= 4 && password.to_lowercase().contains(part));
    let length = minimum("minLength", 8);
    let broken = (password.chars().count() as u64) < length
        || count(|c| c.is_lowercase()) < minimum("minLowerCase", 1)
        || count(|c| c.is_uppercase()) < minimum("minUpperCase", 1)
        || count(|c| c.is_numeric()) < minimum("minNumber", 1)
        || count(|c| !c.is_alphanumeric()) < minimum("minSymbol", 0)
        || part_of_name;
    if broken {
        return Err(Refusal(format!(
            "Password requirements were not met. Password requirements: at least {length} characters, a \
             lowercase letter, an uppercase letter, a number, no parts of your username. Your password \
             cannot be any of your last 4 passwords."
        )));
    }
    let is_common = policy(org)
        .and_then(|policy| lookup(policy, "/settings/password/complexity/dictionary/common/exclude"));
    if is_common == Some(&Value::Bool(true)) && COMMON.contains(&password.to_lowercase().as_str()) {
        return Err(Refusal(
            "This password was found in a list of commonly used passwords. Please try another password."
                .to_owned(),
        ));
    }
    let oldest = i64::try_from(number(org, "/settings/password/age/minAgeMinutes", 0)).unwrap_or(0);
    let changed = user.password_changed.as_ref().and_then(|time| time.parse::<Timestamp>().ok());
    if let Some((now, changed)) = checks.age_at.zip(changed)
        && now.as_second() - changed.as_second() < oldest * 60
    {
        return Err(Refusal("The password does not meet the minimum age requirements.".to_owned()));
    }
    let kept = usize::try_from(number(org, "/settings/password/age/historyCount", 4)).unwrap_or(4);
    let sealed = sealed(&user.id, password);
    if checks.history && user.passwords.iter().rev().take(kept).any(|former| *former == sealed) {
        return Err(Refusal("Password has been used too recently".to_owned()));
    }
    Ok(())
}

/// Makes `password` the present one.
pub(crate) fn set(user: &mut User, password: &str, now: Timestamp) {
    user.passwords.push(sealed(&user.id, password));
    user.password_changed = Some(okta_time(now));
    user.failed_attempts = 0;
}

/// Whether `password` is the present one.
pub(crate) fn is_present(user: &User, password: &str) -> bool {
    user.passwords.last().is_some_and(|present| *present == sealed(&user.id, password))
}

/// Counts a wrong password; locks the user out after too many.
pub(crate) fn count_failure(org: &mut Org, id: &str, now: Timestamp) {
    let most = number(org, "/settings/password/lockout/maxAttempts", MAX_ATTEMPTS);
    if let Ok(user) = org.user_mut(id, now) {
        user.failed_attempts += 1;
        if u64::from(user.failed_attempts) >= most && user.status == "ACTIVE" {
            user.set_status("LOCKED_OUT", &okta_time(now));
        }
    }
}

/// The recovery question of a body.
pub(crate) fn set_question(user: &mut User, body: &Object) {
    let part = |name: &str| at(body, &format!("/credentials/recovery_question/{name}")).to_owned();
    if !part("question").is_empty() {
        user.recovery_question = Some((part("question"), part("answer")));
    }
}

/// `credentials` as Okta prints them: never a value.
pub(crate) fn render(user: &User) -> Value {
    let mut credentials = json!({ "provider": { "type": user.provider, "name": user.provider } });
    if !user.passwords.is_empty() {
        credentials["password"] = json!({});
    }
    if let Some((question, _)) = &user.recovery_question {
        credentials["recovery_question"] = json!({ "question": question });
    }
    credentials
}
