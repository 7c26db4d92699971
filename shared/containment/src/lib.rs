//! Responses: what is done to a user whose account somebody else may be using.
//!
//! Decisions alone: no I/O, no Okta, no Lambda. The functions read and write; the operator's
//! program checks rules with the same code.
//!
//! - [`Request`] is the body of a request; [`Order`] is one that breaks no rule.
//! - [`decide`] compares an order with the [`Facts`] about its user and gives a [`Plan`], or
//!   says why nothing is done: the guardrails, all of them.
//! - [`Response`] is what is kept: written before the first change, with each outcome.
//! - [`take_back`] says what the end of a response restores: what it changed itself, and what
//!   is still as it left it.
//! - [`Rules`] say which events of Okta's System Log lead to which order.

mod action;
mod decide;
mod event;
mod order;
mod plan;
mod response;
mod rules;
mod take_back;

pub use action::{Action, OnLift};
pub use decide::{
    Admin, Facts, Group, OKTA_GROUP, Refusal, Rights, Settings, Status, SuperAdmins, Who, decide,
};
pub use event::{LogEvent, Target};
pub use order::{Broken, Limits, Order, Request};
pub use plan::{Plan, Step, Will};
pub use response::{Actor, Before, Lift, Outcome, Response, State, Taken, new_id, parse_id};
pub use rules::{Match, Mode, Risk, Rule, Rules, RulesError};
pub use take_back::{Current, Undo, UndoStep, Word, take_back};
