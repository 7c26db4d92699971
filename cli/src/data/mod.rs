//! `okta-dac data`: the tables of a deployment in files, and back.
//!
//! Okta has the tenants; the tables have what Okta cannot keep: suspensions, grants, ended rights,
//! records, responses, and whose a domain is. An export is a folder with a file for each table,
//! one item in each line as DynamoDB's own exports have it, and a manifest with the number of
//! lines and a digest of each file: a file that is cut off is not imported.
//!
//! Locks and budgets are for seconds, and are left out.

pub mod arguments;
mod item;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use ::connections::sink::Account;
use aws_lc_rs::digest::{Context, SHA256};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::arguments::{Data, DataCommand, Export, Import, Place};
use self::item::{Item, line, parse};
use crate::api::stop::{Code, Stop};
use crate::output::Printing;
use crate::{org, warn};

/// The tables, as the template names them, each with its partition key.
const TABLES: [(&str, &str); 3] =
    [("StateTable", "id"), ("DelegationEventsTable", "delegator"), ("ResponsesTable", "user")];

/// What the keys of items begin with that are for seconds.
const MOMENTARY: [&str; 2] = ["lock#", "budget#"];

/// Writes at the same time.
const WRITES: usize = 16;

/// Name of the file that says what the others have.
const MANIFEST: &str = "manifest.json";

/// What an export has.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// Version of the format.
    v: u32,
    /// When the export began, RFC 3339, UTC.
    time: String,
    /// The tables, by their names in the template.
    tables: BTreeMap<String, Part>,
}

/// One table in an export.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    items: u64,
    sha256: String,
}

/// Runs a command of `data`; says on stderr why it did not succeed.
pub fn run(command: &DataCommand, printing: Printing) -> ExitCode {
    crate::api::ended(org::runtime().and_then(|runtime| {
        runtime.block_on(async {
            match &command.what {
                Data::Export(arguments) => export(arguments, printing).await,
                Data::Import(arguments) => import(arguments, printing).await,
            }
        })
    }))
}

/// A client, and the names of the tables in the order of [`TABLES`].
async fn tables(place: &Place) -> Result<(Client, [String; 3]), Stop> {
    let names = match (&place.state_table, &place.events_table, &place.responses_table) {
        (Some(state), Some(events), Some(responses)) => [state.clone(), events.clone(), responses.clone()],
        _ => org::stack::Stack::read(&place.stack).await?.table_names()?,
    };
    Ok((Client::new(Account::default().config().await), names))
}

async fn export(arguments: &Export, printing: Printing) -> Result<(), Stop> {
    let (client, names) = tables(&arguments.place).await?;
    let folder = &arguments.to;
    if folder.exists() {
        let text = format!("`--to {}`: the folder is there already; name a new one", folder.display());
        return Err(Stop::new(Code::Usage, text));
    }
    crate::aws::files::make_folder(folder).map_err(|error| Stop::new(Code::Failed, error.to_string()))?;
    let mut manifest = Manifest { v: 1, time: jiff::Timestamp::now().to_string(), tables: BTreeMap::new() };
    for ((table, _), name) in TABLES.into_iter().zip(names) {
        let part = export_table(&client, &name, &folder.join(file_of(table))).await?;
        warn(&format!("{table}: {} items", part.items));
        manifest.tables.insert(table.to_owned(), part);
    }
    // Last: a folder without it is no export.
    let path = folder.join(MANIFEST);
    let mut file = create(&path)?;
    let written = serde_json::to_writer_pretty(&mut file, &manifest).map_err(std::io::Error::from);
    written.and_then(|()| file.flush()).map_err(|error| file_failed(&path, &error))?;
    let items: u64 = manifest.tables.values().map(|part| part.items).sum();
    let report = json!({ "v": 1, "folder": folder, "items": items, "tables": manifest.tables });
    printing.report(&report, || format!("{items} items are in {}\n", folder.display())).map_err(Stop::from)
}

async fn export_table(client: &Client, name: &str, path: &Path) -> Result<Part, Stop> {
    let mut file = create(path)?;
    let (mut part, mut digest) = (Part { items: 0, sha256: String::new() }, Context::new(&SHA256));
    let scan = client.scan().table_name(name).consistent_read(true);
    let mut pages = scan.into_paginator().items().send();
    while let Some(item) = pages.next().await {
        let item = item.map_err(|error| org::aws_failed(&format!("reading the table `{name}`"), &error))?;
        if is_momentary(&item) {
            continue;
        }
        let lacks = || Stop::new(Code::Failed, format!("the table `{name}` has an item of an unknown type"));
        let line = format!("{}\n", line(&item).ok_or_else(lacks)?);
        file.write_all(line.as_bytes()).map_err(|error| file_failed(path, &error))?;
        digest.update(line.as_bytes());
        part.items += 1;
    }
    file.flush().map_err(|error| file_failed(path, &error))?;
    part.sha256 = hex(digest);
    Ok(part)
}

async fn import(arguments: &Import, printing: Printing) -> Result<(), Stop> {
    let folder = &arguments.from;
    let manifest = check(folder)?;
    let (mut written, mut kept) = (0, 0);
    if !arguments.dry_run {
        let (client, names) = tables(&arguments.place).await?;
        for ((table, key), name) in TABLES.into_iter().zip(names) {
            let path = folder.join(file_of(table));
            let writes = stream::iter(lines(&path)?).map(|line| {
                let (client, name, path) = (&client, &name, &path);
                async move {
                    let item = parse(&line.map_err(|error| file_failed(path, &error))?);
                    put(client, name, key, item.ok_or_else(|| damaged(path))?, arguments.overwrite).await
                }
            });
            let (new, old) = writes
                .buffer_unordered(WRITES)
                .try_fold((0, 0), async |(new, old), is_new| {
                    Ok(if is_new { (new + 1, old) } else { (new, old + 1) })
                })
                .await?;
            warn(&format!("{table}: {new} items written, {old} kept as they are"));
            (written, kept) = (written + new, kept + old);
        }
    }
    let items: u64 = manifest.tables.values().map(|part| part.items).sum();
    let report = json!({ "v": 1, "time": manifest.time, "items": items, "written": written, "kept": kept });
    let text = || match arguments.dry_run {
        true => format!("{items} items of {}; nothing was written\n", manifest.time),
        false => format!("{written} items of {} are written, {kept} were there\n", manifest.time),
    };
    printing.report(&report, text).map_err(Stop::from)
}

/// Writes an item; `false` if one with its key is there and stays.
async fn put(client: &Client, table: &str, key: &str, item: Item, overwrite: bool) -> Result<bool, Stop> {
    // An end of rights that came after the export counts.
    let before = item.get("before").cloned();
    let mut put = client.put_item().table_name(table).set_item(Some(item));
    put = match (overwrite, before) {
        (false, _) => put.condition_expression("attribute_not_exists(#key)"),
        (true, Some(before)) => put
            .condition_expression("attribute_not_exists(#key) OR #before <= :before")
            .expression_attribute_names("#before", "before")
            .expression_attribute_values(":before", before),
        (true, None) => put,
    };
    if put.get_condition_expression().is_some() {
        put = put.expression_attribute_names("#key", key);
    }
    match put.send().await {
        Ok(_) => Ok(true),
        Err(error)
            if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) =>
        {
            Ok(false)
        }
        Err(error) => Err(org::aws_failed(&format!("writing to the table `{table}`"), &error)),
    }
}

/// The manifest of a folder whose files are as they were written.
fn check(folder: &Path) -> Result<Manifest, Stop> {
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(|error| file_failed(&path, &error))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|_| damaged(&path))?;
    if manifest.v != 1 {
        return Err(Stop::new(Code::Usage, format!("{}: a newer program wrote it", path.display())));
    }
    for (table, _) in TABLES {
        let path = folder.join(file_of(table));
        let (mut items, mut digest) = (0, Context::new(&SHA256));
        for line in lines(&path)? {
            let line = line.map_err(|error| file_failed(&path, &error))?;
            digest.update(line.as_bytes());
            digest.update(b"\n");
            items += 1;
        }
        let part = Part { items, sha256: hex(digest) };
        if manifest.tables.get(table) != Some(&part) {
            return Err(damaged(&path));
        }
    }
    Ok(manifest)
}

fn is_momentary(item: &Item) -> bool {
    let id = item.get("id").and_then(|id| AttributeValue::as_s(id).ok());
    id.is_some_and(|id| MOMENTARY.iter().any(|start| id.starts_with(start)))
}

fn file_of(table: &str) -> String {
    format!("{table}.jsonl")
}

fn lines(path: &Path) -> Result<impl Iterator<Item = std::io::Result<String>> + use<>, Stop> {
    let file = std::fs::File::open(path).map_err(|error| file_failed(path, &error))?;
    Ok(BufReader::new(file).lines())
}

/// A new file, for its owner alone.
fn create(path: &Path) -> Result<BufWriter<std::fs::File>, Stop> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(BufWriter::new).map_err(|error| file_failed(path, &error))
}

fn hex(digest: Context) -> String {
    digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file_failed(path: &Path, error: &std::io::Error) -> Stop {
    Stop::new(Code::Failed, format!("{}: {error}", path.display()))
}

fn damaged(path: &Path) -> Stop {
    let text = format!("{}: it is not as the export wrote it; nothing more is imported", path.display());
    Stop::new(Code::Refused, text)
}
