//! Numbers about runs, for CloudWatch.
//!
//! A line of the embedded metric format on standard output: CloudWatch makes metrics
//! of the line without a call, a credential or a library (CloudWatch User Guide,
//! "Embedded metric format").

use serde_json::{Map, Value, json};

/// The namespace of all our metrics.
const NAMESPACE: &str = "okta-dac";

/// A metric, as CloudWatch has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Measure {
    /// In Pascal case, as AWS's own metrics.
    pub name: &'static str,
    /// In what.
    pub unit: Unit,
    /// By what it is told apart. Each has few values: operations, classes of Okta's limits, codes of
    /// problems, kinds of findings; never a name that somebody else gives.
    pub dimensions: &'static [&'static str],
    /// What is counted or measured.
    pub meaning: &'static str,
}

/// CloudWatch's units, as far as they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Time.
    Milliseconds,
    /// A part of a hundred.
    Percent,
}

impl Unit {
    /// The unit's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Count => "Count",
            Unit::Milliseconds => "Milliseconds",
            Unit::Percent => "Percent",
        }
    }
}

/// Every metric that the functions write: alarms, the dashboard and docs/metrics.md are compared
/// with this list.
pub mod measures {
    use super::{Measure, Unit};

    macro_rules! measures {
        ($($constant:ident: $name:literal, $unit:ident, [$($dimension:literal),*], $meaning:literal;)+) => {
            $(
                #[doc = concat!("`", $name, "`: ", $meaning, ".")]
                pub const $constant: Measure = Measure {
                    name: $name, unit: Unit::$unit, dimensions: &[$($dimension),*], meaning: $meaning,
                };
            )+

            /// All of them.
            pub const ALL: &[&Measure] = &[$(&$constant),+];
        };
    }

    measures! {
        REQUESTS: "Requests", Count, [], "requests that a function of the API has answered";
        DURATION: "Duration", Milliseconds, [], "the time from a request to its answer, without the start of a process";
        PROBLEMS: "Problems", Count, ["code"], "answers with this code of a problem";
        SERVER_ERRORS: "ServerErrors", Count, [], "answers with a status from 500 on";
        RATE_LIMITED: "RateLimited", Count, [], "requests that were refused because Okta's limits, or a tenant's share of them, are used up";
        LEFT_BEHIND: "LeftBehind", Count, [], "requests that stopped half-way and could not take everything back";
        OKTA_CALLS: "OktaCalls", Count, [], "calls to Okta of a request or a run, repeated ones included";
        OKTA_REMAINING: "OktaRemaining", Percent, ["class"], "how much of Okta's limit of this class is left in its minute, where least was left";
        LOCK_WAIT: "LockWait", Milliseconds, [], "the time that a request has waited for another one's lock";
        REVOCATIONS: "Revocations", Count, [], "users and tenants whose tokens were revoked";
        HOOK_DOUBTS: "HookDoubts", Count, ["operation"], "calls of a token hook that were answered without a decision";
        RUNS: "Runs", Count, ["operation"], "runs of a task";
        FAILURES: "Failures", Count, ["operation"], "runs of a task that failed";
        RUN_DURATION: "RunDuration", Milliseconds, ["operation"], "the time of a run";
        FINDINGS: "Findings", Count, ["operation", "kind"], "findings of this kind in a pass of reconcile";
        CURED: "Cured", Count, ["operation", "kind"], "findings of this kind that the pass has cured";
        SKIPPED: "Skipped", Count, ["operation"], "objects that a pass of reconcile could not look at";
        OPEN_FINDINGS: "OpenFindings", Count, [], "findings of any kind that a pass of reconcile has left to a person";
        SYSTEM_LOG_LAG: "SystemLogLag", Milliseconds, ["operation"], "how far the reading of Okta's System Log is behind";
        ROTATED: "Rotated", Count, ["operation"], "passwords that were rotated";
        ROTATIONS_STARTED: "RotationsStarted", Count, ["operation"], "rotations that were ordered from Secrets Manager";
        ROTATIONS_NOT_STARTED: "RotationsNotStarted", Count, ["operation"], "rotations that Secrets Manager did not take";
        PASSWORDS_CHANGED_ELSEWHERE: "PasswordsChangedElsewhere", Count, ["operation"], "rotated passwords that somebody else has changed";
        RESPONSES_ABOVE_LIMIT: "ResponsesAboveLimit", Count, ["operation"], "responses that were only planned, because a rule or all rules are above their limit";
        RESPONSES_ENDED: "ResponsesEnded", Count, ["operation"], "responses that were lifted at their end";
        RESPONSES_JUDGED: "ResponsesJudged", Count, ["operation"], "responses without an answer whose outcome was looked up";
        RESPONSES_LEFT: "ResponsesLeft", Count, ["operation"], "responses that could not be ended and are left to a person";
    }
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Of what.
    pub measure: &'static Measure,
    /// How much.
    pub value: f64,
}

impl Metric {
    /// So much.
    pub fn of(measure: &'static Measure, value: f64) -> Self {
        Self { measure, value }
    }

    /// So many things.
    pub fn count(measure: &'static Measure, value: u32) -> Self {
        Self::of(measure, f64::from(value))
    }
}

/// Where numbers go.
pub trait Metrics: std::fmt::Debug + Send + Sync {
    /// Writes numbers of one run. `dimensions` has a value for each dimension of each metric.
    fn put(&self, dimensions: &[(&'static str, &str)], metrics: &[Metric], now_ms: i64);
}

/// To CloudWatch, through the log.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedMetrics;

impl Metrics for EmbeddedMetrics {
    #[expect(clippy::print_stdout, reason = "Lambda keeps the line, CloudWatch reads it")]
    fn put(&self, dimensions: &[(&'static str, &str)], metrics: &[Metric], now_ms: i64) {
        println!("{}", line(dimensions, metrics, now_ms));
    }
}

fn line(dimensions: &[(&'static str, &str)], metrics: &[Metric], now_ms: i64) -> Value {
    // One directive for each set of dimensions.
    let mut directives: Vec<(&[&str], Vec<Value>)> = Vec::new();
    for metric in metrics {
        let Measure { name, unit, dimensions: by, .. } = metric.measure;
        debug_assert!(
            by.iter().all(|by| dimensions.iter().any(|(name, _)| name == by)),
            "{name} lacks {by:?}"
        );
        let definition = json!({ "Name": name, "Unit": unit.as_str() });
        match directives.iter_mut().find(|(known, _)| known == by) {
            Some((_, definitions)) => definitions.push(definition),
            None => directives.push((by, vec![definition])),
        }
    }
    let directives: Vec<Value> = directives
        .into_iter()
        .map(|(by, metrics)| json!({ "Namespace": NAMESPACE, "Dimensions": [by], "Metrics": metrics }))
        .collect();
    let mut line = Map::new();
    let time = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    // The line is for CloudWatch: no filter by level may drop it.
    line.insert("timestamp".to_owned(), json!(format!("{time:.3}")));
    line.insert("level".to_owned(), json!("FATAL"));
    line.insert("_aws".to_owned(), json!({ "Timestamp": now_ms, "CloudWatchMetrics": directives }));
    line.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    line.extend(metrics.iter().map(|metric| (metric.measure.name.to_owned(), json!(metric.value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_it_holds() {
        let dimensions = [("operation", "reconcile"), ("kind", "half-made")];
        let metrics = [
            Metric::count(&measures::FINDINGS, 3),
            Metric::count(&measures::CURED, 1),
            Metric::count(&measures::OPEN_FINDINGS, 2),
        ];
        let line = line(&dimensions, &metrics, 1_769_860_800_000);
        let count = |name: &str| json!({ "Name": name, "Unit": "Count" });
        let directive = |by: Value, metrics: &[Value]| json!({ "Namespace": "okta-dac", "Dimensions": [by], "Metrics": metrics });
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"],
            json!([
                directive(json!(["operation", "kind"]), &[count("Findings"), count("Cured")]),
                directive(json!([]), &[count("OpenFindings")]),
            ])
        );
        assert_eq!((&line["operation"], &line["Findings"]), (&json!("reconcile"), &json!(3.0)));
        let level = (&line["timestamp"], &line["level"]);
        assert_eq!(level, (&json!("2026-01-31T12:00:00.000Z"), &json!("FATAL")));
    }

    #[test]
    fn no_two_metrics_have_one_name_and_each_says_what_it_is() {
        let mut names: Vec<&str> = measures::ALL.iter().map(|measure| measure.name).collect();
        names.sort_unstable();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for measure in measures::ALL {
            // CloudWatch's most is 30; more than two would multiply.
            assert!(measure.dimensions.len() <= 2 && !measure.meaning.is_empty(), "{}", measure.name);
        }
    }
}
