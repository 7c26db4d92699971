//! Events of the System Log.

use serde::Deserialize;

/// An event (schema `LogEvent`), as the System Log and event hooks have it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEvent {
    /// Its id.
    pub uuid: String,
    /// When it happened, RFC 3339, UTC, with milliseconds.
    pub published: String,
    /// `user.lifecycle.suspend`, …
    pub event_type: String,
    /// Whether it was done.
    pub outcome: Option<LogOutcome>,
    /// Who did it.
    #[serde(default)]
    pub actor: Option<LogTarget>,
    /// What it was done to.
    #[serde(default, deserialize_with = "super::null_is_default")]
    pub target: Vec<LogTarget>,
}

/// Whether something was done (schema `LogOutcome`).
#[derive(Clone, Debug, Deserialize)]
pub struct LogOutcome {
    /// `SUCCESS`, `FAILURE`, …
    pub result: Option<String>,
}

/// What something was done to, or who did it (schemas `LogTarget` and `LogActor`).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogTarget {
    /// Its id.
    pub id: String,
    /// `User`, `UserGroup`, `AppInstance`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The login of a user, the name of a group.
    #[serde(default)]
    pub alternate_id: Option<String>,
    /// The name that people see.
    #[serde(default)]
    pub display_name: Option<String>,
}

impl LogEvent {
    /// The first target of a kind.
    pub fn target_of(&self, kind: &str) -> Option<&LogTarget> {
        self.target.iter().find(|target| target.kind == kind)
    }

    /// Whether it was done; an event that does not say so was.
    pub fn is_done(&self) -> bool {
        let result = self.outcome.as_ref().and_then(|outcome| outcome.result.as_deref());
        matches!(result, None | Some("SUCCESS"))
    }
}
