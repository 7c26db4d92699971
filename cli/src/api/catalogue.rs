//! The commands of the API: `commands.json`, which `make generate` derives from the table of
//! operations and the OpenAPI document.

use std::collections::BTreeSet;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Args, Command};
use serde::Deserialize;

use super::profile::Where;
use super::stop::Code;
use crate::arguments::exit_codes;

/// The catalogue that this program was built with.
pub const COMMANDS: &str = include_str!("commands.json");

/// All commands.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Catalogue(Vec<Operation>);

/// An operation, as a command.
#[derive(Clone, Debug, Deserialize)]
pub struct Operation {
    /// The group: `tenants`.
    pub group: String,
    /// Its name in the group: `add`.
    pub name: String,
    /// Its name in the table.
    pub operation: String,
    /// What it does.
    pub about: String,
    /// Who may.
    pub who: String,
    /// Method of its route.
    pub method: String,
    /// Path of its route.
    pub path: String,
    /// Whether the same request can be sent again.
    pub idempotent: bool,
    /// Whether the answer comes page by page.
    pub pages: bool,
    /// Whether the request has a body.
    pub body: bool,
    /// Members that a table shows.
    pub columns: Vec<String>,
    /// What it takes.
    pub parameters: Vec<Parameter>,
}

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum In {
    /// A part of the path.
    Path,
    /// The query.
    Query,
    /// A member of the body.
    Body,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// As it is.
    Text,
    /// `true` or `false`; `true` if the name stands alone.
    Flag,
    /// A whole number.
    Number,
    /// Texts, with commas between them.
    List,
    /// A JSON value.
    Json,
}

/// What an operation takes.
#[derive(Clone, Debug, Deserialize)]
pub struct Parameter {
    /// Its name in the API.
    pub name: String,
    /// Where it goes.
    #[serde(rename = "in")]
    pub place: In,
    /// How it is written.
    pub kind: Kind,
    /// Whether it has to be there.
    pub required: bool,
    /// What it is.
    pub help: String,
    /// Its values, if only some are allowed.
    #[serde(default)]
    pub values: Option<Vec<String>>,
}

/// Words that have capitals in the API, as options have them: `dryRun` is `dry-run`.
pub(crate) fn option_name(name: &str) -> String {
    let mut option = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            option.push('-');
        }
        option.push(if c == '_' { '-' } else { c.to_ascii_lowercase() });
    }
    option
}

impl Operation {
    /// Whether somebody is asked first.
    pub fn is_destructive(&self) -> bool {
        self.method == "DELETE"
    }

    /// Whether it changes something.
    pub fn is_safe(&self) -> bool {
        self.method == "GET"
    }

    /// Whether a parameter is said without its name: those of the path, and the first member of
    /// the body that has to be there.
    pub(crate) fn is_positional(&self, parameter: &Parameter) -> bool {
        let first = self.parameters.iter().find(|other| other.place == In::Body);
        let is_first = first.is_some_and(|first| first.name == parameter.name);
        parameter.place == In::Path || (is_first && parameter.required && parameter.kind == Kind::Text)
    }

    fn command(&self) -> Command {
        // The group of arguments has a description of its own.
        let mut command = Where::augment_args(Command::new(self.name.clone()))
            .about(self.about.clone())
            .long_about(format!("{}\n\nWho may: {}", self.about, self.who));
        for parameter in &self.parameters {
            command = command.arg(self.argument(parameter));
        }
        if self.parameters.iter().any(|parameter| parameter.place == In::Body) || self.takes_any_body() {
            let help = match self.takes_any_body() {
                true => "The body, a JSON object or SAML metadata, or `-` for stdin",
                false => "The body, a JSON object, or `-` for stdin; options are put into it",
            };
            command = command.arg(Arg::new("body").long("body").value_name("FILE").help(help));
        }
        if self.pages {
            let help = "Elements at most [default: all]";
            let limit = Arg::new("limit").long("limit").value_name("N").help(help);
            command = command.arg(limit.value_parser(clap::value_parser!(u32).range(1..)));
        }
        let has_own = self.parameters.iter().any(|parameter| parameter.name == "dryRun");
        if !self.is_safe() && !has_own {
            let help = "Print the request, and send nothing";
            command = command.arg(Arg::new("dry-run").long("dry-run").action(ArgAction::SetTrue).help(help));
        }
        if self.is_destructive() {
            let help = "Do not ask";
            command = command.arg(Arg::new("yes").long("yes").action(ArgAction::SetTrue).help(help));
        }
        command
    }

    /// A body without members of its own: an identity provider, or its SAML metadata.
    pub(crate) fn takes_any_body(&self) -> bool {
        self.body && self.operation == "update-idp"
    }

    fn argument(&self, parameter: &Parameter) -> Arg {
        let option = option_name(&parameter.name);
        let mut argument = Arg::new(parameter.name.clone()).help(parameter.help.clone());
        let placeholder = option.to_uppercase().replace('-', "_");
        if self.is_positional(parameter) {
            argument = argument.value_name(placeholder);
        } else {
            argument = argument.long(option).value_name(placeholder);
        }
        if parameter.required {
            argument = match parameter.place {
                In::Body => argument.required_unless_present("body"),
                _ => argument.required(true),
            };
        }
        match (parameter.kind, &parameter.values) {
            (Kind::Flag, _) => boolean(argument),
            (_, Some(values)) if values.iter().eq(["true", "false"]) => boolean(argument),
            (Kind::List, values) => {
                let argument = argument.value_delimiter(',').action(ArgAction::Append);
                match values {
                    Some(values) => argument.value_parser(PossibleValuesParser::new(values.clone())),
                    None => argument,
                }
            }
            (Kind::Number, _) => argument.value_parser(clap::value_parser!(i64)),
            (Kind::Text, Some(values)) => argument.value_parser(PossibleValuesParser::new(values.clone())),
            (Kind::Text | Kind::Json, _) => argument,
        }
    }
}

fn boolean(argument: Arg) -> Arg {
    let argument = argument.num_args(0..=1).require_equals(true).default_missing_value("true");
    argument.value_parser(PossibleValuesParser::new(["true", "false"]))
}

impl Catalogue {
    /// Reads a catalogue; one that cannot be read has no commands, and a test says so.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self(Vec::new()))
    }

    /// The operation of a command.
    pub fn get(&self, group: &str, name: &str) -> Option<&Operation> {
        self.0.iter().find(|operation| operation.group == group && operation.name == name)
    }

    /// The groups, in their order.
    pub fn groups(&self) -> BTreeSet<&str> {
        self.0.iter().map(|operation| operation.group.as_str()).collect()
    }

    /// A command for each group.
    pub fn commands(&self) -> Vec<Command> {
        let group = |group: &str| {
            let own = self.0.iter().filter(|operation| operation.group == group);
            Command::new(group.to_owned())
                .about(about(group))
                .subcommand_required(true)
                .arg_required_else_help(true)
                .after_help(exit_codes(Code::ALL.map(|(code, meaning)| (code.number(), meaning))))
                .subcommands(own.map(Operation::command))
        };
        self.groups().into_iter().map(group).collect()
    }
}

/// What a group is about.
fn about(group: &str) -> String {
    match group {
        "tenants" => "Tenants".to_owned(),
        "admins" => "Admins of tenants".to_owned(),
        "apps" => "Apps that tenants can have".to_owned(),
        "tenant-apps" => "Apps of a tenant".to_owned(),
        "domains" => "E-mail domains of a tenant".to_owned(),
        "idps" => "Identity providers of tenants".to_owned(),
        "delegation" => "Users who act for others".to_owned(),
        "responses" => "Users who are contained".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_one_command() {
        let catalogue = Catalogue::parse(COMMANDS);
        assert!(catalogue.0.len() > 30, "{}", catalogue.0.len());
        let names: BTreeSet<(&str, &str)> =
            catalogue.0.iter().map(|operation| (operation.group.as_str(), operation.name.as_str())).collect();
        assert_eq!(names.len(), catalogue.0.len());
        for command in catalogue.commands() {
            command.debug_assert();
        }
        assert_eq!(catalogue.get("tenants", "add").unwrap().path, "/tenants");
    }
}
