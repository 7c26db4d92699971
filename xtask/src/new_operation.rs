//! `make new-operation`: the files of a new operation.

use std::path::Path;

use clap::{Args, ValueEnum};
use heck::{ToPascalCase, ToSnakeCase};
use operations::{Operation, Trigger, VERBS};

/// What the new operation is called, where it is and what starts it.
#[derive(Clone, Debug, Args)]
pub struct NewOperation {
    /// Verb, hyphen, resource: `verify-tenant-domain`.
    #[arg(long)]
    pub name: String,
    /// The package under `functions/`.
    #[arg(long)]
    pub package: String,
    /// What starts it.
    #[arg(long, value_enum, default_value = "http")]
    pub trigger: Start,
    /// HTTP method, for `http`.
    #[arg(long, required_if_eq("trigger", "http"), default_value = "")]
    pub method: String,
    /// Path template, for `http` and `inline-hook`.
    #[arg(long, required_if_eq_any([("trigger", "http"), ("trigger", "inline-hook")]), default_value = "")]
    pub route: String,
}

/// What starts a new operation: the kinds of [`Trigger`] that may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Start {
    /// A request of the API.
    Http,
    /// Okta, while it makes a token.
    InlineHook,
    /// A schedule.
    Schedule,
    /// An event on the account's bus.
    Bus,
    /// Secrets Manager.
    SecretRotation,
}

impl Start {
    fn is_task(self) -> bool {
        !matches!(self, Start::Http | Start::InlineHook)
    }

    /// The constant of its package that describes it.
    fn list(self) -> &'static str {
        if self.is_task() { "TASKS" } else { "ENDPOINTS" }
    }

    /// The function of `lambda-kit` that serves it.
    fn serve(self) -> &'static str {
        match self {
            Start::Http => "serve",
            Start::InlineHook => "serve_hook",
            Start::Schedule | Start::Bus | Start::SecretRotation => "serve_task",
        }
    }
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
    if new.trigger == Start::Http && !["Get", "Post", "Put", "Delete"].contains(&method.as_str()) {
        return Err(format!("`{}` must be GET, POST, PUT or DELETE", new.method));
    }
    if !new.trigger.is_task() && (!new.route.starts_with('/') || new.route.ends_with('/')) {
        return Err(format!("`{}` must begin with a slash and not end with one", new.route));
    }
    let package = root.join("functions").join(&new.package);
    if !package.join("src/lib.rs").exists() {
        return Err(format!(
            "there is no package functions/{}: docs/adding-an-operation.md says how to make one",
            new.package
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
        .described(new.trigger, &type_name);
    let list = new.trigger.list();
    let xtask = Edit::of(root.join("xtask/src/lib.rs"))?
        .line_of_list(&format!("        {}::{list},", new.package.to_snake_case()), &format!("::{list},"));
    let tests = Edit::of(root.join("tests/e2e/main.rs"))?.line_in_order(&format!("mod {module};"), "mod ");
    let own = format!("{}::{type_name}", new.package.to_snake_case());
    let operation = operation(new, &type_name);
    let manifest = Edit::of(package.join("Cargo.toml"))?.dependencies_of(&operation);
    let files = [
        (source, operation),
        (package.join(format!("src/bin/{}.rs", new.name)), binary_text(&new.name, new.trigger.serve(), &own)),
        (root.join(format!("tests/e2e/{module}.rs")), test(new)),
    ];
    let mut written = Vec::new();
    for (path, content) in
        files.into_iter().chain([table, lib, xtask, tests, manifest].map(|edit| (edit.path, edit.text)))
    {
        std::fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        written.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
    }
    Ok(format!("wrote {}\nnext: docs/adding-an-operation.md, from step 1", written.join(", ")))
}

/// The authorizer's binary: what it serves is no operation of the API.
const AUTHORIZER: &str =
    "//! The function `authorizer`.\n\nfn main() -> lambda_kit::Exit {\n    authorizer::serve()\n}\n";

/// The text of an operation's binary; the contract test compares it.
pub fn binary(operation: &Operation) -> String {
    let serve = match operation.trigger {
        Trigger::Proxy { .. } | Trigger::Public { .. } => "serve_forward",
        Trigger::InlineHook { .. } => Start::InlineHook.serve(),
        Trigger::EventHook { .. } => "serve_event_hook",
        Trigger::Schedule { .. } | Trigger::Bus { .. } | Trigger::SecretRotation => Start::Schedule.serve(),
        Trigger::Http(_) => Start::Http.serve(),
        Trigger::Authorizer => return AUTHORIZER.to_owned(),
    };
    let own = format!("{}::{}", operation.package.crate_name(), operation.type_name());
    let endpoint = match operation.http().is_some_and(|http| http.idempotent) {
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
        // An attribute belongs to the line after it.
        let attributes = lines[..place].iter().rev().take_while(|other| other.starts_with("#[")).count();
        lines.insert(place - attributes, line);
        self.text = lines.join("\n") + "\n";
        self
    }

    /// Puts a line among those that end with `suffix`, in their order, unless it is there.
    fn line_of_list(mut self, line: &str, suffix: &str) -> Self {
        let mut lines: Vec<&str> = self.text.lines().collect();
        let of_list = |other: &&str| other.trim_start().ends_with(suffix);
        if !lines.contains(&line) {
            let place = lines.iter().position(|other| of_list(other) && *other > line);
            let end = || lines.iter().rposition(of_list).map(|last| last + 1);
            let place = place.or_else(end).unwrap_or(lines.len());
            lines.insert(place, line);
        }
        self.text = lines.join("\n") + "\n";
        self
    }

    /// Adds to a manifest what a source file uses and the package does not depend on yet.
    fn dependencies_of(mut self, source: &str) -> Self {
        const HEAD: &str = "[dependencies]\n";
        for name in ["lambda-kit", "operations", "run-kit", "schemars", "serde", "serde_json", "thiserror"] {
            let Some((before, rest)) = self.text.split_once(HEAD) else { break };
            let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
            let is_there = |line: &str| line.split(['.', ' ']).next() == Some(name);
            if source.contains(&format!("{}::", name.to_snake_case())) && !rest[..end].lines().any(is_there) {
                let (own, after) = rest.split_at(end);
                self.text = format!("{before}{HEAD}{own}{name}.workspace = true\n{after}");
            }
        }
        self
    }

    /// Names the type among what the package offers to the table: in `ENDPOINTS`, or in
    /// `TASKS`.
    fn described(self, start: Start, type_name: &str) -> Self {
        let list = start.list();
        let (kind, of) = match start {
            Start::Http => ("Description", "of"),
            Start::InlineHook => ("Description", "of_hook"),
            Start::Schedule | Start::Bus | Start::SecretRotation => ("TaskDescription", "of"),
        };
        let declaration = format!("pub const {list}: &[lambda_kit::{kind}] = &[");
        let described = format!("lambda_kit::{kind}::{of}::<{type_name}>()");
        let (before, entries, after) = match self.text.split_once(&declaration) {
            Some((before, rest)) => {
                let (entries, after) = rest.split_once("];").unwrap_or((rest, "\n"));
                (before.to_owned(), entries, after)
            }
            None => {
                (format!("{}\n/// What this package has of them, ordered by name.\n", self.text), "", "\n")
            }
        };
        let type_of = |entry: &str| entry.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let mut entries: Vec<&str> =
            entries.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
        let place = entries.iter().position(|entry| type_of(entry).as_str() > type_name);
        entries.insert(place.unwrap_or(entries.len()), &described);
        let entries: String = entries.iter().map(|entry| format!("    {entry},\n")).collect();
        Self { text: format!("{before}{declaration}\n{entries}];{after}"), ..self }
    }

    /// Puts an entry into the table: by package, then name.
    fn table(mut self, new: &NewOperation, method: &str) -> Result<Self, String> {
        let package = new.package.to_pascal_case();
        let own = (package.clone(), new.name.clone());
        let mut place = None;
        let mut at = 0;
        while let Some(found) = self.text[at..].find("    Operation {\n") {
            let start = at + found;
            let rest = &self.text[start..];
            let name = rest.split('"').nth(1).unwrap_or_default();
            let of = rest.split("package: ").nth(1).and_then(|r| r.split(',').next()).unwrap_or_default();
            let of = of.trim_start_matches("Package::");
            if name == new.name {
                return Err(format!("the table has `{name}` already"));
            }
            if place.is_none() && (of.to_owned(), name.to_owned()) > own {
                place = Some(start);
            }
            at = start + 1;
        }
        let end = self.text.find("\n];\n").map(|end| end + 1);
        let place = place.or(end).ok_or("the table has no end")?;
        self.text.insert_str(place, &entry(new, &package, method));
        Ok(self)
    }
}

/// The entry of the table.
fn entry(new: &NewOperation, package: &str, method: &str) -> String {
    let size = if new.trigger.is_task() { "Size { timeout_seconds: 60, ..API }" } else { "API" };
    let trigger = match new.trigger {
        Start::Http => format!(
            "HttpTrigger(Http {{\n            method: {method}, path: \"{}\", access: Superuser, success: 200, idempotent: false, replaces: None,\n            problems: &[],\n        }})",
            new.route
        ),
        Start::InlineHook => format!("InlineHook {{ path: \"{}\" }}", new.route),
        Start::Schedule => "Trigger::Schedule { every: crate::Every::Hours(1), enabled_by: None }".to_owned(),
        Start::Bus => {
            "Trigger::Bus { bus: \"ResponseEventBus\", sources: &[\"say.which.events\"] }".to_owned()
        }
        Start::SecretRotation => "Trigger::SecretRotation".to_owned(),
    };
    format!(
        "    Operation {{\n        name: \"{}\", package: Package::{package}, okta: Read, state: &[], settings: &[], size: {size},\n        summary: \"Say what it does for the caller.\",\n        trigger: {trigger},\n    }},\n",
        new.name
    )
}

/// The operation's own file.
fn operation(new: &NewOperation, type_name: &str) -> String {
    let text = match new.trigger {
        Start::Http => include_str!("scaffold/http.rs.txt"),
        Start::InlineHook => include_str!("scaffold/hook.rs.txt"),
        Start::Schedule | Start::Bus | Start::SecretRotation => include_str!("scaffold/task.rs.txt"),
    };
    let event = match new.trigger {
        Start::Schedule => "lambda_kit::scheduled_event()",
        Start::Bus => {
            "serde_json::json!({ \"source\": \"okta-dac\", \"detail-type\": \"Say which events\", \"detail\": {} })"
        }
        _ => {
            "serde_json::json!({ \"SecretId\": \"secret\", \"ClientRequestToken\": \"00000000-0000-4000-8000-000000000000\", \"Step\": \"createSecret\" })"
        }
    };
    text.replace("TYPE", type_name)
        .replace("NAME", &new.name)
        .replace("ROUTE", &new.route)
        .replace("EVENT", event)
}

/// The operation's end-to-end test.
fn test(new: &NewOperation) -> String {
    if new.trigger.is_task() {
        return include_str!("scaffold/task_test.rs.txt").replace("NAME", &new.name);
    }
    let method = if new.method.is_empty() { "POST".to_owned() } else { new.method.to_uppercase() };
    include_str!("scaffold/http_test.rs.txt").replace("METHOD", &method).replace("ROUTE", &new.route)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str, package: &str, method: &str, route: &str) -> NewOperation {
        let own = str::to_owned;
        NewOperation {
            name: own(name),
            package: own(package),
            trigger: Start::Http,
            method: own(method),
            route: own(route),
        }
    }

    /// A copy of the files that are edited.
    fn copy(name: &str) -> std::path::PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let copy = std::env::temp_dir().join(format!("okta-dac-{name}-{}", std::process::id()));
        for file in [
            "shared/operations/src/table.rs",
            "functions/tenants/src/lib.rs",
            "functions/tenants/Cargo.toml",
            "tests/e2e/main.rs",
            "xtask/src/lib.rs",
        ] {
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
        let manifest = read("functions/tenants/Cargo.toml");
        let without = manifest.replace("thiserror.workspace = true\n", "");
        assert_ne!(manifest, without);
        std::fs::write(root.join("functions/tenants/Cargo.toml"), without).unwrap();
        let task = NewOperation { trigger: Start::Schedule, ..new("expire-tenants", "tenants", "", "") };
        new_operation(&root, &task).unwrap();
        let manifest = read("functions/tenants/Cargo.toml");
        let (own, of_tests) = manifest.split_once("[dev-dependencies]").unwrap();
        assert!(own.contains("\nthiserror.workspace = true\n\n") && !of_tests.contains("thiserror"), "{own}");
        assert_eq!(own.matches("\nserde_json.workspace").count(), 1, "{own}");
        let lib = read("functions/tenants/src/lib.rs");
        assert!(lib.contains("pub const TASKS: &[lambda_kit::TaskDescription] = &[\n    lambda_kit::TaskDescription::of::<ExpireTenants>(),\n];"), "{lib}");
        assert!(
            read("xtask/src/lib.rs")
                .contains("        reconcile::TASKS,\n        responses::TASKS,\n        tenants::TASKS,\n")
        );
        assert!(read("shared/operations/src/table.rs").contains("trigger: Trigger::Schedule"));
        assert!(
            read("functions/tenants/src/bin/expire-tenants.rs")
                .contains("serve_task::<tenants::ExpireTenants>")
        );
        assert!(read("functions/tenants/src/expire_tenants.rs").contains("impl Task for ExpireTenants"));
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
