//! The accounts that an emulator starts with.

use serde::Deserialize;

use crate::arn::Arn;

/// The accounts that `make run` starts with.
pub const DEMO_ACCOUNT: &str = include_str!("../../demo-account.yaml");

/// What there is before the first call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seed {
    pub(crate) accounts: Vec<AccountSeed>,
}

/// An AWS account.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AccountSeed {
    /// Twelve digits.
    pub(crate) id: String,
    /// `aws` unless given.
    #[serde(default = "aws")]
    pub(crate) partition: String,
    /// Its only alias.
    #[serde(default)]
    pub(crate) alias: Option<String>,
    #[serde(default)]
    pub(crate) saml_providers: Vec<SamlProviderSeed>,
    #[serde(default)]
    pub(crate) oidc_providers: Vec<OidcProviderSeed>,
    #[serde(default)]
    pub(crate) roles: Vec<RoleSeed>,
}

fn aws() -> String {
    "aws".to_owned()
}

/// A SAML provider of IAM.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SamlProviderSeed {
    pub(crate) name: String,
    /// Where its metadata are; a path is one of the Okta emulator's.
    pub(crate) metadata: String,
}

/// An OpenID Connect provider of IAM.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OidcProviderSeed {
    /// Its issuer; a path is one of the Okta emulator's.
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
}

/// A role.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RoleSeed {
    /// With its path, without a slash in front.
    pub(crate) name: String,
    /// Seconds.
    #[serde(default = "hour")]
    pub(crate) max_session_duration: u32,
    /// Who may take it.
    pub(crate) trusts: Vec<Trust>,
    /// What a caller of AssumeRole has to send.
    #[serde(default)]
    pub(crate) external_id: Option<String>,
    /// AssumeRole needs the code of a device.
    #[serde(default)]
    pub(crate) mfa: bool,
    /// The trust policy has `sts:TagSession` and `sts:SetSourceIdentity`.
    #[serde(default)]
    pub(crate) tags: bool,
    /// May list the account's alias.
    #[serde(default)]
    pub(crate) lists_aliases: bool,
}

fn hour() -> u32 {
    3_600
}

/// Who may take a role: `saml:<provider>`, `oidc:<subject>` (`*`: any), or a principal's ARN.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Trust {
    /// Users of the SAML provider of this name.
    Saml(String),
    /// Tokens of an OpenID Connect provider of the account, for this subject.
    Oidc(String),
    /// A principal.
    Principal(Arn),
}

impl TryFrom<String> for Trust {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("saml", name)) => Ok(Self::Saml(name.to_owned())),
            Some(("oidc", subject)) => Ok(Self::Oidc(subject.to_owned())),
            _ => Arn::try_from(text).map(Self::Principal),
        }
    }
}

/// A seed that makes no account.
#[derive(Debug, thiserror::Error)]
#[error("the accounts cannot be read: {0}")]
pub struct SeedError(#[from] serde_norway::Error);

impl Seed {
    /// # Errors
    ///
    /// [`SeedError`].
    pub fn parse(yaml: &str) -> Result<Self, SeedError> {
        Ok(serde_norway::from_str(yaml)?)
    }
}
