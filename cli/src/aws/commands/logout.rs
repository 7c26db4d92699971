//! `logout`: forgets what a sign-in left.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};

use crate::aws::arguments::Logout;
use crate::aws::context::{Base, SECRETS};
use crate::aws::files::{self, Lock, Place};
use crate::aws::state::State;
use crate::aws::vault::Store;
use crate::aws::{credentials, vault};
use crate::failure::{Exit, Failure};
use crate::interrupt;

/// Runs the command.
///
/// # Errors
///
/// [`Exit::Store`]; [`Exit::PersonNeeded`] where nobody can be asked.
pub fn run(mut base: Base<'_>, arguments: &Logout) -> Result<ExitCode, Failure> {
    let place = base.place.clone();
    if arguments.dry_run {
        return plan(&base, arguments);
    }
    if arguments.all && !arguments.yes {
        confirm(&mut base)?;
    }
    interrupt::watch();
    forget_sessions(&place, base.deadline)?;
    interrupt::done("sessions and credentials are forgotten");
    State::forget(&place, base.deadline)?;
    if arguments.all {
        files::remove(&place.file(SECRETS))?;
        vault::forget_key(&place)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn confirm(base: &mut Base<'_>) -> Result<(), Failure> {
    if !base.terminal.is_there() {
        return Err(Failure::new(Exit::PersonNeeded, "`logout --all` asks first, and there is no terminal")
            .hint("`--yes` is the answer of a script; nothing was forgotten"));
    }
    base.terminal.show("Password, seed and keys of every org are forgotten; `init` takes them anew.");
    match base.terminal.ask("Go on? Type yes")?.as_str() {
        "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Usage, "nothing was forgotten")),
    }
}

/// What would be forgotten.
fn plan(base: &Base<'_>, arguments: &Logout) -> Result<ExitCode, Failure> {
    let place = &base.place;
    let mut names = sealed(place)?;
    if arguments.all {
        names.extend([SECRETS, vault::KEY_FILE].map(str::to_owned));
    }
    let paths = names.iter().map(|name| place.file(name)).filter(|path| path.exists());
    let mut rows: Vec<Value> = paths.map(|path| json!({ "file": path })).collect();
    let state = place.file(State::FILE);
    if state.exists() {
        rows.push(json!({ "file": state, "part": "roles, factors, failures" }));
    }
    if arguments.all && base.settings.store == Store::Keyring {
        rows.push(json!({ "part": "the key in the system's store" }));
    }
    base.printing.list(&rows, || {
        let line = |row: &Value| {
            let words = [&row["file"], &row["part"]].map(|word| word.as_str().unwrap_or_default());
            format!("{}\n", words.join(" ").trim())
        };
        rows.iter().map(line).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Takes kept credentials and sessions away. Whoever signs in at this moment is waited for:
/// what they would write afterwards goes as well.
pub(super) fn forget_sessions(place: &Place, deadline: Instant) -> Result<(), Failure> {
    let forget = |name: &String| {
        let lock = name.replace("session-", "signin-").replace(".bin", ".lock");
        let some = "some sessions and credentials are forgotten: run it again";
        let lock = Lock::take(&place.file(&lock), deadline).map_err(|failure| failure.hint(some))?;
        files::remove(&place.file(name))?;
        interrupt::done(some);
        drop(lock);
        Ok(())
    };
    // Sessions first: of what is begun afterwards, nothing is kept. Then credentials, and
    // what somebody signed in for who was waited for.
    let names = sealed(place)?;
    let sessions = names.iter().filter(|name| name.starts_with("session-"));
    let credentials = names.iter().filter(|name| !name.starts_with("session-"));
    sessions.clone().chain(credentials).chain(sessions).try_for_each(forget)
}

/// Names of sealed files that a sign-in left, or is about to leave: credentials, then
/// sessions.
fn sealed(place: &Place) -> Result<BTreeSet<String>, Failure> {
    let names = place.names()?.into_iter();
    let sealed = names.filter_map(|name| {
        let (stem, end) = name.rsplit_once('.')?;
        let stem = if end == "lock" { stem.replacen("signin-", "session-", 1) } else { stem.to_owned() };
        let ours = stem.starts_with(credentials::PREFIX) || stem.starts_with("session-");
        (ours && matches!(end, "bin" | "lock")).then(|| format!("{stem}.bin"))
    });
    Ok(sealed.collect())
}
