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

mod alarms;
mod crates;
mod dependencies;
mod documents;
mod http;
mod known_defects;
mod modules;
mod operations;
mod template;
mod workflows;

use std::collections::BTreeSet;

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
