//! `make new-operation`: the files of a new operation.

use std::path::Path;

use clap::Args;
use heck::{ToPascalCase, ToSnakeCase};
use operations::{Access, Operation, StateUse, VERBS};

/// What the new operation is called and where it is.
#[derive(Clone, Debug, Args)]
pub struct NewOperation {
    /// Verb, hyphen, resource: `verify-tenant-domain`.
    pub name: String,
    /// The package under `functions/`.
    pub resource: String,
    /// HTTP method.
    pub method: String,
    /// Path template.
    pub route: String,
}

/// Writes the files and the lines of a new operation.
///
/// # Errors
///
/// A sentence, before anything is written.
pub fn new_operation(root: &Path, new: &NewOperation) -> Result<String, String> {
    let verb = new.name.split('-').next().unwrap_or_default();
    if !VERBS.contains(&verb) || new.name.len() == verb.len() {
        return Err(format!(
            "`{}` must be one of {} and a resource, such as get-tenant",
            new.name,
            VERBS.join(", ")
        ));
    }
    let method = new.method.to_pascal_case();
    if !["Get", "Post", "Put", "Delete"].contains(&method.as_str()) {
        return Err(format!("`{}` must be GET, POST, PUT or DELETE", new.method));
    }
    if !new.route.starts_with('/') || new.route.ends_with('/') {
        return Err(format!("`{}` must begin with a slash and not end with one", new.route));
    }
    let package = root.join("functions").join(&new.resource);
    if !package.join("src/lib.rs").exists() {
        return Err(format!(
            "there is no package functions/{}: copy one, empty it, and name it in operations::Resource",
            new.resource
        ));
    }
    let (module, type_name) = (new.name.to_snake_case(), new.name.to_pascal_case());
    let source = package.join(format!("src/{module}.rs"));
    if source.exists() {
        return Err(format!("{} exists already", source.display()));
    }

    let table = Edit::of(root.join("shared/operations/src/table.rs"))?.table(new, &method)?;
    let lib = Edit::of(package.join("src/lib.rs"))?
        .line_in_order(&format!("mod {module};"), "mod ")
        .line_in_order(&format!("pub use {module}::{type_name};"), "pub use ")
        .line_in_order(
            &format!("    lambda_kit::Description::of::<{type_name}>(),"),
            "    lambda_kit::Description::of::<",
        );
    let tests = Edit::of(root.join("tests/e2e/main.rs"))?.line_in_order(&format!("mod {module};"), "mod ");
    let files = [
        (source, operation(new, &type_name)),
        (
            package.join(format!("src/bin/{}.rs", new.name)),
            binary_text(&new.name, "serve", &format!("{}::{type_name}", new.resource.replace('-', "_"))),
        ),
        (root.join(format!("tests/e2e/{module}.rs")), test(new)),
    ];
    let mut written = Vec::new();
    for (path, content) in files.into_iter().chain([table, lib, tests].map(|edit| (edit.path, edit.text))) {
        std::fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        written.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
    }
    Ok(format!("wrote {}\nnext: docs/adding-an-operation.md, from step 1", written.join(", ")))
}

/// The text of an operation's binary; the contract test compares it.
pub fn binary(operation: &Operation, package: &str) -> String {
    let serve = match operation.access {
        Access::OktaToken => "serve_forward",
        Access::HookSecret => "serve_hook",
        _ => "serve",
    };
    let own = format!("{}::{}", package.replace('-', "_"), operation.type_name());
    let endpoint = match operation.state.contains(&StateUse::Replays) {
        true => format!("idempotency::Once<{own}>"),
        false => own,
    };
    binary_text(operation.name, serve, &endpoint)
}

fn binary_text(name: &str, serve: &str, endpoint: &str) -> String {
    format!(
        "//! The function `{name}`.\n\nfn main() -> lambda_kit::Exit {{\n    lambda_kit::{serve}::<{endpoint}>()\n}}\n"
    )
}

struct Edit {
    path: std::path::PathBuf,
    text: String,
}

impl Edit {
    fn of(path: std::path::PathBuf) -> Result<Self, String> {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, text })
    }

    /// Puts a line among those that begin with `prefix`, in their order.
    fn line_in_order(mut self, line: &str, prefix: &str) -> Self {
        let mut lines: Vec<&str> = self.text.lines().collect();
        let place = lines
            .iter()
            .position(|other| other.starts_with(prefix) && *other > line)
            .or_else(|| lines.iter().rposition(|other| other.starts_with(prefix)).map(|last| last + 1))
            .unwrap_or(lines.len());
        lines.insert(place, line);
        self.text = lines.join("\n") + "\n";
        self
    }

    /// Puts an entry into the table: by resource, then name.
    fn table(mut self, new: &NewOperation, method: &str) -> Result<Self, String> {
        let resource = new.resource.to_pascal_case();
        let entry = format!(
            "    Operation {{\n        name: \"{}\", resource: {resource}, method: {method}, path: \"{}\", access: Superuser, success: 200, state: &[],\n        problems: &[],\n        summary: \"Say what it does for the caller.\", replaces: None,\n    }},\n",
            new.name, new.route
        );
        let key = |name: &str, resource: &str| (resource.to_owned(), name.to_owned());
        let own = key(&new.name, &resource);
        let mut place = None;
        let mut at = 0;
        while let Some(found) = self.text[at..].find("    Operation {\n") {
            let start = at + found;
            let rest = &self.text[start..];
            let name = rest.split('"').nth(1).unwrap_or_default();
            let of = rest.split("resource: ").nth(1).and_then(|r| r.split(',').next()).unwrap_or_default();
            if name == new.name {
                return Err(format!("the table has `{name}` already"));
            }
            if place.is_none() && key(name, of) > own {
                place = Some(start);
            }
            at = start + 1;
        }
        let end = self.text.find("\n];\n").map(|end| end + 1);
        let place = place.or(end).ok_or("the table has no end")?;
        self.text.insert_str(place, &entry);
        Ok(self)
    }
}

fn operation(new: &NewOperation, type_name: &str) -> String {
    format!(
        r#"//! Say what it does for the caller.
//!
//! # Okta calls
//!
//! Number them, each with its undo, and say why in this order.

use lambda_kit::{{Context, Decode, Endpoint, Example, NoBody, Problem, Request, Success}};
use operations::{{Operation, ProblemCode}};
use schemars::JsonSchema;
use serde::Serialize;

/// The operation `{name}`.
pub struct {type_name};

/// What it needs to know.
#[derive(Debug)]
pub struct Input {{}}

/// Body of its answer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{type_name}Answer")]
pub struct Output {{}}

/// One variant per outcome that a caller can act on.
#[derive(Debug, thiserror::Error)]
pub enum {type_name}Error {{
    /// Nobody has written it yet.
    #[error("do anything: the operation is not written")]
    NotWritten,
}}

impl From<{type_name}Error> for Problem {{
    fn from(error: {type_name}Error) -> Self {{
        match error {{
            {type_name}Error::NotWritten => Problem::new(ProblemCode::Internal, "the operation is not written"),
        }}
    }}
}}

impl Decode for Input {{
    type Body = NoBody;

    fn decode(_request: &Request) -> Result<Self, Problem> {{
        Ok(Self {{}})
    }}
}}

impl Endpoint for {type_name} {{
    const OPERATION: &'static Operation = operations::get("{name}");
    type Input = Input;
    type Output = Output;
    type Error = {type_name}Error;

    async fn call(_context: &Context, _input: Input) -> Result<Success<Output>, {type_name}Error> {{
        Err({type_name}Error::NotWritten)
    }}

    fn example() -> Example {{
        Example {{ target: "{route}", body: None, answer: None }}
    }}
}}
"#,
        name = new.name,
        route = new.route
    )
}

fn test(new: &NewOperation) -> String {
    format!(
        r#"//! `{method} {route}`

use tests::{{Principal, Superuser, TestStack}};

#[tokio::test]
async fn succeeds() {{
    let stack = TestStack::start().await;
    let token = Superuser.authorization(&stack).unwrap_or_default();
    let answer = stack.raw("{method}", "{route}", &[("authorization", token)], Vec::new()).await;
    assert_eq!(answer.status, 200, "{{answer}}");
}}
"#,
        method = new.method.to_uppercase(),
        route = new.route
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str, resource: &str, method: &str, route: &str) -> NewOperation {
        let own = str::to_owned;
        NewOperation { name: own(name), resource: own(resource), method: own(method), route: own(route) }
    }

    /// A copy of the files that are edited.
    fn copy(name: &str) -> std::path::PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let copy = std::env::temp_dir().join(format!("okta-dac-{name}-{}", std::process::id()));
        for file in ["shared/operations/src/table.rs", "functions/tenants/src/lib.rs", "tests/e2e/main.rs"] {
            std::fs::create_dir_all(copy.join(file).parent().unwrap()).unwrap();
            std::fs::copy(root.join(file), copy.join(file)).unwrap();
        }
        std::fs::create_dir_all(copy.join("functions/tenants/src/bin")).unwrap();
        copy
    }

    #[test]
    fn everything_is_written_in_its_place() {
        let root = copy("new-operation");
        let operation = new("get-tenant-users", "tenants", "GET", "/tenants/{tenant}/users");
        let message = new_operation(&root, &operation).unwrap();
        assert!(message.contains("functions/tenants/src/bin/get-tenant-users.rs"), "{message}");
        let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
        let table = read("shared/operations/src/table.rs");
        let place = |name: &str| table.find(&format!("name: \"{name}\"")).unwrap();
        assert!(
            place("get-tenant") < place("get-tenant-users")
                && place("get-tenant-users") < place("list-tenants")
        );
        let lib = read("functions/tenants/src/lib.rs");
        for line in
            ["mod get_tenant_users;", "pub use get_tenant_users::GetTenantUsers;", "of::<GetTenantUsers>(),"]
        {
            assert!(lib.contains(line), "{line}");
        }
        assert!(read("tests/e2e/main.rs").contains("mod get_tenant_users;"));
        let test = read("tests/e2e/get_tenant_users.rs");
        assert!(
            test.contains("async fn succeeds()") && test.contains("\"GET\", \"/tenants/{tenant}/users\"")
        );
        let again = new_operation(&root, &operation).unwrap_err();
        assert!(again.contains("exists already"), "{again}");
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn bad_input_writes_nothing() {
        let root = copy("bad-operation");
        for (operation, about) in [
            (new("fetch-tenant", "tenants", "GET", "/x"), "fetch-tenant"),
            (new("get", "tenants", "GET", "/x"), "get"),
            (new("get-x", "tenants", "PATCH", "/x"), "PATCH"),
            (new("get-x", "tenants", "GET", "x"), "slash"),
            (new("get-x", "nothing", "GET", "/x"), "functions/nothing"),
            (new("get-tenant", "tenants", "GET", "/x"), "the table has"),
        ] {
            let error = new_operation(&root, &operation).unwrap_err();
            assert!(error.contains(about), "{error}");
        }
        assert_eq!(std::fs::read_dir(root.join("functions/tenants/src/bin")).unwrap().count(), 0);
        std::fs::remove_dir_all(root).unwrap();
    }
}
