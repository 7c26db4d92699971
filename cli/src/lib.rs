//! `okta-dac`: what a person, a script or another product starts.
//!
//! | module | what it has |
//! |---|---|
//! | [`api`] | the commands of the HTTP API, and the sign-in for them |
//! | [`arguments`] | the command line, from which `--help`, completions and manual pages are made |
//! | [`aws`] | AWS credentials through Okta |
//! | [`connections`] | integrations of other tools with an Okta org |
//! | [`data`] | the tables of a deployment in files, and back |
//! | [`environment`] | the variables and folders that a command may see |
//! | [`failure`] | how a command ends when it does not succeed |
//! | [`interrupt`] | what Ctrl-C says and leaves |
//! | [`org`] | an Okta org, prepared for okta-dac |
//! | [`output`] | lists and reports, for a person or a program |
//! | [`progress`] | what is under way, while it takes long |
//! | [`response`] | rules for responses |
//! | [`rotate`] | passwords of Okta users |
//! | [`terminal`] | the person in front of the terminal, if there is one |
//!
//! stdout is data, stderr is messages. A secret is never an argument, a variable of another
//! program, or part of a message.

#![warn(missing_docs)]

pub mod api;
pub mod arguments;
pub mod aws;
pub mod connections;
pub mod data;
pub mod environment;
pub mod failure;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod interrupt;
pub mod org;
pub mod output;
pub mod progress;
pub mod response;
pub mod rotate;
pub mod terminal;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use ::connections::stop::Code;
use clap::{ArgMatches, FromArgMatches};

use crate::api::catalogue::{COMMANDS, Catalogue};
use crate::arguments::{Arguments, Group};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Printing;

/// The name of the program that this one succeeds: under it, every command is one of `aws`.
const PREDECESSOR: &str = "okta-aws-cred-helper";

/// The groups, as the command line names them.
const GROUPS: [&str; 12] = [
    "data",
    "org",
    "aws",
    "connect",
    "connection",
    "response",
    "rotate",
    "login",
    "logout",
    "whoami",
    "completions",
    "manual",
];

/// Runs a command line; the first argument is the program's own name.
pub fn main(arguments: impl IntoIterator<Item = OsString>, environment: Environment) -> ExitCode {
    forbid_core_dumps();
    let words = as_group(arguments);
    let group = group_of(&words);
    let connects = matches!(group, Some("connect" | "connection"));
    let takes_token = connects || group == Some("org");
    let usage_is_64 = connects || group == Some("rotate");
    if takes_token && words.iter().any(|word| connections::is_token(word)) {
        // Not parsed: a message about it could repeat it.
        warn("a token on the command line is seen by others: give it on stdin, or by `--token-file`");
        return ExitCode::from(if connects { Code::Usage.number() } else { 2 });
    }
    // What is known to be another group needs no commands of the API.
    let catalogue = Catalogue::parse(match group {
        Some(group) if group != "completions" && group != "manual" => "[]",
        _ => COMMANDS,
    });
    let parsed = arguments::command(&catalogue).try_get_matches_from(words).and_then(|matches| {
        let operation = matches.subcommand().filter(|(group, _)| catalogue.groups().contains(group));
        Ok(match operation {
            Some((group, given)) => Parsed::Operation(
                group.to_owned(),
                Box::new(given.clone()),
                Printing::from_arg_matches(&matches)?,
            ),
            None => Parsed::Other(Box::new(Arguments::from_arg_matches(&matches)?)),
        })
    });
    let arguments = match parsed {
        Ok(Parsed::Operation(group, given, printing)) => {
            return api::run(&catalogue, &group, &given, printing, &environment);
        }
        Ok(Parsed::Other(arguments)) => *arguments,
        Err(error) => {
            let _ = error.print();
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            return ExitCode::from(if usage_is_64 && code != 0 { Code::Usage.number() } else { code });
        }
    };
    let (result, verbose) = match arguments.group {
        Group::Aws(command) => {
            (aws::run(&command, arguments.printing, &environment), command.options.verbose())
        }
        Group::Connect(command) => {
            return connections::connect(&command, arguments.printing, &environment);
        }
        Group::Connection(command) => {
            return connections::connection(&command, arguments.printing, &environment);
        }
        Group::Rotate(command) => return rotate::run(&command),
        Group::Data(command) => return data::run(&command, arguments.printing),
        Group::Org(command) => return org::run(&command, arguments.printing, &environment),
        Group::Login(command) => {
            return api::ended(api::login::login(&command, arguments.printing, &environment));
        }
        Group::Whoami(places) => {
            return api::ended(api::login::whoami(&places, arguments.printing, &environment));
        }
        Group::Logout { profile } => return api::ended(api::login::logout(&profile, &environment)),
        Group::Response(command) => (response::run(&command, arguments.printing), false),
        Group::Completions { shell } => (arguments::completions(shell), false),
        Group::Manual { folder } => (arguments::manual(&folder), false),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            let _ = write!(std::io::stderr(), "{}", failure.message(verbose));
            failure.code()
        }
    }
}

/// The group of a command line, if it is one of [`GROUPS`]: the first word that is no option of
/// the program, which may stand before the group.
fn group_of(words: &[OsString]) -> Option<&'static str> {
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        if word == "--output" || word == "--color" {
            rest.next();
        } else if !word.as_encoded_bytes().starts_with(b"-") {
            return GROUPS.into_iter().find(|group| word == group);
        }
    }
    None
}

/// What a command line is.
enum Parsed {
    /// A command of the API: its group, and what was given.
    Operation(String, Box<ArgMatches>, Printing),
    /// Anything else.
    Other(Box<Arguments>),
}

/// The limit of core dumps that this process was started with.
#[cfg(unix)]
static CORE_DUMPS: std::sync::OnceLock<rustix::process::Rlimit> = std::sync::OnceLock::new();

/// A core dump would have the secrets of this process.
fn forbid_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = CORE_DUMPS.get_or_init(|| getrlimit(Resource::Core));
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: limit.maximum });
    }
}

/// For a program that takes this process's place.
pub(crate) fn allow_core_dumps_as_before() {
    #[cfg(unix)]
    if let Some(limit) = CORE_DUMPS.get() {
        let _ = rustix::process::setrlimit(rustix::process::Resource::Core, *limit);
    }
}

/// Puts `aws` in front where the program is started by the predecessor's name.
fn as_group(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let stem = arguments.first().map(std::path::Path::new).and_then(|path| path.file_stem());
    if stem.is_some_and(|stem| stem == PREDECESSOR) {
        arguments.insert(1, "aws".into());
    }
    arguments
}

/// Writes data to stdout at once. A reader that has gone is not a failure.
///
/// # Errors
///
/// stdout cannot be written for another reason.
pub fn print(data: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::defect(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// A message on stderr.
pub(crate) fn warn(message: &str) {
    let _ = writeln!(std::io::stderr(), "okta-dac: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_no_group() {
        for (words, group) in [
            (vec!["okta-dac", "aws", "list"], Some("aws")),
            (vec!["okta-dac", "--output", "json", "--json", "rotate", "keeper"], Some("rotate")),
            (vec!["okta-dac", "--color=never", "login"], Some("login")),
            (vec!["okta-dac", "tenants", "get", "connect"], None),
            (vec!["okta-dac", "tenants", "list", "--profile", "aws"], None),
            (vec!["okta-dac", "--help"], None),
        ] {
            let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
            assert_eq!(group_of(&words), group, "{words:?}");
        }
    }

    #[test]
    fn the_predecessors_name_means_the_group() {
        let of = |words: &[&str]| as_group(words.iter().map(OsString::from));
        assert_eq!(
            of(&["/bin/okta-aws-cred-helper", "get-cred"]),
            ["/bin/okta-aws-cred-helper", "aws", "get-cred"]
        );
        assert_eq!(of(&["okta-dac", "aws"]), ["okta-dac", "aws"]);
    }
}
