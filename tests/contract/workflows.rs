//! The workflows of the forge: they may read, and nothing that can change under a name is run.

use serde_norway::Value;
use tests::repository;

use crate::{Complaints, assert_none, assert_some};

fn check(name: &str, text: &str) -> Complaints {
    let workflow: Value = serde_norway::from_str(text).expect("YAML");
    let mut complaints = Complaints::new();
    let permissions =
        |of: &Value| of.as_mapping().is_some_and(|all| all.values().all(|right| right == "read"));
    if !permissions(&workflow["permissions"]) {
        complaints.push(format!("{name}: `permissions` must be there, and read alone"));
    }
    for (job, steps) in workflow["jobs"].as_mapping().into_iter().flatten() {
        let job = job.as_str().unwrap_or_default();
        if !steps["permissions"].is_null() && !permissions(&steps["permissions"]) {
            complaints.push(format!("{name}: {job} may more than read"));
        }
        if steps["timeout-minutes"].is_null() {
            complaints.push(format!("{name}: {job} has no time limit"));
        }
        for step in steps["steps"].as_sequence().into_iter().flatten() {
            let Some(action) = step["uses"].as_str() else { continue };
            let digest = action.split_once('@').map_or("", |(_, digest)| digest);
            if digest.len() != 40 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                complaints.push(format!("{name}: `{action}` is not pinned by its digest"));
            }
        }
    }
    complaints
}

#[test]
fn workflows_read_and_run_what_is_pinned() {
    let folder = repository().join(".github/workflows");
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).expect("workflows") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        assert_none(check(&path.display().to_string(), &text));
        texts.push(text);
    }
    assert!(texts.iter().any(|text| text.contains("run: bash .ci/run")), "CI is what the workflow runs");
    let good = &texts[0];
    for (from, to, about) in [
        ("contents: read", "contents: write", "read alone"),
        ("@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2", "@v4", "is not pinned"),
        ("    timeout-minutes: 90\n", "", "no time limit"),
    ] {
        assert_some(check("a workflow", &good.replace(from, to)), about);
    }
}
