//! OAuth 2.0 and OpenID Connect: what a browser and a client see of Okta.
//!
//! Evidence: Okta's published OAuth description (operations, errors and their
//! words); RFC 6749, 7009, 7523, 7636, 7662, 8628, 8693, 9449; OpenID Connect
//! Core. Each file names what it adds to that.

pub(crate) mod authorize;
pub(crate) mod claims;
pub(crate) mod client;
pub(crate) mod device;
pub(crate) mod discovery;
pub(crate) mod error;
pub(crate) mod introspection;
pub(crate) mod issue;
pub(crate) mod issuer;
pub(crate) mod keys;
pub(crate) mod pages;
pub(crate) mod policy;
pub(crate) mod remote_keys;
pub(crate) mod scopes;
pub(crate) mod session;
pub(crate) mod token_endpoint;
