//! `rotate verify`: whether vault and Okta agree, for one secret or for all whose names begin
//! alike. Nothing is changed.

use std::collections::BTreeMap;
use std::time::Instant;

use futures::{StreamExt, stream};
use okta_client::{ApiToken, Client, Credential, OrgUrl};
use rotation::secrets_manager::SecretsManager;
use serde_json::Value;

use super::arguments::Verify;
use super::batch::{AT_ONCE, print, summary};
use super::{Ended, Stop, client, line_of, secrets};

/// What a look at a secret needs.
struct Look {
    url: OrgUrl,
    client: Client,
    vault: SecretsManager,
    may_look: bool,
}

impl Look {
    async fn prepare(arguments: &Verify) -> Result<Self, Stop> {
        let url = secrets::org_url(&arguments.org)?;
        let credential = match &arguments.credential {
            Some(place) => secrets::credential(place).await?,
            // A sign-in is nobody's call.
            None => Credential::from(ApiToken::from(String::new())),
        };
        let client = client(&url, credential, arguments.pace.share)?;
        Ok(Self { url, client, vault: secrets::vault().await, may_look: arguments.credential.is_some() })
    }

    async fn at(&self, id: &str) -> Result<Ended, Stop> {
        // Each has its own time.
        let client = self.client.for_request(tokio::time::Instant::now() + super::DEADLINE);
        let verified = secrets::verify(&self.vault, &client, self.may_look, &self.url, id).await;
        verified.map(Ended::Rotated)
    }
}

/// One secret.
pub(super) async fn one(arguments: &Verify, id: &str) -> Result<Ended, Stop> {
    Look::prepare(arguments).await?.at(id).await
}

/// All secrets whose names begin so: a line for each, and how many ended how; 0 if vault and
/// Okta agree for all.
pub(super) async fn all(arguments: &Verify, prefix: &str) -> Result<u8, Stop> {
    let look = Look::prepare(arguments).await?;
    let names = look.vault.names(prefix).await?;
    let mut codes = BTreeMap::new();
    let work = names.iter().map(async |name| {
        let began = Instant::now();
        let (code, line) = line_of(look.at(name).await, began.elapsed());
        (name, code, line)
    });
    let mut work = stream::iter(work).buffer_unordered(AT_ONCE);
    while let Some((name, code, mut line)) = work.next().await {
        *codes.entry(code.number()).or_default() += 1;
        line.insert("secretId".to_owned(), name.as_str().into());
        print(&Value::Object(line))?;
    }
    summary(names.len(), 0, codes)
}
