//! Operations that pass a request on, byte for byte, instead of reading it.

use std::future::Future;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use okta_client::OrgUrl;
use operations::Operation;

use crate::{Example, Problem};

/// An operation that passes requests on. There is no authorizer before it, and no
/// Okta credential of ours in its reach: it has nothing but what the caller sent.
pub trait Forward: 'static {
    /// Its entry in the table.
    const OPERATION: &'static Operation;

    /// Passes a request on.
    fn call(
        context: &ForwardContext,
        request: ForwardRequest,
    ) -> impl Future<Output = Result<Forwarded, Problem>> + Send;

    /// The one sample.
    fn example() -> Example;
}

/// What such an operation works with.
#[derive(Clone, Debug)]
pub struct ForwardContext {
    /// Origin of the org.
    pub org_url: OrgUrl,
    /// Where this API is, as the caller sees it, without a trailing slash.
    pub base_url: String,
    /// A client without any credential.
    pub http: reqwest::Client,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct ForwardRequest {
    /// Its method.
    pub method: Method,
    /// The parameter `proxy` of the path, as it stands in it.
    pub path: String,
    /// The query, decoded, with every value of a repeated parameter.
    pub query: Vec<(String, String)>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
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
