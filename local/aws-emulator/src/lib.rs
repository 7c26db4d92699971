//! What of AWS is neither DynamoDB, API Gateway nor Lambda: a made-up account on this
//! machine. STS, IAM's list of aliases, the sign-in host (`/federation`, `/saml`), Secrets
//! Manager, and Parameter Store of Systems Manager.
//!
//! Calls are told apart as AWS does: the query protocol by `Action` (STS, IAM), the JSON
//! protocol by `X-Amz-Target` (Secrets Manager, Systems Manager), the pages
//! of the sign-in host by their path. The first segment of a path may be a region:
//! `http://127.0.0.1:4600/eu-west-1` is STS in Ireland.
//!
//! The control interface is for tests and demonstrations:
//!
//! | call | effect |
//! |---|---|
//! | `GET`, `DELETE /_aws/requests` | the journal |
//! | `POST`, `DELETE /_aws/faults` | order faults ([`faults`]), forget them |
//! | `GET`, `PUT /_aws/settings` | [`Settings`]; what is left out is as by default |
//! | `GET /_aws/snapshot` | the state, without secrets |
//! | `POST /_aws/reset` | back to the seed |
//!
//! It shares no types with the programs that call it, or both would be wrong together.

mod account;
mod arn;
mod call;
mod control;
mod emulator;
mod error;
pub mod faults;
mod function_rights;
mod iam;
mod journal;
mod json_protocol;
mod parameters;
mod random;
mod rotations;
mod saml_response;
mod secret_list;
mod secret_rotation;
mod secrets;
mod secrets_manager;
mod seed;
mod settings;
mod shared;
mod signature;
mod signin;
mod sts;

pub use emulator::{AwsEmulator, Options, StartError, Vault};
pub use function_rights::SecretRight;
pub use journal::Entry;
pub use rotations::Stepped;
pub use seed::{DEMO_ACCOUNT, Seed, SeedError};
pub use settings::{RoleSettings, Settings};
