//! From an API Gateway event to an operation and back.
//!
//! An operation implements [`Endpoint`]; its binary calls [`serve`]. Between
//! them this crate reads the configuration, decodes the request, checks once
//! more that the caller may call this operation, sets a deadline, runs the
//! operation, and turns its result or its problem into an answer with CORS
//! headers and one line of log. The handler that the Lambda runtime sees never
//! fails and never panics: a caller would get an opaque 502.

mod config;
mod context;
mod decode;
mod endpoint;
mod forward;
mod hook;
mod log;
mod paging;
mod problem;
mod secrets;
mod serve;
mod steps;

pub use config::{Config, ConfigError, read, read_all};
pub use context::{ApiStage, Context, Resources};
pub use decode::{Decode, NoBody, QueryParameter, Request, RequestParts, Values, Violation};
pub use endpoint::{Description, Endpoint, Example, Success, Text};
pub use forward::{Forward, ForwardContext, ForwardRequest, Forwarded};
pub use hook::Hook;
pub use log::{Exit, fatal, init as init_log};
pub use paging::Paging;
pub use problem::{Object, Problem};
pub use serve::{Service, http_client, serve, serve_forward, serve_hook};
pub use steps::{Failure, Steps, Undo, Undone};
