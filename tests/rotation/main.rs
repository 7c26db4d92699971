//! `okta-dac rotate`, end to end: the real program against an Okta org on this machine.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod keeper;
mod secrets;
mod world;
