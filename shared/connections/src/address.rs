//! Where Okta reads the keys of a client, `jwks_uri`.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// Where Okta reads the keys of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Url);

impl Address {
    /// For a request.
    pub(crate) fn url(&self) -> Url {
        self.0.clone()
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let local = |url: &Url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let is_good = |url: &Url| {
            (url.scheme() == "https" || (url.scheme() == "http" && local(url)))
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
                && text.len() <= 1_024
        };
        let url = Url::parse(text).ok().filter(is_good);
        url.map(Self).ok_or_else(|| format!("`{text}` is no https:// address of a document with keys"))
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.into()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_this_machine() {
        for bad in ["", "keys", "http://keys.test/a", "https://u:p@keys.test", "https://keys.test/#a"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        for good in ["https://keys.test/a/jwks.json", "http://127.0.0.1:1/jwks.json"] {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), good);
        }
    }
}
