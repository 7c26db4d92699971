//! An Okta org in memory.
//!
//! It answers the Okta Management API calls that okta-dac makes as Okta does:
//! same statuses (they do not follow REST habit), same error objects, cursors
//! instead of page numbers, an eventually consistent search. Every handler
//! cites where the behaviour was observed or specified. `docs/emulator.md`
//! says what it does not do.
//!
//! It shares no types with `okta-client`, or both could be wrong together.
//!
//! Besides Okta's paths there is a control interface under `/_emulator` for
//! tests and demonstrations; see [`control`].

mod access;
mod api;
mod call;
mod clock;
pub mod control;
mod demo_tokens;
mod emulator;
mod error;
mod event_delivery;
mod exchanges;
mod faults;
mod filter;
mod hooks;
mod journal;
mod json;
mod limits;
mod markup;
mod oauth;
mod org;
mod paging;
mod permissions;
mod random;
mod routes;
mod saml;
mod seed;
mod seeding;
mod seeding_policies;
mod seeding_tenants;
mod serve;
mod settings;
mod snapshot;
mod state;

pub use demo_tokens::TokenRequest;
pub use emulator::{Emulator, Options};
pub use event_delivery::{DeliverRequest, Delivered};
pub use faults::{Action, Drop, Fault};
pub use journal::{Entry, calls_in_a_row};
pub use limits::{LIMITS, Limit};
pub use routes::{Endpoint, endpoints, operation_ids};
pub use seed::{
    EventHookSeed, HookSeed, PendingDomainSeed, Seed, SeedError, TenantAppSeed, TenantSeed, UserSeed,
};
pub use seeding::{EMERGENCY, QUARANTINE, RESPONDERS};
pub use settings::{Assurance, PushResult, Settings, SignIn, UserSettings};
pub use state::StartError;

/// The one-time code of a factor, so many 30-second steps from now: what an
/// authenticator app shows.
pub fn totp(secret: &str, steps: i64) -> String {
    let step = clock::now(0).as_second() / 30 + steps;
    api::factors::totp(secret, u64::try_from(step).unwrap_or(0))
}

/// The demo org that the local stack starts with.
pub const DEMO_ORG: &str = include_str!("../../demo-org.yaml");
