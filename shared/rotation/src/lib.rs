//! A new password for a user of Okta, for whoever keeps passwords: Secrets Manager, Keeper,
//! a person.
//!
//! | module | what it has |
//! |---|---|
//! | [`facts`] | what is known: of the user, and of what the calls so far said |
//! | [`decide`] | what comes next: a total function without I/O |
//! | [`end`] | how a rotation ends: exit code, outcome, the line that says so |
//! | [`ports`] | what a rotation needs of Okta, and of whoever counts failed sign-ins |
//! | [`drive`] | one call after the other, until the end |
//! | [`okta`] | the port of Okta, by `okta_client` |
//! | [`policy`] | why Okta's policy refuses a password |
//! | [`password`] | new passwords |
//! | [`secret`] | a secret with the password of one user |
//! | [`vault`] | the port of Secrets Manager |
//! | `secrets_manager` | that port, by the AWS SDK; a feature |
//! | [`steps`] | the four steps of a rotation by Secrets Manager |
//!
//! Four rules:
//!
//! 1. **Intent before effect.** Whoever calls keeps the new password before Okta hears of it.
//! 2. **Evidence decides, not history.** Each run asks Okta what is true.
//! 3. **Change first, probe after.** `changePassword` proves the old password and sets the new
//!    one in one call: a normal rotation makes no failed sign-in.
//! 4. **Two failed sign-ins at most**, whatever happens: a rotation locks nobody out.

pub mod decide;
pub mod drive;
pub mod end;
pub mod facts;
pub mod okta;
pub mod password;
pub mod policy;
pub mod ports;
pub mod secret;
#[cfg(feature = "secrets-manager")]
pub mod secrets_manager;
pub mod steps;
pub mod vault;
