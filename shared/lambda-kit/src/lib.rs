//! From an event of AWS to an operation and back.
//!
//! An operation implements one of five traits, by what starts it: [`Endpoint`] for
//! the API, [`Hook`] for Okta's inline hooks, [`EventHook`] for Okta's event hooks, [`Forward`]
//! for requests that are passed on or need no caller, [`Task`] for what a service of AWS starts. The operation's binary calls
//! the `serve` of that trait. Between them this crate reads the configuration, decodes
//! the request, checks once more that the caller may call this operation, makes a
//! [`run_kit::Run`], runs the operation, and turns its result or its failure into an
//! answer with CORS headers and one line of log. The handler of a request never fails
//! and never panics: a caller would get an opaque 502. The handler of a task fails
//! when the task fails: the service that started the task repeats it.

mod answer;
mod context;
mod decode;
mod description;
mod endpoint;
mod event;
mod event_hook;
mod exit;
mod forward;
mod hook;
mod paging;
mod problem;
mod serve;
mod strict;
mod task;

pub use context::Context;
pub use decode::{Decode, NoBody, QueryParameter, Request, RequestParts, Values};
pub use description::{Description, TaskDescription};
pub use endpoint::{Endpoint, Example, Success, Text};
pub use event_hook::EventHook;
pub use exit::{Exit, fatal};
pub use forward::{Forward, ForwardRequest, Forwarded};
pub use hook::Hook;
pub use paging::Paging;
pub use problem::Problem;
pub use serve::endpoint::{EndpointService, serve};
pub use serve::event_hook::{EventHookService, serve_event_hook};
pub use serve::forward::{ForwardService, serve_forward};
pub use serve::hook::{HookService, serve_hook};
pub use serve::task::{TaskFailed, TaskService, serve_task};
pub use task::{Task, scheduled_event};
