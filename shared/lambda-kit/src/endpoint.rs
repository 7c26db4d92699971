//! What an operation is.

use std::future::Future;

use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Context, Decode};

/// One operation of the API. The value is what the operation is configured with.
pub trait Endpoint: Sized + Send + Sync + 'static {
    /// Its entry in the table.
    const OPERATION: &'static Operation;

    /// Media type of its answer.
    const MEDIA_TYPE: &'static str = "application/json";

    /// Another status of success than the table's, and when it is answered.
    const OTHER_SUCCESS: Option<(u16, &'static str)> = None;

    /// What it needs to know.
    type Input: Decode + Send;

    /// Body of its successful answer; `()` if it has none.
    type Output: Serialize + JsonSchema + Send;

    /// One variant per outcome that a caller can act on.
    type Error: Into<Failure> + Send;

    /// Reads what the operation is configured with, when the function starts: a
    /// function that cannot work does not start.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    fn prepare(environment: &Environment) -> Result<Self, ConfigError>;

    /// Does it. May be called with a request that was sent before: it converges.
    fn call(
        &self,
        context: &Context,
        input: Self::Input,
    ) -> impl Future<Output = Result<Success<Self::Output>, Self::Error>> + Send;

    /// The one sample: it feeds the event file, the OpenAPI example and the
    /// end-to-end test.
    fn example() -> Example;
}

/// A sample request and its answer.
#[derive(Debug)]
pub struct Example {
    /// Path with its parameters filled in, and query.
    pub target: &'static str,
    /// Request body.
    pub body: Option<Value>,
    /// Answer body.
    pub answer: Option<Value>,
}

/// Output of an operation whose answer is not JSON: see [`Success::text`].
#[derive(Debug, Serialize, JsonSchema)]
pub struct Text(());

/// A successful answer.
#[derive(Debug)]
pub struct Success<T> {
    pub(crate) status: Option<u16>,
    pub(crate) body: Option<T>,
    pub(crate) text: Option<(&'static str, Vec<u8>)>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl<T> Success<T> {
    /// With a body, and the status of the table.
    pub fn new(body: T) -> Self {
        Self { status: None, body: Some(body), text: None, headers: Vec::new() }
    }

    /// Without a body, and the status of the table.
    pub fn empty() -> Self {
        Self { status: None, body: None, text: None, headers: Vec::new() }
    }

    /// With a body that is not JSON, byte for byte, and its media type.
    pub fn text(media_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { text: Some((media_type, bytes)), ..Self::empty() }
    }

    /// With another status than the table's.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The headers.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The same with its body as a JSON value.
    ///
    /// # Errors
    ///
    /// `internal` if the body does not serialise.
    pub fn into_value(self) -> Result<Success<Value>, Failure>
    where
        T: Serialize,
    {
        let body = self.body.map(|body| serde_json::to_value(body)).transpose();
        let unusable = |_| Failure::new(operations::ProblemCode::Internal, "the answer cannot be written");
        let Self { status, text, headers, .. } = self;
        Ok(Success { status, body: body.map_err(unusable)?, text, headers })
    }

    /// The body that is not JSON, if it is not.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.text.as_ref().map(|(_, bytes)| bytes.as_slice())
    }

    /// The body.
    pub fn body(&self) -> Option<&T> {
        self.body.as_ref()
    }
}

/// Headers that an answer may have, for those that are kept.
const HEADERS: [&str; 2] = ["link", "location"];

impl Success<Value> {
    /// The whole answer as JSON: to be kept.
    pub fn to_value(&self) -> Value {
        json!({ "status": self.status, "headers": self.headers, "body": self.body })
    }

    /// An answer that was kept.
    pub fn from_value(kept: &Value) -> Self {
        let header = |pair: &Value| {
            let name = HEADERS.into_iter().find(|name| pair[0] == *name)?;
            Some((name, pair[1].as_str()?.to_owned()))
        };
        let headers = kept["headers"].as_array().into_iter().flatten().filter_map(header).collect();
        let status = kept["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let body = Some(kept["body"].clone()).filter(|body| !body.is_null());
        Self { status, body, text: None, headers }
    }
}
