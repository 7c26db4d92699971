//! `status`: session, credentials with the time they have left, and where secrets are.

use std::collections::BTreeMap;
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::arguments::Status;
use crate::aws::context::{Base, SECRETS};
use crate::aws::credentials;
use crate::aws::session;
use crate::aws::settings::{Mode, OrgSettings};
use crate::aws::sign_in::Secrets;
use crate::aws::vault::{Store, Vault};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::progress::Progress;

/// Runs the command.
///
/// # Errors
///
/// By the table of exit codes.
pub fn run(mut base: Base<'_>, arguments: &Status) -> Result<ExitCode, Failure> {
    let vault = base.vault()?;
    let org = base.org()?.clone();
    let name = base.org_name().to_owned();
    let now = Timestamp::now();
    let live = credentials::all(&vault, &base.place, &org)?;
    let mut rows: Vec<Value> = Vec::new();
    for kept in &live {
        let seconds = kept.credentials.left(now).as_secs();
        let id = &kept.credentials.access_key_id;
        rows.push(json!({ "role": kept.last(), "chain": kept.chain, "seconds": seconds, "accessKeyId": id }));
    }
    let kept = session::look(&vault, &org)?;
    if arguments.check {
        // A machine needs nobody, if it has its key.
        let nobody = org.mode == Some(Mode::M2m) && has_key(&vault, &org, &name)?;
        let there = nobody || kept.is_live() || !rows.is_empty();
        return Ok(ExitCode::from(if there { 0 } else { Exit::NoCredentials.number() }));
    }
    let (store, folder, settings) =
        (vault.store(), base.place.folder().to_owned(), base.settings_file.clone());
    let printing = base.printing;
    if arguments.online {
        let context = base.online(vault)?;
        let runtime = credentials::runtime()?;
        let mut progress = Progress::new("roles", live.len());
        for (kept, row) in live.iter().zip(&mut rows) {
            let role = kept.last();
            let caller = runtime.block_on(context.sts().caller(role, &kept.credentials));
            let caller = caller.map_err(|refused| refused.failure(role.as_str()))?;
            row["caller"] = caller.into();
            progress.finished(role.as_str());
        }
    }
    let report = json!({
        "org": name, "url": org.org_url(), "user": org.user(), "settings": settings, "state": folder,
        "store": store, "encrypted": store != Store::Plaintext, "session": kept, "credentials": rows,
    });
    printing.report(&report, || {
        let mut text = format!("org          {name} ({})\nuser         {}\n", org.org_url(), org.user());
        let folder = folder.display();
        text += &match store {
            Store::Keyring => format!("secrets      {folder}, the key in the system's store\n"),
            Store::File => format!("secrets      {folder}, the key in a file beside them\n"),
            Store::Plaintext => {
                output::line(output::REMOVED, &format!("secrets      {folder}, IN PLAIN TEXT"))
            }
        };
        let until = |time: Option<Timestamp>| {
            time.map_or_else(|| "none".to_owned(), |time| format!("until {time:.0}"))
        };
        let (assertion, token) = (until(kept.assertion_until), until(kept.token_until));
        text += &format!("assertion    {assertion}\ntoken        {token}\n");
        for row in &rows {
            let minutes = row["seconds"].as_i64().unwrap_or_default() / 60;
            let role = row["role"].as_str().unwrap_or_default();
            text += &format!("credentials  {minutes:>4} min  {role}\n");
        }
        text
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Whether a machine's private key is there.
fn has_key(vault: &Vault, org: &OrgSettings, name: &str) -> Result<bool, Failure> {
    let secrets: Option<BTreeMap<String, Secrets>> = vault.read(SECRETS)?;
    let stored = secrets.is_some_and(|all| all.get(name).is_some_and(|own| own.private_key.is_some()));
    Ok(stored || org.private_key_file.as_ref().is_some_and(|path| path.is_file()))
}
