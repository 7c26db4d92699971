//! Integrations of other tools with an Okta org.
//!
//! | module | what it has |
//! |---|---|
//! | [`preset`] | scopes and role of a connection, by its purpose |
//! | [`key`] | key pairs of service apps |
//! | [`stored`], [`sink`] | the credential as a document, and the place for it |
//! | [`seen`] | what the org has |
//! | [`plan`] | what a run will do: a pure function |
//! | [`api_token`], [`api_service`] | `connect api-token`, `connect api-service` |
//! | [`bootstrap`] | the end of the bootstrap token |
//! | [`address`], [`published`] | the keys of a service app at an address of its own |
//! | [`rotate`], [`ending`] | a new key or secret; a connection's end |
//! | [`probes`] | what a credential may do and may not, asked |
//! | [`service_app`] | `connect service-app`: the plan, its execution, and its undo |
//! | [`stop`] | why a command stops before its end |

#![warn(missing_docs)]

pub mod address;
pub mod api_service;
pub mod api_token;
pub mod bootstrap;
pub mod ending;
pub mod key;
mod new_app;
pub mod plan;
pub mod preset;
pub mod probes;
pub mod published;
pub mod rotate;
pub mod seen;
pub mod service_app;
pub mod sink;
pub mod stop;
pub mod stored;
mod undo;
pub mod upgrade;
