//! Alarms, dashboard, metrics and runbook speak of the same things.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use run_kit::{Measure, measures};
use serde_norway::Value;
use tests::repository;
use xtask::{AWS_ALARMS, alarms, dashboard};

use crate::{Complaints, assert_none, assert_some};

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).expect(path)
}

fn measure(name: &str) -> Option<&'static &'static Measure> {
    measures::ALL.iter().find(|measure| measure.name == name)
}

/// What is wrong with the alarms and the dashboard of a template, and with where they lead.
fn check(template: &str, runbook: &str) -> Complaints {
    let root: Value = serde_norway::from_str(template).expect("YAML");
    let resources = root["Resources"].as_mapping().expect("resources");
    let sections: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let mut complaints = Complaints::new();
    let mut found = BTreeSet::new();
    for (name, resource) in resources {
        let (name, properties) = (name.as_str().unwrap_or_default(), &resource["Properties"]);
        if resource["Type"] != "AWS::CloudWatch::Alarm" {
            continue;
        }
        found.insert(name.trim_end_matches("Alarm").to_owned());
        let metric = properties["MetricName"].as_str().unwrap_or_default();
        let dimensions: Vec<&str> = properties["Dimensions"]
            .as_sequence()
            .into_iter()
            .flatten()
            .filter_map(|dimension| dimension["Name"].as_str())
            .collect();
        let namespace = properties["Namespace"].as_str().unwrap_or_default();
        let is_of_aws = AWS_ALARMS.iter().any(|alarm| alarm.namespace == namespace && alarm.metric == metric);
        match measure(metric) {
            None if is_of_aws => {}
            None => complaints.push(format!("{name}: nobody writes the metric {metric}")),
            Some(measure) if measure.dimensions != dimensions => {
                complaints
                    .push(format!("{name}: {metric} is by {:?}, not {dimensions:?}", measure.dimensions));
            }
            Some(_) => {}
        }
        let description = properties["AlarmDescription"].as_str().unwrap_or_default();
        let section = description.rsplit_once("docs/runbook.md, ").map_or("", |(_, section)| section);
        if !sections.contains(section) {
            complaints.push(format!("{name}: docs/runbook.md has no section `{section}`"));
        }
    }
    let aws = AWS_ALARMS.map(|alarm| alarm.name.to_owned());
    for name in alarms().into_iter().map(|alarm| alarm.name).chain(aws) {
        if !found.contains(&name) {
            complaints.push(format!("template.yaml lacks the alarm {name}"));
        }
    }
    complaints
}

#[test]
fn every_alarm_has_a_metric_and_a_section() {
    let (template, runbook) = (read("template.yaml"), read("docs/runbook.md"));
    assert_none(check(&template, &runbook));
    assert_some(
        check(&template.replace("MetricName: LeftBehind", "MetricName: LeftOver"), &runbook),
        "LeftOver",
    );
    assert_some(check(&template, &runbook.replace("## A lock stays", "## A lock")), "A lock stays");
    let gone = template.replace("MetricName: 5XXError", "MetricName: 6XXError");
    assert_some(check(&gone, &runbook), "6XXError");
    assert_some(check(&template.replace("LockWaitAlarm:", "LockAlarm:"), &runbook), "LockWait");
    assert_some(check(&template.replace("- Name: class", "- Name: tenant"), &runbook), "tenant");
}

/// What a search or a line of a widget names.
fn metrics_of(widget: &serde_json::Value) -> Vec<String> {
    let metrics = widget["properties"]["metrics"].as_array().cloned().unwrap_or_default();
    let name = |metric: &serde_json::Value| {
        let expression = metric[0]["expression"].as_str();
        let searched =
            expression.and_then(|text| Some(text.split_once("MetricName=\"")?.1.split_once('"')?.0));
        searched.or(metric[1].as_str()).unwrap_or_default().to_owned()
    };
    metrics.iter().map(name).collect()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let shown: BTreeSet<String> =
        dashboard()["widgets"].as_array().unwrap().iter().flat_map(metrics_of).collect();
    let known: BTreeSet<String> = measures::ALL.iter().map(|measure| measure.name.to_owned()).collect();
    assert_eq!(shown, known);
    // CloudWatch reads a namespace with a hyphen in quotes alone.
    let searches = dashboard().to_string().matches("SEARCH('{").count();
    assert_eq!(dashboard().to_string().matches(r#"SEARCH('{\"okta-dac\","#).count(), searches);
    assert!(searches > 10);
    // The template has this dashboard: `make generate` is compared by another test.
    assert!(read("template.yaml").contains("DashboardBody: !Sub '{"));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok);
    let below = |entry: std::fs::DirEntry| match entry.path() {
        path if path.is_dir() => rust_files(&path),
        path if path.extension().is_some_and(|extension| extension == "rs") => vec![path],
        _ => Vec::new(),
    };
    entries.flat_map(below).collect()
}

#[test]
fn every_metric_is_written_somewhere_and_documented() {
    let mut sources = String::new();
    for folder in ["functions", "shared"] {
        for file in rust_files(&repository().join(folder)) {
            if !file.ends_with("run-kit/src/metrics.rs") {
                sources += &std::fs::read_to_string(&file).unwrap();
            }
        }
    }
    let list = read("shared/run-kit/src/metrics.rs");
    let page = read("docs/metrics.md");
    for measure in measures::ALL {
        let line = list.lines().find(|line| line.contains(&format!(": \"{}\",", measure.name))).unwrap();
        let constant = line.trim().split_once(':').unwrap().0;
        assert!(sources.contains(&format!("measures::{constant}")), "nobody writes {}", measure.name);
        assert!(page.contains(&format!("| `{}` |", measure.name)), "docs/metrics.md lacks {}", measure.name);
    }
}
