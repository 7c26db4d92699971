//! Files that exist for each operation, and no others.

use std::path::Path;

use operations::{Access, OPERATIONS, ProblemCode, VERBS};
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
            complaints.extend(binary(operation, &package, &text));
        }
    }
    assert_none(complaints);
    assert_some(binary(operations::get("get-tenant"), "tenants", "fn main() {}"), "get-tenant.rs");
}

fn binary(operation: &operations::Operation, package: &str, text: &str) -> Complaints {
    match text == xtask::binary(operation, package) {
        true => Complaints::new(),
        false => vec![format!("{}.rs is not as `make new-operation` writes it", operation.name)],
    }
}

/// The parts that a stranger looks for in an operation's file.
fn operation_file(operation: &operations::Operation, text: &str) -> Complaints {
    let name = operation.type_name();
    if operation.access == Access::OktaToken {
        let parts = ["# Okta calls".to_owned(), format!("pub struct {name}"), "impl Forward for".to_owned()];
        let missing = parts.into_iter().filter(|part| !text.contains(part));
        return missing.map(|part| format!("{}.rs lacks `{part}`", operation.module())).collect();
    }
    if operation.access == Access::HookSecret {
        let parts = ["# Okta calls".to_owned(), format!("pub struct {name}"), "impl Hook for".to_owned()];
        let missing = parts.into_iter().filter(|part| !text.contains(part));
        return missing.map(|part| format!("{}.rs lacks `{part}`", operation.module())).collect();
    }
    let parts = [
        "# Okta calls".to_owned(),
        format!("pub struct {name}"),
        "pub struct Input".to_owned(),
        format!("pub enum {name}Error"),
    ];
    // What nothing can happen to but that the tenant is not found needs no
    // errors of its own.
    let shared = text.contains("type Error = TenantError;");
    let missing = parts.into_iter().filter(|part| !text.contains(part));
    let missing = missing.filter(|part| !(shared && part.starts_with("pub enum")));
    missing.map(|part| format!("{}.rs lacks `{part}`", operation.module())).collect()
}

#[test]
fn each_operation_is_a_file() {
    for operation in OPERATIONS {
        let path = format!("functions/{}/src/{}.rs", operation.resource.name(), operation.module());
        assert_none(operation_file(operation, &read(&repository().join(path))));
    }
    assert_some(operation_file(operations::get("get-tenant"), "pub struct Input"), "pub enum GetTenantError");
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

fn generated(file: &xtask::Generated, actual: &str) -> Complaints {
    match file.content == actual {
        true => Complaints::new(),
        false => vec![format!("{} is not as the table says: run `make generate`", file.path.display())],
    }
}

#[test]
fn generated_files_are_clean() {
    let root = repository();
    let files = xtask::generate(&root).unwrap();
    let actual = |file: &xtask::Generated| std::fs::read_to_string(root.join(&file.path)).unwrap_or_default();
    assert_none(files.iter().flat_map(|file| generated(file, &actual(file))).collect());
    assert_some(generated(&files[0], "changed by hand"), "make generate");
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
