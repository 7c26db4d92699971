//! The custom authorizer: from an access token to an IAM policy.
//!
//! API Gateway asks it once per token and path (identity sources
//! `Authorization` and `context.path`) and keeps the answer for
//! `ReauthorizeEvery` seconds. A kept policy is applied to later requests of
//! the same token to the same path, with any method: so the policy names
//! exactly the methods of that path that the caller may use, and is right for
//! every request that it can be applied to. It needs no wildcard, and its size
//! does not grow with the number of tenants.
//!
//! The answer depends on token, path and table of operations alone: a kept one stays
//! right. What ended since the token was issued, the functions ask for themselves.
//!
//! | what | answer |
//! |---|---|
//! | no token, or one that is not accepted | error `Unauthorized`, which becomes 401 |
//! | accepted, but no right to the path | a policy that denies, which becomes 403 |
//! | Okta's keys cannot be had | another error, which becomes 503 |
//!
//! The log says why; the caller is not told.

mod cache;
mod config;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod jwks;
mod policy;
mod serve;
mod token;

pub use cache::MAX_AGE as MAX_CACHE_AGE;
pub use config::Settings;
pub use jwks::{Jwks, Key, KeyError};
pub use policy::{Authorization, Context, MAX_RESULT_BYTES, PolicyDocument, authorize};
pub use serve::{Authorizer, Refusal, serve};
pub use token::{Claims, Rejection};
