//! What the fuzz targets ask: see `tests/fuzz`.

/// Reads what Keeper hands over on stdin; gives the sentence of a refusal.
///
/// # Errors
///
/// The sentence, which repeats nothing of what was read.
pub fn keeper(stdin: &[u8]) -> Result<(), String> {
    crate::rotate::fuzzed(stdin)
}
