//! `okta-dac aws`, end to end: the real program against an Okta org and AWS accounts on
//! this machine.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod console;
mod credentials;
mod device;
mod exit_codes;
mod kills;
mod many;
mod profiles;
mod rules;
mod rust_sdk;
mod secrets;
mod several;
mod sign_in;
mod world;
