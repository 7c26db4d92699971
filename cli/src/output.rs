//! How lists and reports are printed: as a table for a person, as JSON for a program.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::failure::Failure;

/// A format of stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For a person.
    Table,
    /// One JSON value.
    Json,
    /// One JSON value in each line.
    Jsonl,
}

/// When colours are used. They are never the only sign of anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Options of every command.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Printing {
    /// Format of lists and reports [default: table on a terminal, json otherwise]
    #[arg(long, global = true, env = "OKTA_DAC_OUTPUT", value_enum, value_name = "FORMAT")]
    pub output: Option<Output>,
    /// The same as `--output json`
    #[arg(long, global = true)]
    pub json: bool,
    /// When colours are used
    #[arg(long, global = true, env = "OKTA_DAC_COLOR", value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

/// What is added, or good.
pub const ADDED: Style = AnsiColor::Green.on_default();
/// What is changed, or to be looked at.
pub const CHANGED: Style = AnsiColor::Yellow.on_default();
/// What is taken out, or bad.
pub const REMOVED: Style = AnsiColor::Red.on_default();

impl Printing {
    /// The format.
    pub fn output(&self) -> Output {
        let default = || if std::io::stdout().is_terminal() { Output::Table } else { Output::Json };
        if self.json { Output::Json } else { self.output.unwrap_or_else(default) }
    }

    /// Prints a list; `table` is the same for a person.
    ///
    /// # Errors
    ///
    /// stdout cannot be written.
    pub fn list(&self, rows: &[Value], table: impl FnOnce() -> String) -> Result<(), Failure> {
        match self.output() {
            Output::Table => self.text(&table()),
            Output::Json => crate::print(format!("{:#}\n", Value::from(rows)).as_bytes()),
            Output::Jsonl => {
                let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
                crate::print(lines.as_bytes())
            }
        }
    }

    /// Prints a report; `text` is the same for a person.
    ///
    /// # Errors
    ///
    /// stdout cannot be written.
    pub fn report(&self, report: &Value, text: impl FnOnce() -> String) -> Result<(), Failure> {
        match self.output() {
            Output::Table => self.text(&text()),
            Output::Json => crate::print(format!("{report:#}\n").as_bytes()),
            Output::Jsonl => crate::print(format!("{report}\n").as_bytes()),
        }
    }

    /// Prints text with colours, or without.
    fn text(&self, text: &str) -> Result<(), Failure> {
        let coloured = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
        };
        if coloured {
            crate::print(text.as_bytes())
        } else {
            crate::print(anstream::adapter::strip_str(text).to_string().as_bytes())
        }
    }
}

/// A line in a colour.
pub fn line(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}\n")
}
