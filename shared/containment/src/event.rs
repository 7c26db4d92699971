//! An event of Okta's System Log, as far as rules look at it.

use serde::Deserialize;
use serde_json::Value;

/// An event (schema `LogEvent`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEvent {
    /// Its id: two events with the same one are the same.
    pub uuid: String,
    /// Its kind.
    pub event_type: String,
    /// When, RFC 3339.
    pub published: String,
    /// `DEBUG`, `INFO`, `WARN` or `ERROR`.
    #[serde(default)]
    pub severity: Option<String>,
    #[serde(default)]
    outcome: Value,
    #[serde(default)]
    actor: Value,
    /// What it is about.
    #[serde(default)]
    pub target: Option<Vec<Target>>,
    #[serde(default)]
    debug_context: Value,
}

/// What an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Target {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// `User`, `UserGroup`, …
    #[serde(rename = "type", default)]
    pub kind: String,
}

impl LogEvent {
    /// `SUCCESS`, `FAILURE`, …
    pub fn result(&self) -> &str {
        self.outcome["result"].as_str().unwrap_or_default()
    }

    /// Id of who caused it: a user, or a client.
    pub fn actor(&self) -> &str {
        self.actor["id"].as_str().unwrap_or_default()
    }

    /// Id of the only user whom the event is about: a target of the type `User`, or else the
    /// actor, if that is a user. [`None`] where several are: a rule then means nobody.
    pub fn user(&self) -> Option<&str> {
        let users = self.target.iter().flatten().filter(|target| target.kind == "User");
        let mut ids: Vec<&str> = users.map(|target| target.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let id = match ids[..] {
            [one] => one,
            [] if self.actor["type"] == "User" => self.actor(),
            _ => return None,
        };
        let is_id = (1..=40).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        is_id.then_some(id)
    }

    /// The text in which Okta says the risk: `{level=HIGH, reasons=…}` or `HIGH`.
    pub(crate) fn risk_text(&self) -> &str {
        let data = &self.debug_context["debugData"];
        let texts = ["risk", "riskLevel", "newRiskLevel"].into_iter().filter_map(|name| data[name].as_str());
        texts.into_iter().next().unwrap_or_default()
    }
}
