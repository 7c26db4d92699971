//! Faults that a test orders: an error, a delay, a lost connection.

use serde::{Deserialize, Serialize};

/// What to do to which calls.
///
/// A fault matches a call if every condition that it names holds; `nth` counts
/// the matching calls from 1, `times` says how many from there on are hit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// HTTP method.
    #[serde(default)]
    pub method: Option<String>,
    /// Exact path without query.
    #[serde(default)]
    pub path: Option<String>,
    /// Okta's operationId.
    #[serde(default)]
    pub operation_id: Option<String>,
    /// First matching call that is hit.
    #[serde(default = "one")]
    pub nth: u64,
    /// Number of calls that are hit.
    #[serde(default = "one")]
    pub times: u64,
    /// What happens to them.
    pub action: Action,
    /// Matching calls so far.
    #[serde(skip)]
    pub(crate) seen: u64,
}

fn one() -> u64 {
    1
}

impl Fault {
    /// A fault that hits the `nth` call from now on, and `times - 1` after it.
    pub fn on_call(nth: u64, times: u64, action: Action) -> Self {
        Self { method: None, path: None, operation_id: None, nth, times, action, seen: 0 }
    }
}

/// What happens to a call. The members may be combined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Action {
    /// Answer with Okta's error object and this status; nothing is done.
    pub status: Option<u16>,
    /// Answer 429 with a reset two seconds ahead; nothing is done.
    pub rate_limit: bool,
    /// Wait so many milliseconds first.
    pub delay_ms: u64,
    /// Close the connection without an answer.
    pub drop: Option<Drop>,
    /// Answer 200 with this text as the body; the call is done.
    pub body: Option<String>,
}

/// When the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Drop {
    /// Nothing was done.
    Before,
    /// The call was done, its answer is lost.
    After,
}

/// The action of the first fault that hits this call.
pub(crate) fn hit(
    faults: &mut [Fault],
    method: &str,
    path: &str,
    operation_id: Option<&str>,
) -> Option<Action> {
    let mut action = None;
    for fault in faults {
        let matches = fault.method.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(method))
            && fault.path.as_deref().is_none_or(|p| p == path)
            && fault.operation_id.as_deref().is_none_or(|id| Some(id) == operation_id);
        if matches {
            fault.seen += 1;
            if action.is_none() && fault.seen >= fault.nth && fault.seen - fault.nth < fault.times {
                action = Some(fault.action.clone());
            }
        }
    }
    action
}
