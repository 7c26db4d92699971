//! What okta-dac itself remembers, in DynamoDB.
//!
//! Everything about tenants is in Okta. Here is what Okta cannot keep: locks,
//! because it has no conditional writes for rules; revocations, because a token
//! lives on when its rights are gone; answers, for requests that are sent again;
//! delegations that wait for their token. A second table has the records of
//! delegation, by delegator and time ([`Record`]), and those of who changed what, by
//! tenant and time ([`Changed`]). A third one has the responses ([`KeptResponse`]).
//!
//! | `id` | other attributes | `expires` |
//! |---|---|---|
//! | `attempts#<login or userId>` | `failed`: failed sign-ins of rotations with the secret's `version`; `set`: the version that an admin's right set since; `until`: ms since 1970 | an hour after `until` |
//! | `budget#<tenantId or userId>#<minute>` | what was used of each class of Okta's limits, and what the share of the class allows; the crate `guard` | two minutes later |
//! | `delegation#<digest of the id>` | `agent`, `client`, `delegator`; `until`: ms since 1970; `used`: request id | an hour after `until` |
//! | `delegation-of#<agent>#<client>` | the same of the newest | an hour after `until` |
//! | `domain#<registrable domain>`, `domains-of#<tenantId>`, `ending#<ending>`, `index#domains` | `content`: JSON, as `domain` says of the index of domains; `version` | never |
//! | `grants#<userId>` | `grants`: a list of `id`, `agent`, `until`, `reason`; `former`: ids of agents of before | never |
//! | `lock#<name>` | `owner`: request id; `until`: ms since 1970 | an hour later |
//! | `task#<name>` | `place`: where the task stands; `owner`: id of the run that has the lease; `until`: ms since 1970 | never |
//! | `replay#<userId>#<operation>#<key>` | `owner`, `fingerprint`: digest of the request; `until` while it runs, then `answer` | a day later |
//! | `revocation#<tenantId>` | `before`: seconds since 1970; tokens issued until then do not count | when none of them lives |
//! | `revocation#<tenantId>#<userId>` | `before` | when none of them lives |
//! | `revocation#superusers` | `before` | when none of them lives |
//! | `revocation#user#<userId>` | `before` | when none of them lives |
//! | `rotated#<secretArn>` | `user`: id of the user whose password it is; `times`: from when until when runs could change the password, in pairs, ms since 1970; `reported`: times of somebody else's changes | three years after the last rotation |
//! | `rotated-user#<userId>` | `secrets`: ARNs of the secrets with the user's password | three years after the last rotation |
//! | `tenant#<tenantId>` | `suspended`; `targets`: ids of the groups that the admins' role was limited to; `emptyGroup`, `emptyGroupId`: the one that it is limited to meanwhile; `members` | never |
//!
//! `expires` is the table's TTL attribute, in seconds since 1970. DynamoDB may
//! delete late. Therefore nothing relies on an item being gone.
//!
//! What writes here for a caller waits for the run's permit first, and, where it changes
//! somebody's rights, for the run's record. Only functions that
//! write here, or read records, link this crate and, with it, an AWS SDK; the crate
//! `guard` reads with a signed request of its own.

mod attempts;
mod delegations;
mod documents;
mod domains;
mod events;
mod grants;
mod leases;
mod locks;
mod records;
mod replays;
mod responses;
mod revocations;
mod rotations;
mod suspensions;
mod table;

pub use attempts::SIGN_INS;
pub use delegations::{Delegation, Reference, Started, is_delegation_id};
pub use domains::Claimed;
pub use events::{Changed, OpenRecord};
pub use grants::{Grant, KeptGrants};
pub use leases::Lease;
pub use locks::{Change, LockError, Locks, holding};
pub use records::{Event, Kept, Record, RecordsTable};
pub use replays::{Begun, Replay, ReplayError};
pub use responses::{Counted, KeptResponse, ResponsesTable};
pub use revocations::Revocation;
pub use rotations::RotatedSecret;
pub use suspensions::{EmptyGroup, Suspension};
pub use table::{State, StateError};
