//! The command line of `okta-dac data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `okta-dac data`.
#[derive(Debug, Args)]
pub struct DataCommand {
    /// What is to be done.
    #[command(subcommand)]
    pub what: Data,
}

/// Commands of `okta-dac data`.
#[derive(Debug, Subcommand)]
pub enum Data {
    /// Write the tables of a deployment into files
    Export(Export),
    /// Write the items of such files into the tables of a deployment
    Import(Import),
}

/// Where the tables are.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// The stack of CloudFormation
    #[arg(long, value_name = "NAME", default_value = "okta-dac", conflicts_with = "state_table")]
    pub stack: String,
    /// Name of the state table, instead of a stack
    #[arg(long, value_name = "NAME", requires = "events_table", requires = "responses_table")]
    pub state_table: Option<String>,
    /// Name of the table of events
    #[arg(long, value_name = "NAME", requires = "state_table")]
    pub events_table: Option<String>,
    /// Name of the table of responses
    #[arg(long, value_name = "NAME", requires = "state_table")]
    pub responses_table: Option<String>,
}

/// `data export`.
#[derive(Clone, Debug, Args)]
pub struct Export {
    /// Where the tables are.
    #[command(flatten)]
    pub place: Place,
    /// Folder for the files; it must not be there
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
}

/// `data import`.
#[derive(Clone, Debug, Args)]
pub struct Import {
    /// Where the tables are.
    #[command(flatten)]
    pub place: Place,
    /// Folder of an export
    #[arg(long, value_name = "FOLDER")]
    pub from: PathBuf,
    /// Also replace items that are there; an end of rights is never taken back
    #[arg(long)]
    pub overwrite: bool,
    /// Check the files, say what they have, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}
