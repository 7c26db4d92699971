//! `okta-dac response`: what concerns responses and needs neither Okta nor AWS.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use containment::{LogEvent, Mode, Rule, Rules, RulesError};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::output::Printing;

/// Check what responses are made of
#[derive(Debug, Args)]
pub struct ResponseCommand {
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the rules of `RESPONSE_RULES` before they are deployed
    CheckRules {
        /// The rules, a JSON array [default: stdin]
        file: Option<PathBuf>,
        /// Say which rule is for this event of Okta's System Log, a JSON object
        #[arg(long, value_name = "FILE")]
        event: Option<PathBuf>,
    },
}

/// Runs a command.
///
/// # Errors
///
/// Rules that are wrong, and files that cannot be read.
pub fn run(command: &ResponseCommand, printing: Printing) -> Result<ExitCode, Failure> {
    let Command::CheckRules { file, event } = &command.command;
    let rules = Rules::parse(&read(file.as_ref())?).map_err(|RulesError(broken)| {
        let lines: Vec<String> = broken.iter().map(ToString::to_string).collect();
        Failure::new(Exit::Configuration, format!("the rules are wrong: {}", lines.join("; ")))
    })?;
    let Some(event) = event else {
        let rows: Vec<Value> = rules.iter().map(row).collect();
        printing.list(&rows, || rules.iter().map(line).collect())?;
        return Ok(ExitCode::SUCCESS);
    };
    let event: LogEvent = serde_json::from_str(&read(Some(event))?)
        .map_err(|error| Failure::new(Exit::File, format!("{}: {error}", event.display())))?;
    let (rule, user) = (rules.first(&event), event.user());
    let report = json!({ "rule": rule.map(|rule| &rule.name), "user": user });
    let text = match (rule, user) {
        (Some(rule), Some(user)) => format!("{} would act on {user}\n", rule.name),
        (Some(rule), None) => format!("{} is for it, and the event is not about one user\n", rule.name),
        (None, _) => "no rule is for it\n".to_owned(),
    };
    printing.report(&report, || text)?;
    Ok(ExitCode::SUCCESS)
}

fn read(file: Option<&PathBuf>) -> Result<String, Failure> {
    let Some(file) = file else {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Failure::new(Exit::File, format!("stdin: {error}")))?;
        return Ok(text);
    };
    std::fs::read_to_string(file)
        .map_err(|error| Failure::new(Exit::File, format!("{}: {error}", file.display())))
}

fn mode(rule: &Rule) -> &'static str {
    match rule.mode {
        Mode::Off => "off",
        Mode::Observe => "observe",
        Mode::Act => "act",
    }
}

fn row(rule: &Rule) -> Value {
    json!({ "name": rule.name, "mode": mode(rule), "eventType": rule.matches.event_type, "actions": rule.actions })
}

fn line(rule: &Rule) -> String {
    let actions: Vec<&str> = rule.actions.iter().map(|action| action.as_str()).collect();
    format!(
        "{}: {} on {}, {}\n",
        rule.name,
        actions.join(", "),
        rule.matches.event_type.join(", "),
        mode(rule)
    )
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::*;

    fn check(rules: &str, event: Option<&str>) -> Result<ExitCode, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let command = Command::CheckRules {
            file: Some(file("rules.json", rules)),
            event: event.map(|event| file("event.json", event)),
        };
        run(&ResponseCommand { command }, Printing::default()).map_err(|failure| failure.sentence)
    }

    #[test]
    fn rules_are_checked_before_they_are_deployed() {
        let rules = r#"[{"name":"x","match":{"eventType":["user.risk.detect"]},"actions":["clear-sessions"],"mode":"act"}]"#;
        assert_eq!(check(rules, None), Ok(ExitCode::SUCCESS));
        let event = r#"{"uuid":"1","eventType":"x","published":"2026-01-31T12:00:00.000Z"}"#;
        assert_eq!(check(rules, Some(event)), Ok(ExitCode::SUCCESS));
        let wrong = check(&rules.replace("clear-sessions", "reset-factors"), None).unwrap_err();
        assert!(wrong.contains("`/0/actions`"), "{wrong}");
        assert!(check("[", None).is_err());
    }
}
