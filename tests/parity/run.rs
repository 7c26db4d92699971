//! The runs: the emulator in every test run, a real org on demand.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::Path;

use okta_emulator::{DEMO_ORG, Emulator, Options, Seed};

use crate::org::Org;
use crate::{Fact, all};

/// Asks an org about every fact; gives those that it answers otherwise, with how.
async fn ask(org: &mut Org, facts: &[&Fact]) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    for fact in facts {
        let outcome = (fact.check)(org).await;
        let outcome = outcome.and(org.clean().await);
        // Whatever the outcome is, nothing stays.
        let outcome = outcome.and(org.clean().await);
        if let Err(difference) = outcome {
            wrong.push((fact.id, difference));
        }
    }
    wrong
}

#[tokio::test]
async fn the_emulator_answers_as_every_fact_says_and_is_left_as_it_was() {
    let seed = Seed::parse(DEMO_ORG).unwrap();
    let token = seed.api_token.token.clone();
    let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
    let before = kept(&emulator);
    let facts: Vec<&Fact> = all().collect();
    let wrong = ask(&mut Org::new(&emulator.url(), &token, "emulator"), &facts).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(kept(&emulator) == before, "a fact left something behind");
}

/// What an org holds, but for its log and the times of what is there for good.
fn kept(emulator: &Emulator) -> serde_json::Value {
    let mut snapshot = emulator.stable_snapshot();
    for gone in ["log", "serial"] {
        snapshot.as_object_mut().unwrap().remove(gone);
    }
    snapshot
}

#[tokio::test]
async fn a_fact_that_does_not_hold_is_told() {
    let seed = Seed::parse(DEMO_ORG).unwrap();
    let token = seed.api_token.token.clone();
    let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
    let facts: Vec<&Fact> = all().filter(|fact| fact.id.starts_with("r01")).collect();
    let fault = serde_json::json!({ "operationId": "listIdentityProviders", "action": { "body": "[]" } });
    emulator.order(serde_json::from_value(fault).unwrap());
    let wrong = ask(&mut Org::new(&emulator.url(), &token, "told"), &facts).await;
    assert_eq!(wrong.len(), 1, "{wrong:?}");
}

/// The day on which a real org last answered as each fact says.
fn last_run() -> (std::path::PathBuf, BTreeMap<String, Option<String>>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("parity/last_run.json");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, serde_json::from_str(&text).unwrap())
}

#[test]
fn every_fact_has_the_day_of_its_last_true_run() {
    let (_, days) = last_run();
    let mut facts: Vec<&str> = all().map(|fact| fact.id).collect();
    facts.sort_unstable();
    assert!(facts.is_sorted_by(|a, b| a < b), "two facts of one name");
    assert_eq!(days.keys().map(String::as_str).collect::<Vec<_>>(), facts);
    for day in days.values().flatten() {
        assert!(day.parse::<jiff::civil::Date>().is_ok(), "{day}");
    }
}

#[test]
fn every_recorded_answer_of_the_page_has_a_fact() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/emulator.md");
    let page = std::fs::read_to_string(page).unwrap();
    let numbers: Vec<u32> =
        page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |")?.0.parse().ok()).collect();
    assert_eq!(numbers, (1..=25).collect::<Vec<_>>());
    for number in numbers {
        let prefix = format!("r{number:02}_");
        assert!(all().any(|fact| fact.id.starts_with(&prefix)), "no fact for recorded answer {number}");
    }
}

/// Asks a real org, and notes the day. Without an org this says what would be done.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the real org is for one command alone, not for the product")]
async fn a_real_org_answers_as_the_emulator_does() {
    let url = std::env::var("OKTA_PARITY_ORG").unwrap_or_default();
    if url.is_empty() {
        println!(
            "OKTA_PARITY_ORG is not set: no real org is asked. With one, `make parity ORG=https://… < token`"
        );
        println!("asks the org about {} facts, and takes away what each made:", all().count());
        for fact in all() {
            println!("  {}: {}", fact.id, fact.says);
        }
        return;
    }
    assert!(
        !std::io::stdin().is_terminal(),
        "give the API token on standard input: make parity ORG={url} < token"
    );
    let mut token = String::new();
    std::io::stdin().read_to_string(&mut token).unwrap();
    let run = jiff::Timestamp::now().as_second().to_string();
    let facts: Vec<&Fact> = all().collect();
    let wrong = ask(&mut Org::new(&url, token.trim(), &run), &facts).await;
    let (path, mut days) = last_run();
    let today = jiff::Zoned::now().date().to_string();
    for fact in facts {
        match wrong.iter().find(|(id, _)| *id == fact.id) {
            Some((id, difference)) => println!("{id}: {}\n  {difference}", fact.says),
            None => drop(days.insert(fact.id.to_owned(), Some(today.clone()))),
        }
    }
    std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&days).unwrap())).unwrap();
    assert!(wrong.is_empty(), "{} facts differ", wrong.len());
}
