//! What holds for operations of the API: routes, problems, samples, the OpenAPI
//! document, and an end-to-end test for each.

use operations::{OPERATIONS, Operation, ProblemCode, VERBS};
use tests::repository;

use crate::operations::{names, read, strs};
use crate::{Complaints, assert_none, assert_some, differences};

/// Routes and statuses of a table.
fn routes(operations: &[Operation]) -> Complaints {
    let mut complaints = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        if !(200..300).contains(&operation.success()) {
            complaints.push(format!("{}: {} is no success", operation.name, operation.success()));
        }
        let Some(route) = operation.route() else { continue };
        if operations[..index].iter().any(|other| other.route() == Some(route)) {
            complaints.push(format!("{}: another operation has its route", operation.name));
        }
    }
    complaints
}

#[test]
fn routes_are_well_formed() {
    assert_none(routes(OPERATIONS));
    let http = operations::Http { success: 302, ..*operations::get("get-tenant").http().unwrap() };
    let entry = Operation { trigger: operations::Trigger::Http(http), ..OPERATIONS[0] };
    for about in ["302", "has its route"] {
        assert_some(routes(&[entry, entry]), about);
    }
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

/// A test called `succeeds` and one called after each problem.
fn end_to_end_tests(name: &str, text: &str, problems: &[ProblemCode]) -> Complaints {
    let problems = problems.iter().map(|code| code.as_str().replace('-', "_"));
    let expected = ["succeeds".to_owned()].into_iter().chain(problems);
    expected
        .filter(|test| !text.contains(&format!("async fn {test}()")))
        .map(|test| format!("tests/e2e/{name}.rs lacks a test `{test}`"))
        .collect()
}

#[test]
fn each_operation_and_each_problem_has_its_end_to_end_test() {
    let folder = repository().join("tests/e2e");
    let main = read(&folder.join("main.rs"));
    let mut complaints = Complaints::new();
    for operation in OPERATIONS.iter().filter(|operation| operation.name != "authorizer") {
        let module = operation.module();
        let text = read(&folder.join(format!("{module}.rs")));
        complaints.extend(end_to_end_tests(&module, &text, operation.problems()));
        if !main.contains(&format!("mod {module};")) {
            complaints.push(format!("tests/e2e/main.rs lacks `mod {module};`"));
        }
    }
    let files = names(&folder, ".rs");
    complaints.extend(strangers(&files));
    let common = format!("async fn succeeds() {}", read(&folder.join("common_problems.rs")));
    complaints.extend(end_to_end_tests("common_problems", &common, ProblemCode::COMMON));
    assert_none(complaints);
    assert_some(end_to_end_tests("x", "async fn succeeds()", &[ProblemCode::NameTaken]), "name_taken");
    assert_some(strangers(&["get_nothing".to_owned()]), "get_nothing");
}

/// Tests that are named like an operation that is not in the table.
fn strangers(files: &[String]) -> Complaints {
    let like_operation = |file: &&String| VERBS.iter().any(|verb| file.starts_with(&format!("{verb}_")));
    let known = |file: &&String| OPERATIONS.iter().any(|operation| operation.module() == **file);
    let strangers = files.iter().filter(|file| like_operation(file) && !known(file));
    strangers.map(|file| format!("tests/e2e/{file}.rs is no operation's")).collect()
}

#[test]
fn the_openapi_document_has_each_operation_once() {
    let document = xtask::openapi(&xtask::endpoints());
    let paths = document["paths"].as_object().unwrap();
    let ids: Vec<&str> = paths
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = OPERATIONS.iter().flat_map(xtask::methods).map(|(_, id)| id).collect();
    assert_none(differences("docs/openapi.json", ids, strs(&expected)));
}
