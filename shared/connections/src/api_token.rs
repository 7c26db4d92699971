//! `connect api-token`: whose an API token is, and what it may do; nothing is made.

use okta_client::{Client, Credential, OrgUrl};
use serde::Serialize;

use crate::probes::{self, Probe};
use crate::seen::Owner;
use crate::sink::Sink;
use crate::stop::{Code, Stop};
use crate::stored::{Secret, Stored};

/// What a token is. It has no secret.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of this format.
    pub v: u8,
    /// The org's URL.
    pub org: String,
    /// `api-token`.
    pub mode: &'static str,
    /// Login of its owner.
    pub owner: String,
    /// Their roles, which are the token's, if they may be read.
    pub roles: Option<Vec<String>>,
    /// The owner's tokens, if they may be read: a token cannot be told by its value.
    pub tokens: Option<Vec<OwnToken>>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// What was tried.
    pub probes: Vec<Probe>,
    /// Where the token is kept.
    pub credential: String,
    /// Calls of Okta.
    pub calls: u32,
}

/// A token of the owner.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnToken {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// When it ends if nobody uses it.
    pub expires_at: Option<String>,
    /// `ANYWHERE` or `ZONE`.
    pub network: Option<String>,
}

/// Checks a token, and keeps it.
///
/// # Errors
///
/// Okta does not take the token, or the place holds something else.
pub async fn connect(org: &OrgUrl, token: Secret, sink: &Sink) -> Result<Report, Stop> {
    let stored = Stored { api_token: Some(token), ..Stored::default() };
    if sink.read().await?.is_some_and(|kept| kept != stored) {
        return Err(Stop::new(
            Code::Ambiguous,
            format!("{sink} holds another credential: name another place"),
        ));
    }
    let credential: Credential = stored.credential()?;
    let client = Client::new(org.clone(), credential).map_err(|error| Stop::of("preparing calls", &error))?;
    let owner = Owner::read(&client).await?;
    let tokens = client.list_api_tokens().await.ok().map(|all| {
        let own = all.into_iter().filter(|token| token.user_id == owner.id);
        own.map(|token| OwnToken {
            id: token.id,
            name: token.name,
            expires_at: token.expires_at,
            network: token.network.map(|network| network.connection),
        })
        .collect::<Vec<_>>()
    });
    let probes = probes::survey(&client).await?;
    let mut warnings = Vec::new();
    if owner.is_super_admin() {
        warnings.push("the token is a super admin's: whoever has the token may do everything".to_owned());
    }
    if let Some(tokens) = &tokens {
        if tokens.len() > 1 {
            let sentence =
                format!("{} has {} tokens: which one this is cannot be told", owner.login, tokens.len());
            warnings.push(sentence);
        }
        if tokens.iter().any(|token| token.network.as_deref() == Some("ANYWHERE")) {
            warnings.push("a token of theirs works from anywhere: a network zone limits that".to_owned());
        }
    }
    sink.write(&stored).await?;
    Ok(Report {
        v: 1,
        org: org.as_str().to_owned(),
        mode: "api-token",
        owner: owner.login,
        roles: owner.roles.map(|roles| roles.into_iter().collect()),
        tokens,
        warnings,
        probes,
        credential: sink.to_string(),
        calls: client.calls(),
    })
}
