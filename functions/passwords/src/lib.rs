//! Passwords of Okta users that Secrets Manager keeps. What comes next is decided in the crate
//! `rotation`; here is what starts it, and what it is configured with.

mod attempts;
mod rotate_user_secret;
mod settings;
mod start_rotations;
mod watch_passwords;

pub use rotate_user_secret::RotateUserSecret;
pub use start_rotations::StartRotations;
pub use watch_passwords::WatchPasswords;

/// The operations of this package that are reached over HTTP.
pub const ENDPOINTS: &[lambda_kit::Description] = &[];

/// What nobody calls over HTTP.
pub const TASKS: &[lambda_kit::TaskDescription] = &[
    lambda_kit::TaskDescription::of::<RotateUserSecret>(),
    lambda_kit::TaskDescription::of::<StartRotations>(),
    lambda_kit::TaskDescription::of::<WatchPasswords>(),
];
