//! The org that an emulator starts with.

use serde::Deserialize;

/// A seed: what the org holds before the first call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seed {
    /// Id of the IDP_DISCOVERY policy.
    pub routing_policy_id: String,
    /// The authorization server that issues tokens for okta-dac.
    pub authorization_server: ServerSeed,
    /// The certificate that no one has the private key of.
    pub placeholder_key: KeySeed,
    /// The only API token.
    pub api_token: TokenSeed,
    /// Apps; the one labelled `okta-dac` is the product's own.
    pub apps: Vec<AppSeed>,
    /// Users.
    pub users: Vec<UserSeed>,
    /// Types of users beside the default one.
    #[serde(default)]
    pub user_types: Vec<UserTypeSeed>,
    /// The token hook of one client.
    #[serde(default)]
    pub token_hook: Option<HookSeed>,
    /// The event hook, verified.
    #[serde(default)]
    pub event_hook: Option<EventHookSeed>,
    /// Tenants, as add-tenant makes them.
    #[serde(default)]
    pub tenants: Vec<TenantSeed>,
    /// Origins that may call with cookies and be redirected to.
    #[serde(default)]
    pub trusted_origins: Vec<String>,
    /// TXT records, by name, beside those of [`crate`]'s control interface.
    #[serde(default)]
    pub dns: std::collections::BTreeMap<String, Vec<String>>,
    /// So many more users, `user<n>@bulk.test`, for measurements.
    #[serde(default)]
    pub bulk_users: u32,
    /// So many more groups, `BULK_<n>`, for measurements.
    #[serde(default)]
    pub bulk_groups: u32,
    /// So many more tenants, `tenant-<number of six digits>`, for measurements.
    #[serde(default)]
    pub bulk_tenants: u32,
    /// Each of them has a verified domain, `<name>.test`, and its routing rule.
    #[serde(default)]
    pub bulk_rules: bool,
    /// The groups SUPERUSERS and RESPONDERS have names of the org's own.
    #[serde(default)]
    pub is_unprepared: bool,
}

/// An authorization server.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSeed {
    /// Its id, part of the issuer.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its only audience.
    pub audience: String,
    /// Its own scopes.
    pub scopes: Vec<String>,
    /// More claims, as `createOAuth2Claim` takes them.
    #[serde(default)]
    pub claims: Vec<serde_json::Value>,
}

/// A certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeySeed {
    /// Key id.
    pub kid: String,
    /// Base64 of the DER form.
    pub x5c: String,
}

/// An API token.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenSeed {
    /// The token.
    pub token: String,
    /// Login of its owner.
    pub owner: String,
}

/// An app.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppSeed {
    /// Its id, and client id.
    pub id: String,
    /// Its label.
    pub label: String,
    /// What it is; an OIDC web app unless given.
    #[serde(default)]
    pub kind: AppKind,
    /// Where a sign-in may lead.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where a sign-out may lead; `redirectUris` unless given.
    #[serde(default)]
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// Its client secret.
    #[serde(default)]
    pub secret: Option<String>,
    /// `okta.*` scopes that were granted to it.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Admin role of the client.
    #[serde(default)]
    pub role: Option<String>,
    /// Assigned to everybody.
    #[serde(default)]
    pub everyone: bool,
    /// ARN of the provider and of the roles, for an AWS app.
    #[serde(default)]
    pub aws: Option<AwsSeed>,
}

/// Kinds of apps.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub enum AppKind {
    /// OIDC with a client secret.
    #[default]
    Web,
    /// OIDC in a browser: no secret, PKCE, refresh tokens.
    Browser,
    /// OIDC on a device: no secret, device flow, single sign-on to apps.
    Native,
    /// A service integration with a client secret.
    ServiceIntegration,
    /// AWS account federation by SAML.
    Aws,
}

/// Settings of an AWS app.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsSeed {
    /// ARN of the SAML provider.
    pub provider: String,
    /// The roles that everybody may take: an ARN alone, with the provider above, or
    /// `provider,role` in either order.
    pub roles: Vec<String>,
    /// Ids of the clients that may exchange a token for a web SSO token.
    #[serde(default)]
    pub clients: Vec<String>,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserSeed {
    /// Login and e-mail.
    pub login: String,
    /// Member of SUPERUSERS.
    #[serde(default)]
    pub superuser: bool,
    /// Member of RESPONDERS, planted after everybody else.
    #[serde(default)]
    pub responder: bool,
    /// Password; without one nobody can sign in as this user.
    #[serde(default)]
    pub password: Option<String>,
    /// Shared secret of a Google Authenticator, in base32: asked for at `/api/v1/authn`.
    #[serde(default)]
    pub totp: Option<String>,
    /// Other factors by their `factorType`, each with its secret: the answer of a question,
    /// the code of a token, the public key of a security key; empty for the others.
    #[serde(default)]
    pub factors: std::collections::BTreeMap<String, String>,
    /// Name of the user's type; the default one unless given.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Logins of the agents that may act for the user, whose type must have the
    /// attribute.
    #[serde(default)]
    pub delegated_agents: Vec<String>,
}

/// A type of users.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserTypeSeed {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Attributes that are arrays of text.
    #[serde(default)]
    pub arrays: Vec<String>,
}

/// A token hook, which is asked about every token of one client.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HookSeed {
    /// The client.
    pub client: String,
    /// Where the hook is.
    pub uri: String,
    /// What is sent as `Authorization`.
    pub secret: String,
}

/// An event hook that is active and verified.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventHookSeed {
    /// Where the hook is.
    pub uri: String,
    /// What is sent as `Authorization`.
    pub secret: String,
    /// Types of the events that it is told of.
    pub events: Vec<String>,
}

/// A tenant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantSeed {
    /// Its name.
    pub name: String,
    /// Logins of its admins, who are its users, too.
    pub admins: Vec<String>,
    /// Logins of its other users.
    #[serde(default)]
    pub users: Vec<String>,
    /// Apps that it is entitled to.
    #[serde(default)]
    pub apps: Vec<TenantAppSeed>,
    /// Verified e-mail domains: patterns of its routing rule.
    #[serde(default)]
    pub domains: Vec<String>,
    /// E-mail domains that it has not verified yet.
    #[serde(default)]
    pub pending_domains: Vec<PendingDomainSeed>,
}

/// An app of a tenant.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantAppSeed {
    /// Id of the app.
    pub id: String,
    /// All users of the tenant have it.
    #[serde(default)]
    pub all_users: bool,
}

/// A domain that awaits its verification.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PendingDomainSeed {
    /// The domain.
    pub domain: String,
    /// What its TXT record must hold.
    pub token: String,
}

/// A seed that makes no org.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Not YAML, or not of the shape of [`Seed`].
    #[error("the seed cannot be read")]
    Syntax(#[from] serde_norway::Error),
    /// It contradicts itself.
    #[error("the seed contradicts itself: {0}")]
    Contradiction(String),
}

impl Seed {
    /// # Errors
    ///
    /// [`SeedError::Syntax`].
    pub fn parse(yaml: &str) -> Result<Self, SeedError> {
        Ok(serde_norway::from_str(yaml)?)
    }

    /// The org as it was before anybody prepared it for okta-dac: users, other apps, another
    /// authorization server, and whoever owns the API token.
    pub fn unprepared(mut self) -> Self {
        (self.tenants, self.token_hook, self.event_hook) = (Vec::new(), None, None);
        self.authorization_server.name = "another".to_owned();
        self.apps.retain(|app| app.label != "okta-dac");
        self.trusted_origins.clear();
        self.is_unprepared = true;
        self
    }
}
