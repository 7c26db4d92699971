//! `status`: session, credentials with the time they have left, and where secrets are.

use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::arguments::Status;
use crate::aws::context::Base;
use crate::aws::credentials::{self, Wanted};
use crate::aws::session;
use crate::aws::state::State;
use crate::aws::vault::Store;
use crate::failure::{Exit, Failure};

/// Runs the command.
///
/// # Errors
///
/// By the table of exit codes.
pub fn run(mut base: Base<'_>, arguments: &Status) -> Result<ExitCode, Failure> {
    let vault = base.vault()?;
    let org = base.org()?.clone();
    let name = base.org_name().to_owned();
    let state = State::read(&base.place)?;
    let now = Timestamp::now();
    let mut rows: Vec<Value> = Vec::new();
    let mut live = Vec::new();
    for known in state.roles.get(&name).into_iter().flatten() {
        let Ok(role) = known.role.parse() else { continue };
        let wanted = Wanted::role(role);
        if let Some(credentials) = credentials::kept(&vault, &org, &wanted)? {
            let left = credentials.left(now).as_secs();
            rows.push(
                json!({ "role": known.role, "seconds": left, "accessKeyId": credentials.access_key_id }),
            );
            live.push((wanted.role, credentials));
        }
    }
    if arguments.check {
        let code = if rows.is_empty() { Exit::NoCredentials.number() } else { 0 };
        return Ok(ExitCode::from(code));
    }
    let (store, folder, settings) =
        (vault.store(), base.place.folder().to_owned(), base.settings_file.clone());
    let context = base.online(vault)?;
    let kept = session::look(&context)?;
    if arguments.online {
        let runtime = credentials::runtime()?;
        for ((role, credentials), row) in live.iter().zip(&mut rows) {
            let caller = runtime.block_on(context.sts().caller(role, credentials));
            let caller = caller.map_err(|refused| refused.failure(role.as_str()))?;
            row["caller"] = caller.into();
        }
    }
    let report = json!({
        "org": name, "url": org.org_url(), "user": org.user(), "settings": settings, "state": folder,
        "store": store, "encrypted": store != Store::Plaintext, "session": kept, "credentials": rows,
    });
    if arguments.json {
        crate::print(format!("{report:#}\n").as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!("org          {name} ({})\nuser         {}\n", org.org_url(), org.user());
    text += &match store {
        Store::Keyring => format!("secrets      {}, the key in the system's store\n", folder.display()),
        Store::File => format!("secrets      {}, the key in a file beside them\n", folder.display()),
        Store::Plaintext => format!("secrets      {}, IN PLAIN TEXT\n", folder.display()),
    };
    let until =
        |time: Option<Timestamp>| time.map_or_else(|| "none".to_owned(), |time| format!("until {time:.0}"));
    text +=
        &format!("assertion    {}\ntoken        {}\n", until(kept.assertion_until), until(kept.token_until));
    for row in &rows {
        let minutes = row["seconds"].as_i64().unwrap_or_default() / 60;
        text += &format!("credentials  {minutes:>4} min  {}\n", row["role"].as_str().unwrap_or_default());
    }
    crate::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
