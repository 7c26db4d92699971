//! The journal of calls: how calls are counted. It has no secrets.

use serde::{Deserialize, Serialize};

/// One call that reached the emulator.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Entry {
    /// Position since the journal was last emptied, from 1.
    pub seq: u64,
    /// Arrival, milliseconds since the emulator started.
    pub at_ms: f64,
    /// Time until the answer was ready, in milliseconds.
    pub duration_ms: f64,
    /// `sts`, `iam`, `signin`, `secretsmanager` or `ssm`.
    pub service: String,
    /// AWS's name of the operation.
    pub action: String,
    /// ARN of who signed the call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub principal: Option<String>,
    /// Region of the call, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<String>,
    /// Status of the answer; 0 if the connection was dropped.
    pub status: u16,
    /// AWS's error code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
}
