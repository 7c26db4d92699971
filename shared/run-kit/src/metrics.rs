//! Numbers about runs, for CloudWatch.
//!
//! A line of the embedded metric format on standard output: CloudWatch makes metrics
//! of the line without a call, a credential or a library (CloudWatch User Guide,
//! "Embedded metric format").

use serde_json::{Map, Value, json};

/// The namespace of all our metrics.
const NAMESPACE: &str = "okta-dac";

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// What is counted or measured, in Pascal case as AWS's own metrics.
    pub name: &'static str,
    /// How much.
    pub value: f64,
    /// In what.
    pub unit: Unit,
}

/// CloudWatch's units, as far as they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Time.
    Milliseconds,
}

impl Metric {
    /// So many things.
    pub fn count(name: &'static str, value: u32) -> Self {
        Self { name, value: f64::from(value), unit: Unit::Count }
    }
}

/// Where numbers go.
pub trait Metrics: std::fmt::Debug + Send + Sync {
    /// Writes numbers of one run, under these dimensions.
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
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let unit = |unit| match unit {
        Unit::Count => "Count",
        Unit::Milliseconds => "Milliseconds",
    };
    let definitions: Vec<Value> =
        metrics.iter().map(|metric| json!({ "Name": metric.name, "Unit": unit(metric.unit) })).collect();
    let mut line = Map::new();
    let time = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    // The line is for CloudWatch: no filter by level may drop it.
    line.insert("timestamp".to_owned(), json!(format!("{time:.3}")));
    line.insert("level".to_owned(), json!("FATAL"));
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now_ms,
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions }],
        }),
    );
    line.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    line.extend(metrics.iter().map(|metric| (metric.name.to_owned(), json!(metric.value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_it_holds() {
        let line = line(&[("operation", "reconcile")], &[Metric::count("Findings", 3)], 1_769_860_800_000);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["operation"]]));
        assert_eq!(directive["Metrics"], json!([{ "Name": "Findings", "Unit": "Count" }]));
        assert_eq!((&line["operation"], &line["Findings"]), (&json!("reconcile"), &json!(3.0)));
        let level = (&line["timestamp"], &line["level"]);
        assert_eq!(level, (&json!("2026-01-31T12:00:00.000Z"), &json!("FATAL")));
    }
}
