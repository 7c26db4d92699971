//! Typed client of the Okta Management API, for the endpoints that okta-dac
//! calls.
//!
//! Methods carry Okta's operationIds in snake case, so that Okta's reference is
//! one search away. The client knows nothing of tenants or Lambda.
//!
//! - Every path segment is percent-encoded by one URL builder.
//! - Lists are walked by following `Link: rel="next"`, never by page number,
//!   and only to the org itself, since every request carries the credential.
//! - What is retried, and how long a call waits for a rate limit, is the table
//!   in [`retry`]; a deadline bounds all of it.
//! - Read-modify-write keeps members that this crate does not know: Okta
//!   replaces the whole object on PUT: a dropped member is deleted.
//! - A credential cannot be printed, and no error carries it.
//!
//! # Examples
//!
//! ```
//! # use okta_emulator::{DEMO_ORG, Emulator, Options, Seed};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let seed = Seed::parse(DEMO_ORG)?;
//! # let token = seed.api_token.token.clone();
//! # let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await?;
//! # let org_url = emulator.url();
//! use futures::TryStreamExt;
//! use okta_client::{ApiToken, Client, ListGroups, OrgUrl, search};
//!
//! let client = Client::new(OrgUrl::parse(&org_url)?, ApiToken::from(token))?;
//! let query = ListGroups::search(search::eq("profile.name", "ADMINS_acme"));
//! let groups: Vec<_> = client.list_groups(&query).try_collect().await?;
//! assert_eq!(groups[0].profile.name, "ADMINS_acme");
//! # Ok(())
//! # }
//! ```

mod api;
mod budget;
mod client;
mod credential;
mod error;
mod limits;
mod link;
pub mod models;
mod okta_clock;
mod org_url;
mod permit;
pub mod retry;
pub mod search;
mod token;
mod transport;

pub use api::{ListGroups, ListIdentityProviders};
pub use budget::{Budget, Usage};
pub use client::{Client, Page, Pages};
pub use credential::{ApiToken, Credential, CredentialError, OAuthClient};
pub use error::{Error, OkIfAbsent};
pub use limits::{CLASSES, DEFAULT_SHARE};
pub use org_url::{OrgUrl, OrgUrlError};
