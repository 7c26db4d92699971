//! What must agree with the table of operations, in both directions.
//!
//! Each check is a function that says what is wrong; beside it stands a test
//! that gives it something broken and expects the complaint.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod crates;
mod documents;
mod files;
mod known_defects;
mod template;

use std::collections::BTreeSet;

use operations::{Access, OPERATIONS, Operation, VERBS};

/// The complaints of a check; none means that all is well.
type Complaints = Vec<String>;

fn assert_none(complaints: Complaints) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn assert_some(complaints: Complaints, about: &str) {
    assert!(complaints.iter().any(|complaint| complaint.contains(about)), "{about} is not in {complaints:?}");
}

/// `only in <what>: <name>` for everything that one side has and the other has not.
fn differences<'n>(
    what: &str,
    actual: impl IntoIterator<Item = &'n str>,
    expected: impl IntoIterator<Item = &'n str>,
) -> Complaints {
    let actual: BTreeSet<&str> = actual.into_iter().collect();
    let expected: BTreeSet<&str> = expected.into_iter().collect();
    let extra =
        actual.difference(&expected).map(|name| format!("{what} has `{name}`, which the table has not"));
    let missing =
        expected.difference(&actual).map(|name| format!("{what} lacks `{name}`, which the table has"));
    extra.chain(missing).collect()
}

/// The table itself.
fn table(operations: &[Operation]) -> Complaints {
    let mut complaints = Vec::new();
    for operation in operations {
        let name = operation.name;
        let verb = name.split('-').next().unwrap_or_default();
        // What passes requests on is called after what it passes them to.
        if !VERBS.contains(&verb) && operation.access != Access::OktaToken {
            complaints.push(format!("{name}: `{verb}` is no verb of the closed list"));
        }
        if !operation.summary.ends_with('.') {
            complaints.push(format!("{name}: the summary is no sentence"));
        }
        if !(200..300).contains(&operation.success) {
            complaints.push(format!("{name}: {} is no success", operation.success));
        }
    }
    for pair in operations.windows(2) {
        let key = |operation: &Operation| (operation.resource, operation.name);
        if key(&pair[0]) >= key(&pair[1]) {
            complaints.push(format!("{} must come before {}", pair[1].name, pair[0].name));
        }
    }
    for (index, operation) in operations.iter().enumerate() {
        let same = |other: &Operation| (other.method, other.path) == (operation.method, operation.path);
        if operations[..index].iter().any(same) {
            complaints.push(format!("{}: another operation has its route", operation.name));
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
    let entry =
        |name, path| Operation { name, path, summary: "No sentence", success: 302, ..copy(&OPERATIONS[0]) };
    let broken = [entry("get-x", "/x"), entry("fetch-x", "/x")];
    for about in ["fetch-x: `fetch`", "no sentence", "302", "fetch-x must come before get-x", "has its route"]
    {
        assert_some(table(&broken), about);
    }
}

fn copy(operation: &Operation) -> Operation {
    Operation { ..*operation }
}

#[test]
fn every_operation_is_implemented_once() {
    let implemented: Vec<&str> = xtask::endpoints().iter().map(|endpoint| endpoint.operation.name).collect();
    let table: Vec<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    assert_eq!(implemented, table, "ENDPOINTS of the packages, in the order of the table");
    assert_some(differences("x", ["a"], ["b"]), "x has `a`");
    assert_some(differences("x", ["a"], ["b"]), "x lacks `b`");
}

fn sample(operation: &Operation, target: &str) -> Complaints {
    let path = target.split('?').next().unwrap_or_default();
    match operation.matches(path) {
        Some(_) => Complaints::new(),
        None => vec![format!("{}: the sample {target} is not on its route", operation.name)],
    }
}

#[test]
fn every_sample_fits_its_route() {
    let samples =
        xtask::endpoints().into_iter().map(|endpoint| (endpoint.operation, (endpoint.example)().target));
    assert_none(samples.flat_map(|(operation, target)| sample(operation, target)).collect());
    assert_some(sample(operations::get("get-tenant"), "/tenants"), "get-tenant");
}
