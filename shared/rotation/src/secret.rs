//! A secret with the password of one user: a JSON object.
//!
//! ```json
//! {"orgUrl": "https://acme.okta.com", "username": "svc@acme.test", "password": "…", "note": "kept"}
//! ```
//!
//! `username` is a login, or a user's id. `orgUrl` may be left out. Every other member is
//! carried over as it is, in its place.

use okta_client::OrgUrl;
use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// A secret that was read.
pub struct Secret {
    members: Vec<(String, Box<RawValue>)>,
    /// Login or id of the user.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Why a secret cannot be used. It repeats nothing of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// It is something else.
    #[error("the secret is no JSON object with the texts `username` and `password`")]
    Shape,
    /// A secret must not be able to send a password elsewhere.
    #[error("the secret names another org than the one that is configured")]
    Org,
}

impl Secret {
    /// Reads a secret for an org.
    ///
    /// # Errors
    ///
    /// [`BadSecret`].
    pub fn parse(text: &str, org: &OrgUrl) -> Result<Self, BadSecret> {
        let Members(members) = serde_json::from_str(text).map_err(|_| BadSecret::Shape)?;
        let text_of = |name: &str| {
            let mut named = members.iter().filter(|(member, _)| member == name);
            match (named.next(), named.next()) {
                (None, _) => Ok(None),
                (Some((_, value)), None) => {
                    serde_json::from_str::<String>(value.get()).map(Some).map_err(|_| BadSecret::Shape)
                }
                // Readers do not agree on which of them counts.
                _ => Err(BadSecret::Shape),
            }
        };
        let required = |name| text_of(name)?.filter(|text: &String| !text.is_empty()).ok_or(BadSecret::Shape);
        let (username, password) = (required("username")?, required("password")?);
        if let Some(url) = text_of("orgUrl")? {
            let same = OrgUrl::parse(&url).is_ok_and(|url| url.as_str() == org.as_str());
            if !same {
                return Err(BadSecret::Org);
            }
        }
        Ok(Self { members, username, password: password.into() })
    }

    /// The same secret with another password, as text.
    ///
    /// # Errors
    ///
    /// None that is known.
    pub fn with_password(&self, password: &SecretString) -> Result<Zeroizing<String>, BadSecret> {
        let mut text = Zeroizing::new("{".to_owned());
        for (index, (name, value)) in self.members.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(&serde_json::to_string(name).map_err(|_| BadSecret::Shape)?);
            text.push(':');
            if name == "password" {
                let value = serde_json::to_string(password.expose_secret()).map(Zeroizing::new);
                text.push_str(&value.map_err(|_| BadSecret::Shape)?);
            } else {
                text.push_str(value.get());
            }
        }
        text.push('}');
        Ok(text)
    }
}

/// The members of an object, in their order, values as they are.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org() -> OrgUrl {
        OrgUrl::parse("https://acme.okta.test").unwrap()
    }

    #[test]
    fn everything_but_the_password_stays_as_it_is() {
        let text = r#"{ "z": [1, {"b":2,"a":1.50}], "username": "svc@acme.test", "password":"old", "orgUrl":"https://acme.okta.test/", "a": null }"#;
        let secret = Secret::parse(text, &org()).unwrap();
        assert_eq!((secret.username.as_str(), secret.password.expose_secret()), ("svc@acme.test", "old"));
        let new = secret.with_password(&"n\"w".into()).unwrap();
        assert_eq!(
            new.as_str(),
            r#"{"z":[1, {"b":2,"a":1.50}],"username":"svc@acme.test","password":"n\"w","orgUrl":"https://acme.okta.test/","a":null}"#
        );
        assert!(!format!("{secret:?}").contains("old"));
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for (text, bad) in [
            ("", BadSecret::Shape),
            ("[]", BadSecret::Shape),
            (r#"{"username":"a"}"#, BadSecret::Shape),
            (r#"{"username":"a","password":""}"#, BadSecret::Shape),
            (r#"{"username":"a","password":5}"#, BadSecret::Shape),
            (r#"{"username":"a","password":"b","password":"c"}"#, BadSecret::Shape),
            (r#"{"username":"a","password":"b","orgUrl":"https://evil.test"}"#, BadSecret::Org),
            (r#"{"username":"a","password":"b","orgUrl":"nonsense"}"#, BadSecret::Org),
        ] {
            assert_eq!(Secret::parse(text, &org()).unwrap_err(), bad, "{text}");
        }
    }
}
