//! `rotate batch`: many passwords, one line for each, and a run that was killed goes on.
//!
//! The state file has one line for each item that has ended, and no secret. It is written
//! before the line is printed: an item whose line is there is not repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use futures::{StreamExt, stream};
use rotation::end::Code;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::arguments::Batch;
use super::secrets::{Access, access, looked, rotate};
use super::{Ended, Stop, line_of};

/// Rotations at once: Okta's limits, and not this number, decide how fast they are.
pub(super) const AT_ONCE: usize = 8;

/// A line of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Item {
    secret_id: String,
    #[serde(default)]
    login: Option<String>,
}

/// A line of the state file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    secret_id: String,
    code: u8,
}

fn usage(message: impl Into<String>) -> Stop {
    Stop::new(Code::Usage, message)
}

fn items(file: &Path) -> Result<Vec<Item>, Stop> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| usage(format!("{} cannot be read: {error}", file.display())))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut seen = BTreeSet::new();
    let mut items = Vec::new();
    for (index, line) in lines {
        let item: Item = serde_json::from_str(line).map_err(|_| {
            usage(format!(
                "{}, line {}: expected {{\"secretId\": \"…\"}}, with \"login\" if that is to be checked",
                file.display(),
                index + 1
            ))
        })?;
        if !seen.insert(item.secret_id.clone()) {
            return Err(usage(format!("{}, line {}: the secret is there twice", file.display(), index + 1)));
        }
        items.push(item);
    }
    Ok(items)
}

fn state_file(batch: &Batch) -> PathBuf {
    batch.state.clone().unwrap_or_else(|| {
        let mut name = batch.file.as_os_str().to_owned();
        name.push(".state");
        name.into()
    })
}

/// The items that have ended with 0; a line that was cut off by a kill is none.
fn ended(file: &Path) -> Result<BTreeSet<String>, Stop> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(usage(format!("{} cannot be read: {error}", file.display()))),
    };
    let done = text.lines().filter_map(|line| serde_json::from_str::<Done>(line).ok());
    Ok(done.filter(|done| done.code == 0).map(|done| done.secret_id).collect())
}

/// Rotates what the file names. Says how each ended, and in the end how many ended how.
pub(super) async fn run(batch: &Batch) -> Result<u8, Stop> {
    let mut items = items(&batch.file)?;
    let state = state_file(batch);
    if state.exists() && !batch.resume && !batch.dry_run {
        return Err(usage(format!(
            "{} is there: `--resume` goes on with that run, or remove the file for a new one",
            state.display()
        )));
    }
    let done = if batch.resume { ended(&state)? } else { BTreeSet::new() };
    let all = items.len();
    items.retain(|item| !done.contains(&item.secret_id));
    let access = access(&batch.org, batch.how.pace.share).await?;
    let mut log = match batch.dry_run {
        true => None,
        false => {
            let opened = std::fs::OpenOptions::new().create(true).append(true).open(&state);
            Some(opened.map_err(|error| usage(format!("{} cannot be written: {error}", state.display())))?)
        }
    };
    let mut codes: BTreeMap<u8, usize> = BTreeMap::new();
    let work = items.iter().map(|item| one(batch, &access, item));
    let mut work = stream::iter(work).buffer_unordered(AT_ONCE);
    while let Some((item, mut line)) = work.next().await {
        let code = line["code"].as_u64().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX);
        *codes.entry(code).or_default() += 1;
        if let Some(log) = &mut log {
            let done = Done { secret_id: item.secret_id.clone(), code };
            let text = serde_json::to_string(&done).unwrap_or_default() + "\n";
            let written = log.write_all(text.as_bytes()).and_then(|()| log.sync_data());
            written.map_err(|error| usage(format!("{} cannot be written: {error}", state.display())))?;
        }
        line["secretId"] = item.secret_id.clone().into();
        print(&line)?;
    }
    summary(all, done.len(), codes)
}

/// The last line: how many ended how. Gives the exit code: 0 if all ended with 0, else 1.
pub(super) fn summary(all: usize, before: usize, codes: BTreeMap<u8, usize>) -> Result<u8, Stop> {
    let failed = codes.iter().any(|(code, count)| *code != 0 && *count > 0);
    let codes: serde_json::Map<String, Value> =
        codes.into_iter().map(|(code, count)| (code.to_string(), count.into())).collect();
    print(&json!({ "v": 1, "items": all, "before": before, "codes": codes }))?;
    Ok(u8::from(failed))
}

pub(super) fn print(line: &Value) -> Result<(), Stop> {
    crate::print(format!("{line}\n").as_bytes()).map_err(|failure| usage(failure.sentence))
}

async fn one<'i>(batch: &Batch, access: &Access, item: &'i Item) -> (&'i Item, Value) {
    let began = std::time::Instant::now();
    // Each has its own time.
    let access = Access {
        client: access.client.for_request(tokio::time::Instant::now() + super::DEADLINE),
        url: access.url.clone(),
        vault: access.vault.clone(),
    };
    let recipe = batch.drawn.recipe();
    let ended = match batch.dry_run {
        true => looked(&access, &batch.how, &recipe, &item.secret_id).await,
        false => rotate(&access, &batch.how, &recipe, &item.secret_id, item.login.as_deref())
            .await
            .map(Ended::Rotated),
    };
    let (_, line) = line_of(ended, began.elapsed());
    (item, Value::Object(line))
}
