//! What holds for every operation, whatever starts it: the table, and the files that
//! exist for each entry, and no others.

use std::collections::BTreeSet;
use std::path::Path;

use operations::{EnvVar, OPERATIONS, Operation, Package, Trigger, VERBS};
use run_kit::Environment;
use tests::repository;

use crate::{Complaints, assert_none, assert_some, differences};

pub(crate) fn names(folder: &Path, extension: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(extension).map(str::to_owned))
        .collect();
    names.sort();
    names
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn strs(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().map(String::as_str)
}

/// Operations that are called after what they are for, without a verb.
const NO_VERB: [&str; 3] = ["authorizer", "okta-proxy", "reconcile"];

/// The table itself.
fn table(operations: &[Operation]) -> Complaints {
    let mut complaints = Vec::new();
    for operation in operations {
        let name = operation.name;
        let verb = name.split('-').next().unwrap_or_default();
        if !VERBS.contains(&verb) && !NO_VERB.contains(&name) {
            complaints.push(format!("{name}: `{verb}` is no verb of the closed list"));
        }
        if !operation.summary.ends_with('.') {
            complaints.push(format!("{name}: the summary is no sentence"));
        }
    }
    for pair in operations.windows(2) {
        let key = |operation: &Operation| (operation.package, operation.name);
        if key(&pair[0]) >= key(&pair[1]) {
            complaints.push(format!("{} must come before {}", pair[1].name, pair[0].name));
        }
    }
    complaints
}

#[test]
fn the_table_is_well_formed() {
    assert_none(table(OPERATIONS));
}

#[test]
fn a_bad_table_is_noticed() {
    let entry = |name| Operation { name, summary: "No sentence", ..OPERATIONS[0] };
    let broken = [entry("get-x"), entry("fetch-x")];
    for about in ["fetch-x: `fetch`", "no sentence", "fetch-x must come before get-x"] {
        assert_some(table(&broken), about);
    }
}

#[test]
fn every_operation_is_implemented_once() {
    let endpoints = xtask::endpoints().into_iter().map(|endpoint| endpoint.operation);
    let tasks = xtask::tasks().into_iter().map(|task| task.operation);
    let mut implemented: Vec<&Operation> =
        endpoints.chain(tasks).chain([operations::get("authorizer")]).collect();
    implemented.sort_by_key(|operation| (operation.package, operation.name));
    let names = |operations: Vec<&Operation>| operations.iter().map(|o| o.name).collect::<Vec<_>>();
    assert_eq!(names(implemented), names(OPERATIONS.iter().collect()), "the lists of the packages");
    assert_some(differences("x", ["a"], ["b"]), "x has `a`");
    assert_some(differences("x", ["a"], ["b"]), "x lacks `b`");
}

/// A function reads the variables that its entry names: no others, and all of them.
fn variables(operation: &Operation, read: &BTreeSet<&str>) -> Complaints {
    let of_lambda = |name: &&&str| EnvVar::RUNTIME.iter().any(|variable| variable.name == **name);
    let read = read.iter().filter(|name| !of_lambda(name)).copied();
    let declared = operation.variables().into_iter().map(|variable| variable.name);
    differences(&format!("{} reads: the environment", operation.name), read, declared)
}

#[test]
fn functions_read_what_the_table_says() {
    let examples =
        EnvVar::ALL.iter().map(|variable| (variable.name, variable.default.unwrap_or(variable.example)));
    let examples: Vec<_> = examples.collect();
    let mut complaints = Complaints::new();
    let endpoints = xtask::endpoints().into_iter().map(|endpoint| (endpoint.operation, endpoint.prepare));
    let tasks = xtask::tasks().into_iter().map(|task| (task.operation, task.prepare));
    for (operation, prepare) in endpoints.chain(tasks) {
        let environment = Environment::of(examples.clone());
        if let Err(error) = prepare(&environment) {
            complaints.push(format!("{} does not start with the examples: {error}", operation.name));
        }
        complaints.extend(variables(operation, &environment.names_read()));
    }
    let environment = Environment::of(examples);
    authorizer::Settings::prepare(&environment).unwrap();
    complaints.extend(variables(operations::get("authorizer"), &environment.names_read()));
    assert_none(complaints);
    let of = operations::get("get-tenant");
    assert_some(variables(of, &BTreeSet::from(["DNS_RESOLVERS"])), "has `DNS_RESOLVERS`");
    assert_some(variables(of, &BTreeSet::new()), "lacks `OKTA_ORG_URL`");
}

#[test]
fn packages_are_those_of_the_table() {
    let folders = names(&repository().join("functions"), "");
    assert_none(differences("functions/", strs(&folders), Package::ALL.iter().map(|package| package.name())));
    assert!(Package::ALL.is_sorted_by(|a, b| a.name() < b.name()), "in the order of their names");
}

#[test]
fn binaries_are_those_of_the_table() {
    let mut complaints = Complaints::new();
    for package in Package::ALL {
        let of_package = |o: &&Operation| o.package == *package;
        let expected = OPERATIONS.iter().filter(of_package).map(|o| o.name);
        let folder = repository().join("functions").join(package.name()).join("src/bin");
        let binaries = names(&folder, ".rs");
        let what = format!("functions/{}/src/bin", package.name());
        complaints.extend(differences(&what, strs(&binaries), expected));
        for operation in OPERATIONS.iter().filter(of_package) {
            let text = read(&folder.join(format!("{}.rs", operation.name)));
            complaints.extend(binary(operation, &text));
        }
    }
    assert_none(complaints);
    assert_some(binary(operations::get("get-tenant"), "fn main() {}"), "get-tenant.rs");
}

fn binary(operation: &Operation, text: &str) -> Complaints {
    match text == xtask::binary(operation) {
        true => Complaints::new(),
        false => vec![format!("{}.rs is not as the table says: run `make generate`", operation.name)],
    }
}

/// The parts that a stranger looks for in an operation's file.
fn operation_file(operation: &Operation, text: &str) -> Complaints {
    let name = operation.type_name();
    let mut parts = vec!["# Okta calls".to_owned(), format!("pub struct {name}")];
    match operation.trigger {
        Trigger::Http(_) => {
            parts.extend(["pub struct Input".to_owned(), format!("impl Endpoint for {name}")]);
            // What nothing can happen to but that the tenant, or what holds its domains, is not
            // found needs no errors of its own.
            let shared = ["type Error = TenantError;", "type Error = LookupError;"];
            if !shared.iter().any(|error| text.contains(error)) {
                parts.push(format!("pub enum {name}Error"));
            }
        }
        Trigger::InlineHook { .. } => parts.push(format!("impl Hook for {name}")),
        Trigger::EventHook { .. } => parts.push(format!("impl EventHook for {name}")),
        Trigger::Proxy { .. } | Trigger::Public { .. } => parts.push(format!("impl Forward for {name}")),
        Trigger::SecretRotation | Trigger::Schedule { .. } | Trigger::Bus { .. } => {
            parts.push(format!("impl Task for {name}"));
        }
        // It answers with a policy, and is a crate of its own.
        Trigger::Authorizer => return Complaints::new(),
    }
    let missing = parts.into_iter().filter(|part| !text.contains(part));
    missing.map(|part| format!("{}.rs lacks `{part}`", operation.module())).collect()
}

#[test]
fn each_operation_is_a_file() {
    for operation in OPERATIONS.iter().filter(|operation| operation.name != "authorizer") {
        let path = format!("functions/{}/src/{}.rs", operation.package.name(), operation.module());
        assert_none(operation_file(operation, &read(&repository().join(path))));
    }
    assert_some(operation_file(operations::get("get-tenant"), "pub struct Input"), "pub enum GetTenantError");
}

/// No file of code is longer than a reader's patience, except the table.
fn too_long(path: &str, lines: usize) -> Complaints {
    match lines > 500 && path != "shared/operations/src/table.rs" {
        true => vec![format!("{path} has {lines} lines: split it, 500 are enough")],
        false => Complaints::new(),
    }
}

#[test]
fn no_file_is_too_long() {
    let list =
        std::process::Command::new("git").args(["ls-files", "*.rs"]).current_dir(repository()).output();
    let Ok(list) = list else { return };
    let files = String::from_utf8(list.stdout).expect("names of text");
    let lines =
        |file: &str| std::fs::read_to_string(repository().join(file)).unwrap_or_default().lines().count();
    assert_none(files.lines().flat_map(|file| too_long(file, lines(file))).collect());
    assert_some(too_long("functions/tenants/src/x.rs", 501), "501 lines");
}

#[test]
fn events_are_those_of_the_table() {
    let events = names(&repository().join("events"), ".json");
    // What API Gateway sends to the authorizer is in every token, and in no file.
    let expected = OPERATIONS.iter().map(|o| o.name).filter(|name| *name != "authorizer");
    assert_none(differences("events/", strs(&events), expected));
}

fn generated(file: &xtask::Generated, actual: &str) -> Complaints {
    match file.content == actual {
        true => Complaints::new(),
        false => vec![format!("{} is not as the table says: run `make generate`", file.path.display())],
    }
}

#[test]
fn generated_files_are_clean() {
    let root = repository();
    let files = xtask::generate(&root).unwrap();
    let actual = |file: &xtask::Generated| std::fs::read_to_string(root.join(&file.path)).unwrap_or_default();
    assert_none(files.iter().flat_map(|file| generated(file, &actual(file))).collect());
    assert_some(generated(&files[0], "changed by hand"), "make generate");
}
