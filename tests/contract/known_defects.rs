//! `tests/known_defects.md` and `SECURITY.md`: the tests that they name exist.

use std::collections::BTreeSet;

use tests::repository;

use crate::{Complaints, assert_none, assert_some};

/// The groups of ids.
const GROUPS: [&str; 14] =
    ["AUZ", "TEN", "APP", "ADM", "DOM", "WFD", "IDP", "PXY", "INF", "MAN", "DLG", "AWS", "REZ", "KEE"];

/// The group of promises.
const PROMISES: [&str; 1] = ["SEC"];

fn check(page: &str, groups: &[&str]) -> Complaints {
    let mut complaints = Complaints::new();
    let mut seen = BTreeSet::new();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    for row in rows.map(|row| row.split(" | ").collect::<Vec<_>>()).filter(|row| row[0] != "id") {
        let [id, _, how] = row[..] else {
            complaints.push(format!("{row:?} is no row of three cells"));
            continue;
        };
        if !id.split_once('-').is_some_and(|(group, number)| groups.contains(&group) && number.len() == 2) {
            complaints.push(format!("{id} is no id"));
        }
        if !seen.insert(id.to_owned()) {
            complaints.push(format!("{id} stands there twice"));
        }
        // Tests are "`name` in `file`"; what has none is a sentence.
        let words: Vec<&str> = how.split('`').collect();
        let mut tests = 0;
        for window in words.windows(3).filter(|window| window[1] == " in ") {
            tests += 1;
            let (name, file) = (window[0], window[2]);
            let text = std::fs::read_to_string(repository().join(file)).unwrap_or_default();
            if !text.contains(&format!("fn {name}(")) {
                complaints.push(format!("{id}: there is no test `{name}` in {file}"));
            }
        }
        if tests == 0 && !how.ends_with('.') {
            complaints.push(format!("{id} names neither a test nor a reason"));
        }
    }
    for group in groups {
        if !seen.iter().any(|id| id.starts_with(group)) {
            complaints.push(format!("no id of {group} is there"));
        }
    }
    complaints
}

#[test]
fn the_tests_that_keep_known_defects_out_exist() {
    let page = std::fs::read_to_string(repository().join("tests/known_defects.md")).expect("the page");
    assert_none(check(&page, &GROUPS));
    for (from, to, about) in [
        ("`auz_12_the_authorizer_logs_no_claims`", "`auz_12_gone`", "AUZ-12: there is no test `auz_12_gone`"),
        ("| INF-08 | no tests | `make test`. |", "| INF-08 | no tests | later |", "INF-08 names neither"),
        ("| INF-08 |", "| INF-07 |", "INF-07 stands there twice"),
        ("| PXY-0", "| PXX-0", "is no id"),
    ] {
        assert!(page.contains(from), "{from}");
        assert_some(check(&page.replace(from, to), &GROUPS), about);
    }
}

/// Each promise has a test: a promise that only has a reason is none.
#[test]
fn the_tests_that_show_the_promises_exist() {
    let promises = |page: &str| {
        let mut complaints = check(page, &PROMISES);
        let rows = page.lines().filter(|row| row.starts_with("| SEC-") && !row.contains("` in `"));
        complaints.extend(rows.map(|row| format!("no test shows {row}")));
        complaints
    };
    let page = std::fs::read_to_string(repository().join("SECURITY.md")).expect("the page");
    assert_none(promises(&page));
    let gone = page.replace("`away_slow_and_back`", "`gone`");
    assert_some(promises(&gone), "SEC-09: there is no test `gone`");
    assert_some(promises("| SEC-01 | A promise. | Trust us. |"), "no test shows");
}
