//! What can be said of a token of the org without its keys, which Okta does not
//! publish: form, issuer, audience, time, scope. Okta decides about the rest.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde::Deserialize;
use serde_json::Value;

/// What the scopes of the org's own API begin with.
const SCOPES: &str = "okta.";

/// Longest token.
const MAX_BYTES: usize = 10_240;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    #[serde(default)]
    scp: Vec<String>,
    #[serde(default)]
    cnf: Value,
}

/// Whether an `Authorization` header may be passed on; else what is wrong with it.
/// `now` in seconds since 1970.
pub(crate) fn check(header: Option<&str>, org: &str, now: i64) -> Result<(), &'static str> {
    let token = header.and_then(|header| header.strip_prefix("Bearer "));
    let token = token.ok_or("send `Authorization: Bearer` with an access token of the org")?;
    let parts: Vec<&str> = token.split('.').collect();
    let is_base64url = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let [_, payload, _] = parts[..] else { return Err("the token is no JWT") };
    if token.len() > MAX_BYTES || !parts.iter().all(is_base64url) {
        return Err("the token is no JWT");
    }
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| "the token is no JWT")?;
    let claims: Claims =
        serde_json::from_slice(&payload).map_err(|_| "the token is no access token of Okta")?;
    if claims.iss != org || claims.aud != org {
        return Err("the token is not of the org itself: get one from its own authorization server");
    }
    if claims.exp <= now {
        return Err("the token has expired");
    }
    if !claims.scp.iter().any(|scope| scope.starts_with(SCOPES)) {
        return Err("the token has no scope of Okta's API, such as `okta.users.manage`");
    }
    if !claims.cnf.is_null() {
        return Err("the token is bound to a key, and its proof cannot be passed on");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ORG: &str = "https://example.okta.com";

    fn header(change: impl Fn(&mut Value)) -> String {
        let mut claims =
            json!({ "iss": ORG, "aud": ORG, "exp": 200, "scp": ["openid", "okta.users.manage"] });
        change(&mut claims);
        format!("Bearer e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn pxy_01_tokens_that_may_be_passed_on() {
        assert_eq!(check(Some(&header(|_| {})), ORG, 100), Ok(()));
        for (header, reason) in [
            (header(|claims| claims["iss"] = json!(format!("{ORG}/oauth2/aus1"))), "not of the org"),
            (header(|claims| claims["aud"] = "api://okta-dac".into()), "not of the org"),
            (header(|claims| claims["exp"] = 100.into()), "expired"),
            (header(|claims| claims["scp"] = json!(["openid"])), "no scope"),
            (header(|claims| claims["cnf"] = json!({ "jkt": "x" })), "bound to a key"),
            (header(|claims| claims["exp"] = json!(null)), "no access token"),
            ("Bearer a.b".to_owned(), "no JWT"),
            ("Bearer a.b.c\r\nx".to_owned(), "no JWT"),
            ("SSWS 00token".to_owned(), "send `Authorization"),
        ] {
            assert!(check(Some(&header), ORG, 100).unwrap_err().contains(reason), "{header}");
        }
        assert!(check(None, ORG, 100).is_err());
    }
}
