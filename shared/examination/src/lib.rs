//! What can be wrong with tenants in an org, and what is done about it.
//!
//! A composite operation takes its steps back when a step fails. Nothing takes them back when the
//! process dies, and nobody asks okta-dac before a hand changes something in Okta. This crate finds
//! such damage, and cures what nobody has to decide about. The task `reconcile` uses it on a
//! schedule, and `okta-dac org doctor` when a person asks.
//!
//! | module | what it has |
//! |---|---|
//! | `examiner` | the objects of an org, page by page, and what is wrong with each |
//! | `finding` | the kinds of damage, and what is said of one |
//! | `org` | the superusers' group, and runs that died |
//! | `tenant` | what can be wrong with one tenant |
//! | `entitlement` | what can be wrong with one app group |
//! | `strays` | objects that belong to no tenant any more |
//! | `cure` | what is done about it |
//! | `memory` | what the state table knows, where there is one |

mod cure;
mod entitlement;
mod examiner;
mod finding;
mod memory;
mod org;
mod strays;
mod tenant;

pub use cure::is_curable;
pub use examiner::{Examiner, Item, Page, Phase};
pub use finding::{Finding, Kind, PieceError};
