//! Verifying an access token.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use domain::{CLOCK_SKEW_SECONDS, Caller};
use jsonwebtoken::Algorithm;
use operations::SCOPES;
use serde::Deserialize;
use serde_json::Value;

use crate::{Key, Settings};

/// Longest token: more does not fit into the headers that API Gateway takes.
const MAX_BYTES: usize = 10_240;

/// The claims of an accepted token that matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// `sub`: login of the user.
    pub subject: String,
    /// `iat`, in seconds since 1970.
    pub issued: i64,
    /// `exp`, in seconds since 1970.
    pub expires: i64,
    /// Who is calling.
    pub caller: Caller,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Rejection {
    #[error("there is no bearer token of the form `Bearer <header>.<payload>.<signature>`")]
    NoToken,
    #[error("there is more than one `Authorization`")]
    SeveralTokens,
    #[error("the token cannot be read")]
    Malformed,
    #[error("the header asks for an extension (`crit`)")]
    Critical,
    #[error("the header has no `kid`")]
    NoKeyId,
    #[error("the issuer has no key of this `kid`")]
    UnknownKey,
    #[error("the header names another algorithm than the key's")]
    WrongAlgorithm,
    #[error("the signature is not the key's")]
    BadSignature,
    #[error("a required claim is missing or of another type")]
    MissingClaim,
    #[error("`iss` is another issuer")]
    WrongIssuer,
    #[error("`aud` is another audience")]
    WrongAudience,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("`cid` is a client that is not accepted")]
    WrongClient,
    #[error("`scp` has none of `dac.admin`, `managed.access` and `dac.respond`")]
    MissingScope,
    #[error("the token is bound to a key (`cnf`) and comes without its proof")]
    Bound,
}

/// The token in an `Authorization` header, if it has the form of one: three
/// parts of base64url, none of them empty, after the scheme in any case and blanks
/// (RFC 9110, 11.1 and 11.4).
pub(crate) fn bearer(header: &str) -> Result<&str, Rejection> {
    let (scheme, token) = header.split_once(' ').ok_or(Rejection::NoToken)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Rejection::NoToken);
    }
    let token = token.trim_start_matches(' ');
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let parts: Vec<&str> = token.split('.').collect();
    if token.len() <= MAX_BYTES && parts.len() == 3 && parts.into_iter().all(part) {
        Ok(token)
    } else {
        Err(Rejection::NoToken)
    }
}

/// Key id and algorithm that a token names, before anything about it is
/// trusted.
pub(crate) fn header(token: &str) -> Result<(String, Algorithm), Rejection> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Rejection::Malformed)?;
    if header.crit.is_some() {
        return Err(Rejection::Critical);
    }
    let key_id = header.kid.filter(|kid| !kid.is_empty()).ok_or(Rejection::NoKeyId)?;
    Ok((key_id, header.alg))
}

#[derive(Deserialize)]
struct Payload {
    iss: String,
    aud: Value,
    #[serde(deserialize_with = "seconds")]
    exp: i64,
    #[serde(deserialize_with = "seconds")]
    iat: i64,
    #[serde(default, deserialize_with = "some_seconds")]
    nbf: Option<i64>,
    cid: String,
    uid: String,
    sub: String,
    scp: Vec<String>,
    #[serde(default)]
    tenants: Value,
    #[serde(default)]
    groups: Value,
    #[serde(default)]
    on_behalf: Value,
    cnf: Option<serde::de::IgnoredAny>,
}

/// A NumericDate, which may have a fraction (RFC 7519, 2): rounded down.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_i64().or_else(|| {
        // Exact below 2^53, which is 285 million years.
        let whole = number.as_f64().map(f64::floor).filter(|whole| whole.abs() < 9_007_199_254_740_992.0)?;
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction, and is small enough")]
        Some(whole as i64)
    });
    whole.ok_or_else(|| serde::de::Error::custom("no time"))
}

fn some_seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    seconds(deserializer).map(Some)
}

/// Checks signature and claims of a token whose header names `algorithm`;
/// `now` is the time in seconds since 1970.
///
/// # Errors
///
/// [`Rejection`]: the first rule that the token breaks.
pub(crate) fn verify(
    token: &str,
    algorithm: Algorithm,
    key: &Key,
    settings: &Settings,
    now: i64,
) -> Result<Claims, Rejection> {
    if algorithm != key.algorithm {
        return Err(Rejection::WrongAlgorithm);
    }
    let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Rejection::Malformed);
    let (signed, signature) = token.rsplit_once('.').ok_or(Rejection::Malformed)?;
    let (_, payload) = signed.split_once('.').ok_or(Rejection::Malformed)?;
    key.public.verify_sig(signed.as_bytes(), &decoded(signature)?).map_err(|_| Rejection::BadSignature)?;
    let payload = decoded(payload)?;
    // A list of values, too, could be read as the members in their order.
    if payload.trim_ascii_start().first() != Some(&b'{') {
        return Err(Rejection::Malformed);
    }
    let claims: Payload = serde_json::from_slice(&payload)
        .map_err(|error| if error.is_data() { Rejection::MissingClaim } else { Rejection::Malformed })?;
    if claims.iss != settings.issuer {
        return Err(Rejection::WrongIssuer);
    }
    let accepted =
        |audience: &Value| audience.as_str().is_some_and(|a| settings.audiences.iter().any(|s| s == a));
    let audience = match &claims.aud {
        Value::Array(audiences) => audiences.iter().any(accepted),
        audience => accepted(audience),
    };
    if !audience {
        return Err(Rejection::WrongAudience);
    }
    if claims.exp.saturating_add(CLOCK_SKEW_SECONDS) <= now {
        return Err(Rejection::Expired);
    }
    if claims.iat.max(claims.nbf.unwrap_or(i64::MIN)) > now + CLOCK_SKEW_SECONDS {
        return Err(Rejection::NotYetValid);
    }
    if !settings.client_ids.is_empty() && !settings.client_ids.contains(&claims.cid) {
        return Err(Rejection::WrongClient);
    }
    let scopes: Vec<String> = SCOPES
        .into_iter()
        .filter(|scope| claims.scp.iter().any(|has| has == scope))
        .map(str::to_owned)
        .collect();
    if scopes.is_empty() {
        return Err(Rejection::MissingScope);
    }
    if claims.cnf.is_some() {
        return Err(Rejection::Bound);
    }
    if claims.uid.is_empty() || claims.sub.is_empty() {
        return Err(Rejection::MissingClaim);
    }
    // Whatever is not a list of strings grants nothing.
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let on_behalf = match &claims.on_behalf {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.eq_ignore_ascii_case("false"),
        _ => true,
    };
    let caller = Caller::new(&claims.uid, &strings(&claims.tenants), &strings(&claims.groups), on_behalf)
        .with_token(&claims.cid, &scopes);
    Ok(Claims { subject: claims.sub, issued: claims.iat, expires: claims.exp, caller })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scheme's case does not matter, and neither do more blanks; what follows does.
    #[test]
    fn br_19_the_scheme_in_any_case() {
        for header in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "Bearer  a.b.c"] {
            assert_eq!(bearer(header).ok(), Some("a.b.c"), "{header}");
        }
        for header in
            ["Bearera.b.c", "Basic a.b.c", "Bearer", "Bearer a.b", "Bearer\ta.b.c", "Bearer a.b.c d"]
        {
            assert!(bearer(header).is_err(), "{header}");
        }
    }

    #[test]
    fn br_22_times_with_a_fraction() {
        #[derive(Deserialize)]
        struct Times {
            #[serde(deserialize_with = "seconds")]
            exp: i64,
        }
        let read = |text: &str| serde_json::from_str::<Times>(text).map(|times| times.exp).ok();
        assert_eq!(read(r#"{"exp": 1700000000.9}"#), Some(1_700_000_000));
        assert_eq!(read(r#"{"exp": 1.7e9}"#), Some(1_700_000_000));
        assert_eq!(read(r#"{"exp": -0.5}"#), Some(-1));
        assert_eq!(read(r#"{"exp": 9223372036854775807}"#), Some(i64::MAX));
        for text in [r#"{"exp": 1e300}"#, r#"{"exp": "1700000000"}"#, r#"{"exp": null}"#, "{}"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
