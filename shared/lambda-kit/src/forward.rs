//! Operations that pass a request on, byte for byte, instead of reading it.

use std::future::Future;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::{Schema, SchemaGenerator};

use crate::{Example, QueryParameter};

/// An operation without an authorizer before it, and with no Okta credential of ours in its
/// reach: it passes on what the caller sent, or shows what everybody may read.
/// The value is what the operation is configured with.
pub trait Forward: Sized + Send + Sync + 'static {
    /// Its entry in the table.
    const OPERATION: &'static Operation;

    /// Query parameters that it reads, for documents.
    const QUERY: &'static [QueryParameter] = &[];

    /// Media type of its own answer.
    const MEDIA_TYPE: &'static str = "application/json";

    /// Schema of its own answer, where the answer is not somebody else's.
    fn answer(_generator: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    /// Reads what the operation is configured with, when the function starts.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    fn prepare(environment: &Environment) -> Result<Self, ConfigError>;

    /// Passes a request on.
    fn call(&self, request: ForwardRequest) -> impl Future<Output = Result<Forwarded, Failure>> + Send;

    /// The one sample.
    fn example() -> Example;
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct ForwardRequest {
    /// Its method.
    pub method: Method,
    /// The parameter of the path, as it stands in it.
    pub path: String,
    /// The query, decoded, with every value of a repeated parameter.
    pub query: Vec<(String, String)>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// Where this API is, as the caller sees it, without a trailing slash.
    pub base_url: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// Status.
    pub status: u16,
    /// Headers that the caller gets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}
