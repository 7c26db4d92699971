//! What is derived from the table of operations, and the commands around it.
//!
//! `cargo xtask generate` writes the derived files; `tests/contract` compares
//! them with what is committed.

mod alarms;
mod bench;
mod bench_aws;
mod bench_credential;
mod bench_rotation;
mod cli_docs;
mod collection;
mod commands;
mod conformance;
mod docs;
mod events;
mod local_stack;
mod new_operation;
mod openapi;
mod placeholder_key;
mod running;
mod runtime_api;
mod scale;
mod secrets_contract;
mod stages;
mod template;
mod test_api;
mod whole_way;

use std::path::{Path, PathBuf};

pub use alarms::{AWS_ALARMS, Alarm, AwsAlarm, Statistic, alarms, dashboard};
pub use bench::{Part, bench};
pub use bench_credential::bench_credential;
pub use conformance::{Conformance, conformance};
pub use docs::{ROLES, matrix};
pub use events::event;
pub use new_operation::{NewOperation, binary, new_operation};
pub use openapi::{methods, openapi};
pub use placeholder_key::placeholder_key;
pub use scale::scale;
pub use secrets_contract::{SecretsContract, secrets_contract};
pub use stages::{Api, stages};
pub use template::{replace as replace_in_template, source, tables};
pub use test_api::{TestApi, test_api};
pub use whole_way::{WholeWay, whole_way};

/// The operations of every package, in the order of the table.
pub fn endpoints() -> Vec<&'static lambda_kit::Description> {
    [
        apps::ENDPOINTS,
        connection_keys::ENDPOINTS,
        discovery::ENDPOINTS,
        delegation::ENDPOINTS,
        idps::ENDPOINTS,
        okta_proxy::ENDPOINTS,
        passwords::ENDPOINTS,
        responses::ENDPOINTS,
        tenant_admins::ENDPOINTS,
        tenant_apps::ENDPOINTS,
        tenant_domains::ENDPOINTS,
        tenants::ENDPOINTS,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The tasks of every package, in the order of the table.
#[rustfmt::skip] // A list, which `make new-operation` adds to.
pub fn tasks() -> Vec<&'static lambda_kit::TaskDescription> {
    [
        passwords::TASKS,
        reconcile::TASKS,
        responses::TASKS,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A file that is derived.
#[derive(Debug, PartialEq, Eq)]
pub struct Generated {
    /// Path below the repository.
    pub path: PathBuf,
    /// What it must hold.
    pub content: String,
}

/// All derived files.
///
/// # Errors
///
/// A sentence, if the README cannot be read or lacks the place of the table.
pub fn generate(root: &Path) -> Result<Vec<Generated>, String> {
    let endpoints = endpoints();
    let json = |value: serde_json::Value| {
        let pretty = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())?;
        Ok::<_, String>(format!("{pretty}\n"))
    };
    let commands = json(commands::commands(&endpoints))?;
    let mut files = vec![
        ("cli/src/api/commands.json".to_owned(), commands.clone()),
        ("docs/metrics.md".to_owned(), alarms::page()),
        ("docs/openapi.json".to_owned(), json(openapi(&endpoints))?),
        ("docs/api.md".to_owned(), docs::api(&endpoints)),
        ("docs/authorization.md".to_owned(), docs::authorization()),
        ("docs/aws-credentials.md".to_owned(), cli_docs::aws_credentials()),
        ("docs/cli.md".to_owned(), cli_docs::cli(&commands)),
        ("docs/configuration.md".to_owned(), docs::configuration()),
        ("docs/emulator.md".to_owned(), docs::emulator(root)),
        ("docs/problems.md".to_owned(), docs::problems()),
        ("docs/requests.http".to_owned(), collection::collection(&endpoints)),
        ("README.md".to_owned(), docs::readme(root)?),
        ("template.yaml".to_owned(), template::generated(root)?),
    ];
    for endpoint in &endpoints {
        files.push((format!("events/{}.json", endpoint.operation.name), json(event(endpoint))?));
    }
    for operation in operations::OPERATIONS {
        let path = format!("functions/{}/src/bin/{}.rs", operation.package.name(), operation.name);
        files.push((path, binary(operation)));
    }
    for task in tasks() {
        files.push((format!("events/{}.json", task.operation.name), json((task.example)())?));
    }
    Ok(files.into_iter().map(|(path, content)| Generated { path: path.into(), content }).collect())
}
