//! Sessions, codes and grants: what exists only while the process runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::json::Object;

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
    /// Tokens by which users choose a password.
    pub(crate) invitations: BTreeMap<String, Invitation>,
    /// What Okta would have mailed.
    pub(crate) mails: Vec<Mail>,
    /// `jti` of revoked access tokens.
    pub(crate) revoked: BTreeSet<String>,
    /// Access tokens of a user that were issued until then are revoked, by user id.
    pub(crate) tokens_end: BTreeMap<String, i64>,
    /// `jti` of client assertions and DPoP proofs that were used.
    pub(crate) seen: BTreeSet<String>,
    /// What DPoP proofs must repeat; made when first asked for.
    pub(crate) dpop_nonce: Option<String>,
    /// Keys that were read from the address of a client, by its id, and when.
    pub(crate) remote_keys: BTreeMap<String, (std::time::Instant, Vec<serde_json::Value>)>,
}

impl Live {
    /// Ends a user's sessions and sign-ins.
    pub(crate) fn forget_sessions(&mut self, user: &str) {
        self.sessions.retain(|_, session| session.user != user);
        self.session_tokens.retain(|_, session| session.user != user);
        self.transactions.retain(|_, transaction| transaction.user != user);
    }

    /// Makes void the links by which a user would choose a password.
    pub(crate) fn forget_links(&mut self, user: &str) {
        self.invitations.retain(|_, invitation| invitation.user != user);
    }

    /// Ends everything that a user has.
    pub(crate) fn forget_user(&mut self, user: &str) {
        self.forget_sessions(user);
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
#[derive(Clone, Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) user: String,
    pub(crate) expires: i64,
    /// The second factor is still to come.
    pub(crate) factor_due: bool,
    /// The password has expired and must be changed.
    pub(crate) password_due: bool,
    /// The user chooses a password, by this token.
    pub(crate) invitation: Option<String>,
    /// What the settings let Okta say once: the password ends soon.
    pub(crate) warned: bool,
    /// How often a pushed request was asked about.
    pub(crate) polls: u32,
    /// When a message was sent last.
    pub(crate) sent: Option<i64>,
    /// What a security key has to sign.
    pub(crate) challenge: Option<String>,
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Purpose {
    /// The first password.
    Activation,
    /// Another one.
    Recovery,
}

/// A one-time token, by which a user chooses a password.
#[derive(Clone, Debug)]
pub(crate) struct Invitation {
    pub(crate) user: String,
    pub(crate) expires: i64,
}

/// A message that Okta would mail (`GET /_emulator/mail`).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) purpose: Purpose,
    pub(crate) token: String,
    pub(crate) url: String,
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

/// Claims and lifetimes of the tokens that are about to be issued.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) access: Object,
    pub(crate) access_lifetime: i64,
    /// Only if an ID token was asked for.
    pub(crate) identity: Option<Object>,
    pub(crate) identity_lifetime: i64,
}
