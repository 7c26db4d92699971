//! Every fuzz target, with a bounded number of inputs: bytes of any kind, and seeds that were changed
//! in a few places.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tests::fuzz::{TARGETS, Target};

/// Inputs of each target.
const CASES: u32 = 5_000;

/// Bytes that parsers stumble over.
const NASTY: &[u8] = b"\0\n\r\t \"'\\/<>[]{}&;=%.,:-_+*#@\x7f\x80\xc3\xff0aA";

/// A seed with some bytes replaced, taken out, put in or repeated; now and then bytes of any kind.
fn inputs(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0..5_u8, prop::sample::select(NASTY), any::<u8>());
    let changed = (prop::sample::select(seeds), prop::collection::vec(change, 0..6)).prop_map(
        |(mut bytes, changes)| {
            for (place, kind, nasty, any) in changes {
                let at = place.index(bytes.len() + 1);
                match kind {
                    0 if at < bytes.len() => bytes[at] = nasty,
                    1 if at < bytes.len() => bytes[at] = any,
                    2 if at < bytes.len() => drop(bytes.remove(at)),
                    3 => bytes.truncate(at),
                    _ => bytes.insert(at, nasty),
                }
            }
            bytes
        },
    );
    prop_oneof![8 => changed, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

fn fuzz(target: &Target) {
    // The same inputs in every run: what is found here is found again.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&inputs((target.seeds)()), |input| {
        (target.run)(&input);
        Ok(())
    });
    assert!(outcome.is_ok(), "{}: {}", target.name, outcome.unwrap_err());
}

macro_rules! targets {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            fuzz(TARGETS.iter().find(|target| target.name == stringify!($name)).unwrap());
        })+

        #[test]
        fn every_target_is_run_here_and_has_its_file() {
            let run = [$(stringify!($name)),+];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), run);
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
            let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
            for name in run {
                let file = std::fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
                assert!(file.contains(&format!("\"{name}\"")), "{name}");
                assert!(manifest.contains(&format!("fuzz_targets/{name}.rs")), "{name}");
            }
        }
    };
}

targets! {
    authorizer_event authorizer_token saml_metadata certificate hook_payload keeper_stdin aws_config dns_answer
    cursor operation_body
}

/// Seeds are good inputs: what begins far from a good one finds little.
#[test]
fn a_target_that_breaks_its_promise_is_told() {
    let broken =
        Target { name: "broken", run: |data| assert!(data.len() > 2), seeds: || vec![vec![1, 2, 3]] };
    assert!(std::panic::catch_unwind(|| fuzz(&broken)).is_err());
}
