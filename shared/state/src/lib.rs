//! What okta-dac itself remembers, in one DynamoDB table.
//!
//! Everything about tenants is in Okta. Here is what Okta cannot keep: locks,
//! because it has no conditional writes for rules; revocations, because a token
//! lives on when its rights are gone; answers, for requests that are sent again.
//!
//! | `id` | other attributes | `expires` |
//! |---|---|---|
//! | `lock#<name>` | `owner`: request id; `until`: ms since 1970 | an hour later |
//! | `replay#<userId>#<operation>#<key>` | `owner`, `fingerprint`: digest of the request; `until` while it runs, then `answer` | a day later |
//! | `revocation#<tenantId>` | `before`: seconds since 1970; tokens issued until then do not count | when none of them lives; never, while the tenant is suspended |
//! | `revocation#<tenantId>#<userId>` | `before` | when none of them lives |
//!
//! `expires` is the table's TTL attribute, in seconds since 1970. DynamoDB may
//! delete late, so that nothing relies on an item being gone.
//!
//! Only functions that write here link this crate and, with it, an AWS SDK. The
//! authorizer reads with a signed request of its own.

mod locks;
mod replays;
mod revocations;
mod table;

pub use locks::{Change, LockError, Locks};
pub use replays::Once;
pub use revocations::{reinstate, revoke, suspend};
pub use table::{State, StateError};
