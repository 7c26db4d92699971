//! The parameters that Keeper hands over.

use std::io::Read;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rotation::end::Code;
use secrecy::SecretString;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::rotate::Stop;

/// Longest input, in bytes: a Gateway hands over a few records.
const LONGEST: u64 = 4 * 1024 * 1024;

/// With or without the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What is to be done, and the records that Keeper gives with it. Printing it shows nothing.
pub(in crate::rotate) struct Payload {
    /// Login, id, or e-mail address.
    pub(in crate::rotate) user: String,
    /// The present password: a first rotation may have none.
    pub(in crate::rotate) old: Option<SecretString>,
    /// The one to be.
    pub(in crate::rotate) new: SecretString,
    /// Records, one key for each field.
    pub(super) records: Vec<Map<String, Value>>,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payload").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

fn unreadable(message: &str) -> Stop {
    Stop::new(Code::Input, message)
}

/// What is on stdin.
///
/// # Errors
///
/// Nothing is, or far too much.
pub(in crate::rotate) fn input(stdin: impl Read) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = stdin.take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|_| unreadable("stdin cannot be read"))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unreadable("stdin is longer than 4 MiB: it is not what Keeper hands over"));
    }
    Ok(bytes)
}

impl Payload {
    /// Reads the parameters.
    ///
    /// # Errors
    ///
    /// A sentence that says which part cannot be read, and repeats nothing of it.
    pub(in crate::rotate) fn decode(input: &[u8]) -> Result<Self, Stop> {
        let text = text(input)?;
        if text.trim().is_empty() {
            return Err(unreadable("stdin is empty: Keeper's parameters are expected there"));
        }
        let json = decoded(&text)
            .ok_or_else(|| unreadable("stdin is not base64: Keeper's parameters are expected there"))?;
        let parameters =
            object(&json).ok_or_else(|| unreadable("what Keeper hands over is no JSON object in UTF-8"))?;
        let text_of = |name: &str| match parameters.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(unreadable(&format!("the parameter `{name}` is no text"))),
        };
        let required = |name: &str| {
            text_of(name)?.ok_or_else(|| unreadable(&format!("the parameter `{name}` is missing or empty")))
        };
        Ok(Self {
            user: required("user")?.trim().to_owned(),
            old: text_of("oldPassword")?.map(SecretString::from),
            new: required("newPassword")?.into(),
            records: records(parameters.get("records"))?,
        })
    }
}

/// The records: base64 of a JSON array, or the array itself.
fn records(value: Option<&Value>) -> Result<Vec<Map<String, Value>>, Stop> {
    let array = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(array)) => array.clone(),
        Some(Value::String(text)) => {
            let json = decoded(text).ok_or_else(|| unreadable("the parameter `records` is not base64"))?;
            serde_json::from_slice(without_mark(&json))
                .map_err(|_| unreadable("the parameter `records` is no JSON array of records"))?
        }
        Some(_) => return Err(unreadable("the parameter `records` is no text")),
    };
    let record = |value| match value {
        Value::Object(record) => Ok(record),
        _ => Err(unreadable("a record is no JSON object")),
    };
    array.into_iter().map(record).collect()
}

fn object(json: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(without_mark(json)).ok()
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// UTF-8, or UTF-16 as PowerShell writes it, each with or without a byte order mark.
fn text(bytes: &[u8]) -> Result<Zeroizing<String>, Stop> {
    let wide = |bytes: &[u8], from: fn([u8; 2]) -> u16| -> Option<String> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|pair| from(*pair));
        rest.is_empty().then(|| char::decode_utf16(units).collect::<Result<String, _>>().ok()).flatten()
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        // Base64 has no NUL: one beside every character is UTF-16 without a mark.
        [_, 0, ..] => wide(bytes, u16::from_le_bytes),
        [0, _, ..] => wide(bytes, u16::from_be_bytes),
        bytes => std::str::from_utf8(without_mark(bytes)).ok().map(str::to_owned),
    };
    text.map(Zeroizing::new).ok_or_else(|| unreadable("stdin is no text in UTF-8 or UTF-16"))
}

/// The bytes of a text in base64, which may be quoted, and broken into lines.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim();
    let unquoted = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    let text = unquoted('"').or_else(|| unquoted('\'')).unwrap_or(text);
    let compact: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    BASE64.decode(compact.as_bytes()).ok().filter(|bytes| !bytes.is_empty()).map(Zeroizing::new)
}
