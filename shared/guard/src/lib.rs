//! What stands around every request of the API: what is left of the caller's rights, what
//! the caller's tenant has used of Okta's limits, and who changed what.
//!
//! A token lives for hours, and API Gateway keeps what the authorizer said of it. So
//! every function of the API asks the state table itself, with one consistent read,
//! what has ended since the token was issued. The read runs beside the first call to
//! Okta; a change waits for it ([`run_kit::Permit`]). A request that changes something has
//! a record in the table of events, begun before the change ([`run_kit::Record`]).
//!
//! Whose a domain is stands in the same table ([`DomainIndex`]).
//!
//! Each is one signed request: an AWS SDK would make every function larger and
//! slower to start (`make bench-credential` measures that for another service). The crate
//! `state` writes what is read here, and reads what is written; `domain` names the items.

mod budgets;
mod domains;
mod events;
mod rights;
mod table;

pub use budgets::PartyBudget;
pub use domains::{DomainIndex, KnownDomains};
pub use events::EventsTable;
pub use rights::Rights;
