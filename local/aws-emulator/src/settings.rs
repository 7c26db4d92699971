//! The knobs that tests and demonstrations turn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Knobs of the emulator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    /// Every call takes at least this long.
    pub latency_ms: u64,
    /// Added to the machine's clock.
    pub clock_offset_ms: i64,
    /// `/federation` refuses every `SessionDuration`, and not only for chained roles.
    pub refuse_console_duration: bool,
    /// A role that may list the account's alias gets it.
    pub alias_allowed: bool,
    /// What is other than in the seed, by role ARN.
    pub roles: BTreeMap<String, RoleSettings>,
    /// The move of `AWSCURRENT` to a version takes its `AWSPENDING` away, as Secrets Manager's
    /// guide says; users see the label stay.
    pub pending_goes_with_current: bool,
    /// Regions in which STS is switched off.
    pub regions_disabled: Vec<String>,
}

/// What of a role is other than in the seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RoleSettings {
    /// Seconds.
    pub max_session_duration: Option<u32>,
    /// What a caller of AssumeRole has to send.
    pub external_id: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            clock_offset_ms: 0,
            refuse_console_duration: false,
            alias_allowed: true,
            roles: BTreeMap::new(),
            pending_goes_with_current: false,
            regions_disabled: Vec::new(),
        }
    }
}
