//! Every operation of the HTTP API as a command: `okta-dac tenants add initech` is
//! `POST /tenants`.
//!
//! | module | what it has |
//! |---|---|
//! | [`catalogue`] | the commands, derived from the table of operations and the OpenAPI document |
//! | [`login`] | a token by the device flow, and what it says |
//! | [`profile`] | which API, and where its token is kept |
//! | [`request`] | one request: what a command line says, sent, repeated, page by page |
//! | [`show`] | answers and problems, for a person or a program |
//! | [`stop`] | how a command ends when it does not succeed |

pub mod catalogue;
pub mod login;
pub mod profile;
pub mod request;
pub mod show;
pub mod stop;

use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches};

use self::catalogue::{Catalogue, Operation};
use self::profile::{Access, Where};
use self::request::{Answer, Request};
use self::stop::{Code, Stop};
use crate::environment::Environment;
use crate::output::Printing;
use crate::terminal::Terminal;

/// Runs the command of an operation; says on stderr why it did not succeed.
pub fn run(
    catalogue: &Catalogue,
    group: &str,
    matches: &ArgMatches,
    printing: Printing,
    environment: &Environment,
) -> ExitCode {
    ended(try_run(catalogue, group, matches, printing, environment))
}

/// Says on stderr why a command did not succeed.
pub(crate) fn ended(result: Result<(), Stop>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            crate::warn(&stop.text);
            ExitCode::from(stop.code.number())
        }
    }
}

fn try_run(
    catalogue: &Catalogue,
    group: &str,
    matches: &ArgMatches,
    printing: Printing,
    environment: &Environment,
) -> Result<(), Stop> {
    let Some((name, given)) = matches.subcommand() else {
        return Err(Stop::new(Code::Usage, "a command is missing: `--help` lists them"));
    };
    let operation = catalogue
        .get(group, name)
        .ok_or_else(|| Stop::new(Code::Usage, format!("there is no command `{group} {name}`")))?;
    let places = Where::from_arg_matches(given).map_err(|error| Stop::new(Code::Usage, error.to_string()))?;
    let access = Access::find(&places, environment)?;
    let request = Request::of(operation, given, &access)?;
    if request.is_dry_run {
        return printed(printing.report(&request.plan(), || request.text()));
    }
    if operation.is_destructive() && !given.get_flag("yes") {
        confirm(operation, &request)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Stop::new(Code::Failed, format!("the runtime: {error}")))?;
    match runtime.block_on(request.send(&access))? {
        Answer::Nothing => Ok(()),
        Answer::Text(text) => printed(crate::print(text.as_bytes())),
        Answer::One(body) => printed(printing.report(&body, || show::report(&body))),
        Answer::List(rows) => printed(printing.list(&rows, || show::table(&operation.columns, &rows))),
    }
}

fn printed(result: Result<(), crate::failure::Failure>) -> Result<(), Stop> {
    result.map_err(Stop::from)
}

/// Asks the person; a script says `--yes`.
fn confirm(operation: &Operation, request: &Request) -> Result<(), Stop> {
    let mut terminal = Terminal::new(true);
    if !terminal.is_there() {
        return Err(Stop::new(
            Code::Usage,
            format!("{}: nobody can be asked: `--yes` goes on", request.text().trim()),
        ));
    }
    let answer = terminal.ask(&format!("{}: {}\nGo on? (yes)", operation.about, request.text().trim()))?;
    match answer.as_str() {
        "yes" => Ok(()),
        _ => Err(Stop::new(Code::Usage, "nothing was changed")),
    }
}
