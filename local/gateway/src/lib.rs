//! API Gateway, Lambda and the rest of a deployment, on a laptop.
//!
//! [`Stack`] reads `template.yaml` and runs what it describes: it routes as a
//! REST API, asks the authorizer's binary, evaluates and keeps its policy,
//! starts the functions' binaries when they are first called and talks to them
//! over the Lambda Runtime API. What runs here is what deploys.
//!
//! The answers that API Gateway itself gives, down to their odd capitals, are
//! those recorded from AWS; each place says what it follows.

mod aws;
mod deployment;
mod dynamodb;
mod events;
mod iam;
mod intrinsics;
mod lambda;
mod policy_cache;
mod rest;
mod stack;
mod tables;
mod template;
mod throttle;
mod triggers;

pub use aws::{HOOK_SECRET, HOOK_SECRET_ARN, SECRET_ARN, SESSION_TOKEN, USER_SECRET_ARN};
pub use iam::{Decision, evaluate};
pub use intrinsics::TemplateError;
pub use lambda::{InvokeError, LogSink};
pub use stack::{EVENT_HOOK_EVENTS, Stack, StackError, StackOptions};
pub use template::Template;
