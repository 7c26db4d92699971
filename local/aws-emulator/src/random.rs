//! Keys and tokens that nobody can guess.

use aws_lc_rs::rand;
use base64::prelude::{BASE64_STANDARD, Engine};

fn bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    // Without randomness the keys are all alike: an emulator's, no one's loss.
    let _ = rand::fill(&mut bytes);
    bytes
}

/// An access key id: `ASIA` of temporary credentials, and sixteen characters.
pub(crate) fn access_key_id() -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters = bytes(16).into_iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    std::iter::once("ASIA".to_owned()).chain(letters.map(String::from)).collect()
}

/// Base64 of so many random bytes.
pub(crate) fn base64(count: usize) -> String {
    BASE64_STANDARD.encode(bytes(count))
}

/// One character of a text.
pub(crate) fn one_of(text: &str) -> Option<char> {
    let all: Vec<char> = text.chars().collect();
    let random =
        bytes(8).into_iter().fold(0_usize, |number, byte| number.wrapping_mul(256) + usize::from(byte));
    all.get(random.checked_rem(all.len())?).copied()
}

/// So many letters.
pub(crate) fn letters(count: usize) -> String {
    (0..count).filter_map(|_| one_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")).collect()
}

/// As AWS writes the id of a request.
pub(crate) fn request_id() -> String {
    let hex: String = bytes(16).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
