//! The command line. `--help`, completions, manual pages and docs/cli.md come from here.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::api::catalogue::{COMMANDS, Catalogue};
use crate::api::login::Login;
use crate::api::profile::Where;
use crate::aws::arguments::AwsCommand;
use crate::connections::arguments::{ConnectCommand, ConnectionCommand};
use crate::data::arguments::DataCommand;
use crate::failure::{Exit, Failure};
use crate::org::arguments::OrgCommand;
use crate::output::Printing;
use crate::response::ResponseCommand;
use crate::rotate::arguments::RotateCommand;

/// okta-dac on the command line.
#[derive(Debug, Parser)]
#[command(name = "okta-dac", version, propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    /// How lists and reports are printed.
    #[command(flatten)]
    pub printing: Printing,
    /// What is to be done.
    #[command(subcommand)]
    pub group: Group,
}

/// Groups of commands.
#[derive(Debug, Subcommand)]
pub enum Group {
    /// AWS credentials through Okta
    Aws(Box<AwsCommand>),
    /// Connect a tool to an Okta org with least privilege
    Connect(Box<ConnectCommand>),
    /// Look at a connection that was made
    Connection(ConnectionCommand),
    /// Export the tables of a deployment, and import them
    Data(DataCommand),
    /// Prepare an Okta org for okta-dac
    Org(OrgCommand),
    /// Check what responses are made of
    Response(ResponseCommand),
    /// Rotate passwords of Okta users
    Rotate(Box<RotateCommand>),
    /// Sign in to the API of okta-dac
    Login(Box<Login>),
    /// Say who is signed in
    Whoami(Box<Where>),
    /// Forget the token
    Logout {
        /// The profile
        #[arg(long, env = "OKTA_DAC_PROFILE", value_name = "NAME", default_value = "default")]
        profile: String,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write manual pages
    Manual {
        /// Folder for the pages
        folder: PathBuf,
    },
}

/// The whole command line, with the commands of the API.
pub fn command(catalogue: &Catalogue) -> Command {
    Arguments::command().subcommands(catalogue.commands())
}

/// The end of a group's `--help`: what its exit codes mean.
pub(crate) fn exit_codes(codes: impl IntoIterator<Item = (u8, &'static str)>) -> String {
    let mut text = "Exit codes:\n".to_owned();
    for (code, meaning) in codes {
        let _ = writeln!(text, "  {code:>3}  {meaning}");
    }
    text
}

/// Prints completions.
///
/// # Errors
///
/// stdout cannot be written.
pub fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(&Catalogue::parse(COMMANDS)), "okta-dac", &mut text);
    crate::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a manual page for each command.
///
/// # Errors
///
/// The folder cannot be written.
pub fn manual(folder: &Path) -> Result<ExitCode, Failure> {
    let command = command(&Catalogue::parse(COMMANDS));
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    written.map_err(|error| Failure::new(Exit::File, format!("{}: {error}", folder.display())))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command(&Catalogue::parse(COMMANDS)).debug_assert();
    }

    #[test]
    fn every_command_is_in_the_manual() {
        let folder = tempfile::tempdir().unwrap();
        manual(folder.path()).unwrap();
        for page in
            ["okta-dac.1", "okta-dac-aws-get-cred.1", "okta-dac-completions.1", "okta-dac-tenants-add.1"]
        {
            assert!(folder.path().join(page).exists(), "{page}");
        }
    }
}
