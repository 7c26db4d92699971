//! Documents: what they name exists, and they read a sentence per line.

use std::path::Path;

use operations::{OPERATIONS, VERBS};
use tests::repository;

use crate::{Complaints, assert_none, assert_some, differences};

/// Pages that people write; but docs/responses.md, whose actions have names like operations.
const PAGES: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/adding-an-operation.md",
    "docs/connections.md",
    "docs/delegation.md",
    "docs/deploying.md",
    "docs/keeper.md",
    "docs/doctor.md",
    "docs/migrating.md",
    "docs/rotation.md",
    "docs/runbook.md",
];

/// Folders and files whose names begin a path in a document.
const ROOTS: &[&str] = &[
    "functions/",
    "shared/",
    "local/",
    "tests/",
    "events/",
    "docs/",
    "xtask/",
    ".ci/",
    "template.yaml",
    "Makefile",
];

fn page(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn check(name: &str, text: &str, root: &Path, targets: &[String]) -> Complaints {
    let mut complaints = Complaints::new();
    for code in text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2)) {
        let path = code.split([':', '#']).next().unwrap_or_default();
        let is_path =
            ROOTS.iter().any(|root| path.starts_with(root)) && !path.contains(['<', '*', ' ', '…', '{']);
        if is_path && !root.join(path).exists() {
            complaints.push(format!("{name} names `{path}`, which does not exist"));
        }
    }
    for word in text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2)) {
        let kebab = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let like_operation = kebab && VERBS.iter().any(|verb| word.starts_with(&format!("{verb}-")));
        if like_operation && !OPERATIONS.iter().any(|operation| operation.name == word) {
            complaints.push(format!("{name} names the operation `{word}`, which does not exist"));
        }
    }
    for words in text.split("make ").skip(1) {
        let before = text.len() - words.len();
        let in_code = text[..before.saturating_sub(5)].ends_with(['`', '\n']);
        let target: String = words.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        if in_code && !target.is_empty() && !targets.contains(&target) {
            complaints.push(format!("{name} names `make {target}`, which does not exist"));
        }
    }
    for link in text.split("](").skip(1) {
        let target = link.split([')', '#']).next().unwrap_or_default();
        let folder = Path::new(name).parent().unwrap_or(Path::new(""));
        if !target.is_empty() && !target.contains("://") && !root.join(folder).join(target).exists() {
            complaints.push(format!("{name} links to {target}, which does not exist"));
        }
    }
    for line in text.split("```").step_by(2).flat_map(str::lines).filter(|line| !line.starts_with('|')) {
        let sentence_ends = line.match_indices(". ").filter(|(at, _)| {
            let next = line[at + 2..].chars().next();
            let numbered = line[..*at].chars().all(|c| c.is_ascii_digit() || c == ' ');
            next.is_some_and(char::is_uppercase) && !numbered
        });
        if sentence_ends.count() > 0 {
            complaints.push(format!("{name}: more than one sentence in a line: {line}"));
        }
    }
    complaints
}

fn targets() -> Vec<String> {
    let makefile = page("Makefile");
    let names = makefile.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.to_owned());
    names.filter(|name| !name.contains([' ', '.', '='])).collect()
}

#[test]
fn what_documents_name_exists() {
    let targets = targets();
    assert!(targets.contains(&"run".to_owned()), "{targets:?}");
    assert_none(PAGES.iter().flat_map(|name| check(name, &page(name), &repository(), &targets)).collect());
    let lines = page("ARCHITECTURE.md").lines().count();
    assert!(lines <= 200, "ARCHITECTURE.md has {lines} lines");
}

/// The kinds of damage that `reconcile` knows, in a table of ARCHITECTURE.md.
fn kinds(text: &str) -> Complaints {
    let (_, table) = text.split_once("| kind |").unwrap_or_default();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let rows = rows.filter_map(|line| Some(line.strip_prefix("| `")?.split_once("` |")?.0));
    differences("ARCHITECTURE.md", rows, examination::Kind::ALL.iter().map(|kind| kind.as_str()))
}

#[test]
fn the_kinds_of_damage_are_listed() {
    assert_none(kinds(&page("ARCHITECTURE.md")));
    assert_some(kinds("| kind |\n|---|\n| `no-kind` |"), "has `no-kind`");
    assert_some(kinds(""), "lacks `half-made-tenant`");
}

/// What the doctor finds in the org, in a table of its page.
fn findings(text: &str) -> Complaints {
    let rows = text.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once("` |")?.0));
    differences("docs/doctor.md", rows, org_setup::doctor::Code::ALL.iter().map(|(_, name, _)| *name))
}

#[test]
fn the_findings_of_the_doctor_are_listed() {
    assert_none(findings(&page("docs/doctor.md")));
    assert_some(findings("| `no-code` | nothing |"), "has `no-code`");
    assert_some(findings(""), "lacks `silent-hook`");
}

#[test]
fn what_does_not_exist_is_noticed() {
    let check = |text| check("README.md", text, &repository(), &["run".to_owned()]);
    assert_some(check("see `functions/nothing/src/x.rs`"), "functions/nothing");
    assert_some(check("run `make fly`"), "make fly");
    assert_some(check("the operation `get-nothing`"), "get-nothing");
    assert_some(check("see [this](docs/nothing.md)"), "docs/nothing.md");
    assert_some(check("One sentence. Another one."), "more than one sentence");
    assert_none(check("1. Run `make run` in `functions/tenants/src/lib.rs`."));
}

/// The repository speaks of the product alone.
#[test]
fn no_word_of_how_it_was_made() {
    let root = repository();
    let list = std::process::Command::new("git").args(["ls-files"]).current_dir(&root).output();
    let Ok(list) = list else { return };
    let files = String::from_utf8(list.stdout).expect("names of text");
    for file in files.lines().filter(|file| !file.ends_with("Cargo.lock")) {
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        // Okta's own path of an app, with its parameters.
        let text = text.replace("/home/{", "/{").replace("/home/amazon_aws/", "/");
        for word in [["/ho", "me/"].concat(), ["/ro", "ot/"].concat(), ["/wo", "rk/"].concat()] {
            assert!(!text.contains(&word), "{file} names {word}");
        }
    }
}

/// The types of events that `end-user-rights` knows are those that the local stack's hook
/// is told of, and those of the page.
#[test]
fn the_event_hook_is_told_of_what_ends_rights() {
    let known: Vec<&str> = domain::ENDING_EVENTS.into();
    assert_eq!(known, gateway::EVENT_HOOK_EVENTS);
    let page = std::fs::read_to_string(repository().join("docs/deploying.md")).expect("the page");
    let missing: Vec<_> = known.iter().filter(|kind| !page.contains(&format!("`{kind}`"))).collect();
    assert!(missing.is_empty(), "docs/deploying.md lacks {missing:?}");
}
