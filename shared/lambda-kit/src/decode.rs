//! From a request to an operation's input.

use std::collections::BTreeMap;

use domain::{Caller, TenantName};
use operations::ProblemCode;
use run_kit::Failure;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::strict::refuses_lists;

/// Largest body, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The parts of a request, free of Lambda's types.
#[derive(Clone, Debug, Default)]
pub struct RequestParts {
    /// Path parameters, decoded.
    pub path: BTreeMap<String, String>,
    /// Query parameters, decoded; the last value of a repeated one.
    pub query: BTreeMap<String, String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// Every value of `Idempotency-Key`.
    pub idempotency_keys: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A request that an operation decodes.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its parts.
    pub parts: RequestParts,
    /// Who sent it.
    pub caller: Caller,
}

/// A documented query parameter.
#[derive(Debug)]
pub struct QueryParameter {
    /// Its name.
    pub name: &'static str,
    /// What it does, with default and bounds.
    pub description: &'static str,
    /// What it may hold.
    pub values: Values,
}

/// What a query parameter may hold.
#[derive(Debug)]
pub enum Values {
    /// Any text.
    Text,
    /// A whole number between these.
    Number(u32, u32),
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// Marks an operation without a request body.
#[derive(Debug, JsonSchema)]
pub struct NoBody;

/// An operation's input: newtypes only. The operation never sees a value that
/// breaks a rule.
pub trait Decode: Sized {
    /// Shape of the request body.
    type Body: JsonSchema;

    /// Whether a request without a body is refused.
    const BODY_REQUIRED: bool = true;

    /// Query parameters.
    const QUERY: &'static [QueryParameter] = &[];

    /// Reads the request.
    ///
    /// # Errors
    ///
    /// A failure that names every rule that is broken.
    fn decode(request: &Request) -> Result<Self, Failure>;
}

impl Request {
    /// The tenant that the path names.
    ///
    /// # Errors
    ///
    /// `invalid-request` if it cannot be a tenant's name.
    pub fn tenant(&self) -> Result<TenantName, Failure> {
        let name = self.parts.path.get("tenant").map_or("", String::as_str);
        TenantName::parse(name).map_err(|error| Failure::violation("path.tenant", error.to_string()))
    }

    /// The Okta id that a parameter of the path holds.
    ///
    /// # Errors
    ///
    /// `invalid-request` if it cannot be one.
    pub fn id<T: From<String>>(&self, parameter: &str) -> Result<T, Failure> {
        let id = self.parts.path.get(parameter).map_or("", String::as_str);
        if domain::is_okta_id(id) {
            return Ok(T::from(id.to_owned()));
        }
        let detail = "must be the id of an Okta object: at most 40 letters and digits".to_owned();
        Err(Failure::violation(&format!("path.{parameter}"), detail))
    }

    /// A query parameter that is present.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.parts.query.get(name).map(String::as_str)
    }

    /// A query parameter that is `true` or `false`; false if absent.
    ///
    /// # Errors
    ///
    /// `invalid-request` for any other value.
    pub fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.query(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => {
                Err(Failure::violation(&format!("query.{name}"), "must be `true` or `false`".to_owned()))
            }
        }
    }

    /// The media type of the body, in lower case, without parameters.
    pub fn media_type(&self) -> String {
        let media_type = self.parts.content_type.as_deref().unwrap_or_default();
        media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The body as it was sent.
    ///
    /// # Errors
    ///
    /// `payload-too-large`.
    pub fn bytes(&self) -> Result<&[u8], Failure> {
        let body = &self.parts.body;
        if body.len() > MAX_BODY_BYTES {
            let detail = format!("the body has {} bytes; send at most {MAX_BODY_BYTES}", body.len());
            return Err(Failure::pointing(ProblemCode::PayloadTooLarge, "", detail));
        }
        Ok(body)
    }

    /// The JSON body.
    ///
    /// # Errors
    ///
    /// `payload-too-large`, `unsupported-media-type`, `invalid-request`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let body = self.bytes()?;
        if body.is_empty() {
            return Err(Failure::violation("", "the body is missing; send a JSON object".to_owned()));
        }
        if self.media_type() != "application/json" {
            let detail = "send the body with `Content-Type: application/json`".to_owned();
            return Err(Failure::pointing(ProblemCode::UnsupportedMediaType, "", detail));
        }
        let refused = |error: serde_path_to_error::Error<serde_json::Error>| {
            let message = error.inner().to_string();
            // "… at line 1 column 9": the pointer says it better, except for text that is no JSON.
            let detail = if error.inner().is_data() {
                message.split(" at line ").next().unwrap_or_default().to_owned()
            } else {
                format!("the body is not JSON: {message}")
            };
            // The path of a missing member is that of the object that lacks it.
            let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
            let missing = missing.map(|name| format!("/{name}")).unwrap_or_default();
            Failure::violation(&format!("{}{missing}", pointer(error.path())), detail)
        };
        let no_json = |error| Failure::violation("", format!("the body is not JSON: {error}"));
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        // Read as it stands first: a member that is there twice is refused.
        let _: T = serde_path_to_error::deserialize(&mut deserializer).map_err(refused)?;
        deserializer.end().map_err(no_json)?;
        let value = serde_json::from_slice(body).map_err(no_json)?;
        refuses_lists(&value).map_err(refused)
    }
}

/// `/a/b/0` for `a.b[0]`.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use run_kit::Violation;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, expecting = "a JSON object")]
    #[expect(dead_code, reason = "only the refusals matter")]
    struct Body {
        name: String,
        list: Option<Vec<u8>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the refusals matter")]
    struct Nested {
        inner: Option<Vec<Body>>,
    }

    /// serde reads a struct from a list, by position.
    #[test]
    fn br_01_a_list_is_no_object() {
        let refused = |body: &str| {
            let parts = RequestParts {
                body: body.into(),
                content_type: Some("application/json".into()),
                ..RequestParts::default()
            };
            let request = Request { parts, caller: Caller::new("00u1", &[], &[], false) };
            let failure = request.body::<Nested>().unwrap_err();
            let violation = failure.violations().first().cloned().unwrap();
            (violation.pointer, violation.detail)
        };
        let detail = "must be an object, not a list".to_owned();
        assert_eq!(refused("[[]]"), (String::new(), detail.clone()));
        assert_eq!(refused(r#"{"inner": [{"name": "a"}, ["b", [1]]]}"#), ("/inner/1".to_owned(), detail));
        assert_eq!(refused(r#"{"inner": [], "inner": []}"#).1, "duplicate field `inner`");
    }

    fn refused(body: &str) -> (u16, String, String) {
        let parts = RequestParts {
            body: body.into(),
            content_type: Some("application/json; charset=utf-8".into()),
            ..RequestParts::default()
        };
        let request = Request { parts, caller: Caller::new("00u1", &[], &[], false) };
        let failure = request.body::<Body>().unwrap_err();
        let violation = failure.violations().first().cloned();
        let violation = violation.unwrap_or(Violation { pointer: String::new(), detail: String::new() });
        (failure.code().status(), violation.pointer, violation.detail)
    }

    #[test]
    fn ten_05_bad_bodies_are_refused_with_a_pointer() {
        for (body, pointer, detail) in [
            ("", "", "the body is missing; send a JSON object"),
            ("null", "", "invalid type: null, expected a JSON object"),
            ("{", "", "the body is not JSON: EOF while parsing an object at line 1 column 1"),
            (r#"{"name": 7}"#, "/name", "invalid type: integer `7`, expected a string"),
            (r#"{"name": "a", "x/y": 1}"#, "/x~1y", "unknown field `x/y`, expected `name` or `list`"),
            (r#"{}"#, "/name", "missing field `name`"),
            (r#"{"name": "a", "list": [1, "b"]}"#, "/list/1", "invalid type: string \"b\", expected u8"),
            (r#"{"name": "a"} x"#, "", "the body is not JSON: trailing characters at line 1 column 15"),
        ] {
            assert_eq!(refused(body), (400, pointer.to_owned(), detail.to_owned()), "{body}");
        }
        assert_eq!(refused(&format!(r#"{{"name": "{}"}}"#, "a".repeat(2 << 20))).0, 413);
    }
}
