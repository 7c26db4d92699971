//! What a sink holds: the credential that is used, the one to come, the one before.

use std::fmt;

use okta_client::Credential;
use okta_client::models::AppId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::address::Address;
use crate::key::KeyPair;
use crate::stop::{Code, Stop};

/// A secret in a document. Printing it shows that it is one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A key or a secret of a client that is not the one in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// Id of the key or of the secret.
    pub id: String,
    /// The private key in PEM form, or the secret.
    pub value: Secret,
}

/// The document, which `okta_client::Credential::parse` reads once the client exists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Stored {
    /// An API token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_token: Option<Secret>,
    /// URL of the org whose client this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// Name of the preset. The app's note says the same, and whoever administers apps can write
    /// that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Id of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Of a service integration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// Of a service app, in PEM form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<Secret>,
    /// Its `kid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// What the client asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The app's tokens are bound to a key.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dpop: bool,
    /// Where Okta reads the keys of a service app, if they are not kept in Okta.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Address>,
    /// The key or secret to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Part>,
    /// The key or secret before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Part>,
}

impl Stored {
    /// The document as text.
    ///
    /// # Errors
    ///
    /// None that is known.
    pub fn text(&self) -> Result<zeroize::Zeroizing<String>, Stop> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| zeroize::Zeroizing::new(text + "\n"))
            .map_err(|_| Stop::new(Code::Defect, "the credential cannot be written as JSON"))
    }

    /// Reads a document. The message never has what was found instead.
    ///
    /// # Errors
    ///
    /// The text is no such document.
    pub fn parse(text: &str) -> Result<Self, Stop> {
        serde_json::from_str(text).map_err(|_| {
            Stop::new(
                Code::Ambiguous,
                "the sink holds something else than a credential of `okta-dac connect`",
            )
        })
    }

    /// The credential with which calls are made.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn credential(&self) -> Result<Credential, Stop> {
        let text = self.text()?;
        Credential::parse(&text).map_err(|error| Stop::new(Code::Operator, error.to_string()))
    }

    /// The client, if it is one of this org.
    ///
    /// # Errors
    ///
    /// There is none, or it is another org's.
    pub fn client_of(&self, org: &str) -> Result<AppId, Stop> {
        let id = self.client_id.clone();
        let id = id.ok_or_else(|| Stop::new(Code::Usage, "there is no client's credential in this place"))?;
        match &self.org {
            Some(own) if own != org => {
                Err(Stop::new(Code::Usage, format!("the credential is of {own}, and not of {org}")))
            }
            _ => Ok(id.into()),
        }
    }

    /// The same with the secret to come in its place; `old` is the id of the one before.
    pub fn switched_secret(&self, old: Option<&str>) -> Self {
        let Some(pending) = self.pending.clone() else { return self.clone() };
        let before = old.map(str::to_owned).zip(self.client_secret.clone());
        Self {
            client_secret: Some(pending.value),
            pending: None,
            previous: before.map(|(id, value)| Part { id, value }),
            ..self.clone()
        }
    }

    /// The same with the key to come in its place.
    pub fn switched(&self) -> Self {
        let Some(pending) = self.pending.clone() else { return self.clone() };
        let before = self.key_id.clone().zip(self.private_key.clone());
        Self {
            private_key: Some(pending.value),
            key_id: Some(pending.id),
            pending: None,
            previous: before.map(|(id, value)| Part { id, value }).or_else(|| self.previous.clone()),
            ..self.clone()
        }
    }

    /// The public halves of the keys that are held, in use, to come and before: a JWK Set
    /// (RFC 7517, section 5).
    ///
    /// # Errors
    ///
    /// A key cannot be read.
    pub fn public_keys(&self) -> Result<Value, Stop> {
        let others = [&self.pending, &self.previous].into_iter().flatten().map(|part| &part.value);
        let keys = self.private_key.iter().chain(others);
        let keys = keys.map(|key| KeyPair::of(key.expose().to_owned().into()).map(|pair| pair.public));
        Ok(json!({ "keys": keys.collect::<Result<Vec<_>, _>>()? }))
    }

    /// The `kid`s of the keys that are held.
    pub fn held(&self) -> Vec<&str> {
        let others = [&self.pending, &self.previous].into_iter().flatten().map(|part| part.id.as_str());
        others.chain(self.key_id.as_deref()).collect()
    }

    /// The pair to come, if there is one.
    ///
    /// # Errors
    ///
    /// The key cannot be read.
    pub fn pending_key(&self) -> Result<Option<KeyPair>, Stop> {
        self.pending.as_ref().map(|part| KeyPair::of(part.value.expose().to_owned().into())).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyKind;
    use secrecy::ExposeSecret;

    #[test]
    fn a_pending_key_becomes_the_one_in_use() {
        let pair = KeyPair::generate(KeyKind::P256).unwrap();
        let part = Part { id: pair.key_id.clone(), value: pair.private.expose_secret().into() };
        let stored = Stored {
            client_id: Some("0oa1".to_owned()),
            scopes: vec!["okta.users.read".to_owned()],
            dpop: true,
            pending: Some(part.clone()),
            ..Stored::default()
        };
        assert!(stored.credential().is_err(), "no key is in use yet");
        assert_eq!(stored.pending_key().unwrap().unwrap().key_id, pair.key_id);
        let first = stored.switched();
        assert!(first.credential().is_ok() && first.previous.is_none() && first.pending.is_none());
        let second = Stored { pending: Some(Part { id: "2".to_owned(), ..part.clone() }), ..first };
        assert_eq!(second.switched().previous, Some(part));
        assert!(!format!("{second:?}").contains("PRIVATE"));
        assert_eq!(Stored::parse(&second.text().unwrap()).unwrap(), second);
        assert!(!Stored::parse("{\"s3cret\":1}").unwrap_err().to_string().contains("s3cret"));
    }

    #[test]
    fn a_document_has_every_held_key_and_no_private_half() {
        let pairs = KeyKind::ALL.map(|kind| KeyPair::generate(kind).unwrap());
        let part = |pair: &KeyPair| {
            Some(Part { id: pair.key_id.clone(), value: pair.private.expose_secret().into() })
        };
        let stored = Stored {
            private_key: Some(pairs[0].private.expose_secret().into()),
            key_id: Some(pairs[0].key_id.clone()),
            pending: part(&pairs[1]),
            previous: part(&pairs[2]),
            ..Stored::default()
        };
        let document = stored.public_keys().unwrap();
        let keys = document["keys"].as_array().unwrap();
        let kids: Vec<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert_eq!(kids, pairs.each_ref().map(|pair| pair.key_id.as_str()));
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(keys.iter().all(|key| key.get(member).is_none()), "{member}");
        }
    }
}
