//! Why Okta's password policy refuses a password, from the text of Okta's cause.
//!
//! Okta has one code for all reasons, E0000014 ("Update of credentials failed"), and tells
//! them apart by text alone. The text may repeat what was sent, so it goes no further.

use serde::Serialize;

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Too short.
    MinLength,
    /// One of the last ones.
    History,
    /// The present one is too young: the same password is taken later.
    MinAge,
    /// In the list of common passwords.
    Common,
    /// Kinds of characters, or parts of the user's name.
    Complexity,
    /// A reason that is not known here.
    Other,
}

/// The reasons of causes, in order, each once; never empty. `length` is the password's, in
/// characters: one text has all requirements, and says how long a password has to be.
pub fn reasons<'t>(causes: impl IntoIterator<Item = &'t str>, length: usize) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = causes.into_iter().map(|cause| reason(cause, length)).collect();
    reasons.sort();
    reasons.dedup();
    if reasons.is_empty() { vec![Reason::Other] } else { reasons }
}

fn reason(cause: &str, length: usize) -> Reason {
    let cause = cause.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    // The text of the requirements names the history, too: that one comes after them.
    if has(&["too recently", "used before", "previously used"]) {
        Reason::History
    } else if has(&["minimum age", "too soon", "too young"]) {
        Reason::MinAge
    } else if has(&["commonly used", "common password"]) {
        Reason::Common
    } else if least(&cause).is_some_and(|least| length < least) || has(&["too short"]) {
        Reason::MinLength
    } else if has(&["requirements", "lowercase", "uppercase", "a number", "a symbol", "parts of"]) {
        Reason::Complexity
    } else {
        Reason::Other
    }
}

/// The number of `at least 8 characters`.
fn least(cause: &str) -> Option<usize> {
    let (number, _) = cause.split_once("at least ")?.1.split_once(" characters")?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts as Okta's reference, its SDKs' issues and customers have them.
    #[test]
    fn kee_12_causes_are_told_apart() {
        for (cause, reason) in [
            ("Password has been used too recently", Reason::History),
            ("This password was found in a list of commonly used passwords.", Reason::Common),
            (
                "Passwords must have at least 8 characters, a lowercase letter, no parts of your username",
                Reason::Complexity,
            ),
            (
                "Password requirements were not met. Password requirements: at least 40 characters, a number. \
                 Your password cannot be any of your last 4 passwords.",
                Reason::MinLength,
            ),
            ("password: does not meet the minimum age requirements of the policy.", Reason::MinAge),
            ("Something new", Reason::Other),
        ] {
            assert_eq!(reasons([cause], 32), [reason], "{cause}");
        }
        assert_eq!(reasons([], 32), [Reason::Other]);
        let several = ["a symbol", "too recently", "a number"];
        assert_eq!(reasons(several, 32), [Reason::History, Reason::Complexity]);
    }
}
