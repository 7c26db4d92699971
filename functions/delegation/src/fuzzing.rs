//! What the fuzz targets ask: see `tests/fuzz`.

use serde_json::Value;

use crate::payload::Payload;

/// Reads a hook's payload; gives the user and the client whom it is about.
pub fn people(payload: &Value) -> Option<(String, String)> {
    let payload = Payload::of(payload).ok()?;
    // A reference to a delegation is read, whatever it says.
    let _ = payload.reference();
    Some((payload.user.to_owned(), payload.client.to_owned()))
}
