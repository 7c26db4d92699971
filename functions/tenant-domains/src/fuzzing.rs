//! What the fuzz targets ask: see `tests/fuzz`.

/// The texts in a resolver's answer, if the answer can be read.
pub fn texts(answer: &[u8]) -> Option<Vec<String>> {
    crate::dns::texts(serde_json::from_slice(answer).ok()?).ok()
}
