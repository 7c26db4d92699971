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
pub(crate) mod issue;
pub(crate) mod keys;
pub(crate) mod pages;
pub(crate) mod policy;
pub(crate) mod token;
pub(crate) mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::json;

use crate::hooks::Tokens;
use crate::json::Object;
use crate::routes::{Outcome, Reply};

/// 43 random characters.
pub(crate) fn random() -> String {
    let mut bytes = [0; 32];
    // INVARIANT: the system's source of randomness does not fail once it works.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Families of `okta.*` scopes; each has `.read` and `.manage`.
const FAMILIES: &[&str] = &[
    "agentPools",
    "apiTokens",
    "appGrants",
    "apps",
    "authenticators",
    "authorizationServers",
    "behaviors",
    "brands",
    "deviceAssurance",
    "devices",
    "domains",
    "eventHooks",
    "features",
    "groups",
    "idps",
    "inlineHooks",
    "linkedObjects",
    "logStreams",
    "logs",
    "networkZones",
    "orgs",
    "policies",
    "profileMappings",
    "rateLimits",
    "realms",
    "roles",
    "schemas",
    "sessions",
    "threatInsights",
    "trustedOrigins",
    "userTypes",
    "users",
];

/// Whether a scope is one for Okta's own API.
pub(crate) fn is_okta_scope(scope: &str) -> bool {
    let Some(rest) = scope.strip_prefix("okta.") else { return false };
    let rest = rest.strip_suffix(".self").unwrap_or(rest);
    rest == "apps.sso"
        || rest
            .rsplit_once('.')
            .is_some_and(|(family, verb)| FAMILIES.contains(&family) && ["read", "manage"].contains(&verb))
}

/// What exists only while the process runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    /// By the value of the cookie.
    pub(crate) sessions: BTreeMap<String, Session>,
    /// One-time tokens that make a session.
    pub(crate) session_tokens: BTreeMap<String, Session>,
    /// Sign-ins under way (`/api/v1/authn`), by state token.
    pub(crate) transactions: BTreeMap<String, Transaction>,
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) refresh_tokens: BTreeMap<String, Grant>,
    pub(crate) device_codes: BTreeMap<String, Device>,
    /// `jti` of revoked access tokens.
    pub(crate) revoked: BTreeSet<String>,
    /// `jti` of client assertions and DPoP proofs that were used.
    pub(crate) seen: BTreeSet<String>,
    /// What DPoP proofs must repeat; made when first asked for.
    pub(crate) dpop_nonce: Option<String>,
}

impl Live {
    /// Ends everything that a user has.
    pub(crate) fn forget_user(&mut self, user: &str) {
        self.sessions.retain(|_, session| session.user != user);
        self.session_tokens.retain(|_, session| session.user != user);
        self.transactions.retain(|_, transaction| transaction.user != user);
        self.codes.retain(|_, code| code.grant.user.as_deref() != Some(user));
        self.refresh_tokens.retain(|_, grant| grant.user.as_deref() != Some(user));
    }
}

/// A browser's session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) created: i64,
    pub(crate) expires: i64,
    /// `pwd`, `otp`, `mfa`.
    pub(crate) amr: Vec<String>,
}

/// A sign-in that is not done yet.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) user: String,
    pub(crate) expires: i64,
    /// The second factor is still to come.
    pub(crate) factor_due: bool,
    /// The password has expired and must be changed.
    pub(crate) password_due: bool,
}

/// What was allowed: the base of codes and refresh tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grant {
    /// Id of the authorization server; `None` for the org's own.
    pub(crate) server: Option<String>,
    pub(crate) issuer: String,
    pub(crate) client: String,
    /// `None` for client credentials.
    pub(crate) user: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) auth_time: i64,
    pub(crate) amr: Vec<String>,
    /// How it was first given: `authorization_code`, …
    pub(crate) kind: &'static str,
    /// Id of the refresh token, `oar…`.
    pub(crate) refresh_id: String,
    /// Parameters of the authorize request, which hooks get to see.
    pub(crate) request: Object,
    /// Thumbprint of the key that tokens are bound to.
    pub(crate) jkt: Option<String>,
}

/// An authorization code.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) tokens: Tokens,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) expires: i64,
}

/// A device that waits for its user.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    pub(crate) grant: Grant,
    pub(crate) expires: i64,
    pub(crate) last_poll: i64,
    pub(crate) answer: Option<bool>,
}

/// A refusal of an OAuth endpoint (RFC 6749, 5.2).
#[derive(Clone, Debug)]
pub(crate) struct OAuthError {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) description: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl OAuthError {
    pub(crate) fn new(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into(), headers: Vec::new() }
    }

    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", description)
    }

    pub(crate) fn invalid_client(description: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", description)
    }

    pub(crate) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new(400, "invalid_grant", description)
    }

    pub(crate) fn invalid_scope(description: impl Into<String>) -> Self {
        Self::new(400, "invalid_scope", description)
    }

    /// Okta's words for a request that no policy allows.
    pub(crate) fn no_policy() -> Self {
        let text = "Policy evaluation failed for this request, please check the policy configurations.";
        Self::new(400, "access_denied", text)
    }

    fn reply(self) -> Reply {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut reply = Reply::new(self.status, body).with("cache-control", "no-store");
        reply.headers.extend(self.headers);
        reply
    }
}

/// An OAuth refusal is an answer like any other.
pub(crate) fn answered(result: Result<Reply, OAuthError>) -> Outcome {
    Ok(result.unwrap_or_else(OAuthError::reply))
}
