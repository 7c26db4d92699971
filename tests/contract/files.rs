//! Files that exist for each operation, and no others.

use std::path::Path;

use operations::{OPERATIONS, ProblemCode};
use tests::repository;

use crate::{Complaints, assert_none, assert_some, differences};

fn names(folder: &Path, extension: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(extension).map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn strs(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().map(String::as_str)
}

#[test]
fn binaries_are_those_of_the_table() {
    let mut complaints = Complaints::new();
    for package in names(&repository().join("functions"), "") {
        let of_package = |o: &&operations::Operation| o.resource.name() == package;
        let mut expected: Vec<&str> = OPERATIONS.iter().filter(of_package).map(|o| o.name).collect();
        if package == "authorizer" {
            expected.push("authorizer");
        }
        let folder = repository().join("functions").join(&package).join("src/bin");
        let binaries = names(&folder, ".rs");
        complaints.extend(differences(&format!("functions/{package}/src/bin"), strs(&binaries), expected));
        for operation in OPERATIONS.iter().filter(of_package) {
            let text = read(&folder.join(format!("{}.rs", operation.name)));
            if text != xtask::binary(operation.name, &package, &operation.type_name()) {
                complaints.push(format!("{}.rs is not as `make new-operation` writes it", operation.name));
            }
        }
    }
    assert_none(complaints);
}

#[test]
fn each_operation_is_a_file() {
    for operation in OPERATIONS {
        let path = format!("functions/{}/src/{}.rs", operation.resource.name(), operation.module());
        let text = read(&repository().join(&path));
        let error = format!("pub enum {}Error", operation.type_name());
        for part in ["# Okta calls", &format!("pub struct {};", operation.type_name()), "pub struct Input"] {
            assert!(text.contains(part), "{path} lacks `{part}`");
        }
        assert!(text.contains(&error), "{path} lacks `{error}`");
    }
}

#[test]
fn events_are_those_of_the_table() {
    let events = names(&repository().join("events"), ".json");
    assert_none(differences("events/", strs(&events), OPERATIONS.iter().map(|o| o.name)));
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
    for operation in OPERATIONS {
        let module = operation.module();
        let text = read(&folder.join(format!("{module}.rs")));
        complaints.extend(end_to_end_tests(&module, &text, operation.problems));
        if !main.contains(&format!("mod {module};")) {
            complaints.push(format!("tests/e2e/main.rs lacks `mod {module};`"));
        }
    }
    let common = format!("async fn succeeds() {}", read(&folder.join("common_problems.rs")));
    complaints.extend(end_to_end_tests("common_problems", &common, ProblemCode::COMMON));
    assert_none(complaints);
    assert_some(end_to_end_tests("x", "async fn succeeds()", &[ProblemCode::NameTaken]), "name_taken");
}

#[test]
fn generated_files_are_clean() {
    let root = repository();
    for file in xtask::generate(&root).unwrap() {
        let actual = std::fs::read_to_string(root.join(&file.path)).unwrap_or_default();
        assert!(
            actual == file.content,
            "{} is not as the table says: run `make generate`",
            file.path.display()
        );
    }
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
    let expected: Vec<String> = OPERATIONS.iter().map(operations::Operation::operation_id).collect();
    assert_none(differences("docs/openapi.json", ids, strs(&expected)));
}
