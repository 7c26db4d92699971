//! What an operation is.

use std::any::TypeId;
use std::future::Future;

use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Context, Decode, EndpointService, ForwardService, HookService, NoBody, QueryParameter};

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

/// What documents, events and tests need to know of an operation.
pub struct Description {
    /// Its entry in the table.
    pub operation: &'static Operation,
    /// Reads the configuration as its function does.
    pub prepare: fn(&Environment) -> Result<(), ConfigError>,
    /// Its query parameters.
    pub query: &'static [QueryParameter],
    /// Its sample.
    pub example: fn() -> Example,
    /// Media type of its answer.
    pub media_type: &'static str,
    /// Another status of success than the table's, and when it is answered.
    pub other_success: Option<(u16, &'static str)>,
    /// Whether a request without a body is refused.
    pub body_required: bool,
    /// Schema of the request body, if it has one.
    pub body: fn(&mut SchemaGenerator) -> Option<Schema>,
    /// Schema of the answer's body, if it has one.
    pub output: fn(&mut SchemaGenerator) -> Option<Schema>,
}

impl Description {
    /// The description of an operation.
    pub const fn of<E: Endpoint>() -> Self
    where
        <E::Input as Decode>::Body: 'static,
    {
        Self {
            operation: E::OPERATION,
            prepare: |environment| EndpointService::<E>::prepare(environment).map(drop),
            query: E::Input::QUERY,
            example: E::example,
            media_type: E::MEDIA_TYPE,
            other_success: E::OTHER_SUCCESS,
            body_required: E::Input::BODY_REQUIRED,
            body: body_schema::<<E::Input as Decode>::Body>,
            output: body_schema::<E::Output>,
        }
    }
}

impl Description {
    /// The same operation, served as `S`: with something around it.
    #[must_use]
    pub const fn served_as<S: Endpoint>(self) -> Self {
        Self { prepare: |environment| EndpointService::<S>::prepare(environment).map(drop), ..self }
    }

    /// The description of an operation that Okta calls.
    pub const fn of_hook<H: crate::Hook>() -> Self {
        Self {
            operation: H::OPERATION,
            prepare: |environment| HookService::<H>::prepare(environment).map(drop),
            query: &[],
            example: H::example,
            media_type: "application/json",
            other_success: None,
            body_required: true,
            body: |_| None,
            output: |_| None,
        }
    }

    /// The description of an operation that passes requests on.
    pub const fn of_forward<F: crate::Forward>() -> Self {
        Self {
            operation: F::OPERATION,
            prepare: |environment| ForwardService::<F>::prepare(environment).map(drop),
            query: &[],
            example: F::example,
            media_type: "application/json",
            other_success: None,
            body_required: false,
            body: |_| None,
            output: |_| None,
        }
    }
}

fn body_schema<B: JsonSchema + 'static>(generator: &mut SchemaGenerator) -> Option<Schema> {
    let none = [TypeId::of::<NoBody>(), TypeId::of::<()>(), TypeId::of::<Text>()];
    let none = none.contains(&TypeId::of::<B>());
    (!none).then(|| generator.subschema_for::<B>())
}
