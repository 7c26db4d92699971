//! docs/delegation.md runs as written: sign-in at Okta, nomination, a delegated
//! token, its record.

use std::process::Command;

use tests::{TestStack, repository};

/// The commands of the page, each with the output that it is said to have.
fn steps(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines: Vec<&str> = blocks.flat_map(str::lines).collect();
    let mut steps: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => output.push_str(line),
            (None, None) => panic!("{line}"),
        }
    }
    steps
}

/// Whether `actual` is `expected`, in which `…` stands for anything.
fn fits(actual: &str, expected: &str) -> bool {
    let mut rest = actual;
    for (nth, part) in expected.split('…').enumerate() {
        match rest.find(part) {
            Some(at) if nth > 0 || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || expected.ends_with('…')
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_walkthrough_runs_as_written() {
    let stack = TestStack::start().await;
    stack.okta().configure(|settings| settings.search_lag_ms = 0);
    let page = std::fs::read_to_string(repository().join("docs/delegation.md")).unwrap();
    let steps = steps(&page);
    let shown = steps.iter().filter(|(_, output)| !output.is_empty()).count();
    assert!(shown >= 5, "{steps:?}");
    let mark = "-- end of a step --";
    let script: String =
        steps.iter().map(|(command, _)| format!("{command}\necho; echo '{mark}'\n")).collect();
    let script = script
        .replace("http://127.0.0.1:3000", &stack.stack.api_url())
        .replace("http://127.0.0.1:8700", &stack.okta().url())
        .replace("curl ", "curl -s ");
    let run = tokio::task::spawn_blocking(move || Command::new("bash").args(["-c", &script]).output());
    let output = String::from_utf8(run.await.unwrap().unwrap().stdout).unwrap();
    let outputs: Vec<&str> = output.split(mark).map(str::trim).collect();
    // Nothing, after the last mark: each step was run.
    assert_eq!(outputs.len(), steps.len() + 1, "{output}");
    for ((command, expected), actual) in steps.iter().zip(outputs) {
        assert!(fits(actual, expected), "{command}\n{actual}\n{expected}");
    }
}

#[test]
fn another_output_is_noticed() {
    assert!(fits("abc", "abc") && fits("abc", "a…c") && fits("abc", "ab…") && fits("", ""));
    assert!(!fits("abc", "ab") && !fits("abc", "b…") && !fits("abc", "a…d") && !fits("xabc", "abc"));
}
