//! Values that nobody can guess.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};

/// 43 random characters.
pub(crate) fn random() -> String {
    let mut bytes = [0; 32];
    // INVARIANT: the system's source of randomness does not fail once it works.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
