//! What the fuzz targets ask: see `tests/fuzz`.

use jsonwebtoken::jwk::Jwk;

use crate::Settings;
use crate::jwks::usable;
use crate::token::{bearer, header, verify};

/// Whether an `Authorization` header is accepted with this key at this time, in seconds since 1970.
pub fn is_accepted(text: &str, key: &Jwk, settings: &Settings, now: i64) -> bool {
    let Some((key_id, key)) = usable(key) else { return false };
    let accepted = bearer(text).and_then(|token| {
        let (named, algorithm) = header(token)?;
        Ok(named == key_id && verify(token, algorithm, &key, settings, now).is_ok())
    });
    accepted.unwrap_or(false)
}
