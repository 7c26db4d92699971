//! No circles: a module that needs another is not needed by it, directly or on a way
//! round. A reader who follows the imports downwards comes to an end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::Visit;
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};
use tests::repository;

use crate::operations::read;
use crate::{Complaints, assert_none, assert_some};

/// A module: its path within the crate; the root is empty.
type Module = Vec<String>;

/// What one module says of others.
#[derive(Default)]
struct Mentions {
    /// Paths, as they are written.
    paths: Vec<Vec<String>>,
    /// Names that it exports, and the paths that they stand for.
    exports: Vec<(String, Vec<String>)>,
}

impl Mentions {
    fn of(source: &str) -> Self {
        let mut mentions = Self::default();
        mentions.visit_file(&syn::parse_file(source).expect("Rust"));
        mentions
    }

    fn import(&mut self, tree: &UseTree, before: &[String], exported: bool) {
        let mut path = before.to_vec();
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.import(&part.tree, &path, exported);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, before, exported)),
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                // `use a::{self}` is `use a`.
                if name != "self" {
                    path.push(name.clone());
                }
                self.note(path, exported.then_some(name));
            }
            UseTree::Rename(rename) => {
                path.push(rename.ident.to_string());
                self.note(path, exported.then(|| rename.rename.to_string()));
            }
            UseTree::Glob(_) => self.note(path, None),
        }
    }

    fn note(&mut self, path: Vec<String>, export: Option<String>) {
        match export {
            Some(name) => self.exports.push((name, path)),
            None => self.paths.push(path),
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "test")
    })
}

impl<'ast> Visit<'ast> for Mentions {
    fn visit_item(&mut self, item: &'ast Item) {
        let of_tests = match item {
            Item::Mod(ItemMod { attrs, .. }) | Item::Use(ItemUse { attrs, .. }) => is_test(attrs),
            _ => false,
        };
        if !of_tests {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        let exported = !matches!(import.vis, Visibility::Inherited);
        self.import(&import.tree, &[], exported);
    }

    /// `pub(crate)` has a path, and needs nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    /// What stands in a macro is no tree: paths from the root are found in its text.
    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        let text = of.tokens.to_string();
        for rest in text.split("crate ::").skip(1) {
            let words = rest.split("::").map(str::trim);
            let word = |word: &str| {
                let end = word.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(word.len());
                word[..end].to_owned()
            };
            let path = words.map(word).take_while(|word| !word.is_empty());
            self.paths.push(["crate".to_owned()].into_iter().chain(path).collect());
        }
        syn::visit::visit_macro(self, of);
    }
}

/// A crate: what each module says.
type Crate = BTreeMap<Module, Mentions>;

/// A path from the root of the crate; `None` for a path into another crate.
fn absolute(of: &Crate, from: &Module, path: &[String]) -> Option<Vec<String>> {
    let first = path.first()?;
    let rest = || path[1..].iter().cloned();
    match first.as_str() {
        "crate" => Some(rest().collect()),
        "self" => Some(from.iter().cloned().chain(rest()).collect()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            let parent = from.get(..from.len().checked_sub(ups)?)?;
            Some(parent.iter().chain(&path[ups..]).cloned().collect())
        }
        // One word alone may be a variable.
        _ if path.len() == 1 => None,
        _ => {
            let child: Module = from.iter().cloned().chain([first.clone()]).collect();
            of.contains_key(&child).then(|| child.into_iter().chain(rest()).collect())
        }
    }
}

/// The module in which what a path names is defined.
fn defined_in(of: &Crate, path: &[String], depth: usize) -> Option<Module> {
    let at = (0..=path.len()).rev().find(|end| of.contains_key(&path[..*end]))?;
    let (module, rest) = path.split_at(at);
    let export = rest.first().and_then(|name| {
        let exports = &of.get(module)?.exports;
        exports.iter().find(|(exported, _)| exported == name)
    });
    if let Some((_, target)) = export
        && depth < 8
        && let Some(mut target) = absolute(of, &module.to_vec(), target)
        && target != path[..=at.min(path.len() - 1)]
    {
        target.extend(rest[1..].iter().cloned());
        return defined_in(of, &target, depth + 1);
    }
    Some(module.to_vec())
}

/// The modules that lie on a circle, or between two.
fn circles(of: &Crate) -> BTreeSet<String> {
    let mut edges: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, mentions) in of {
        let needed = mentions.paths.iter().filter_map(|path| absolute(of, module, path));
        let needed = needed.filter_map(|path| defined_in(of, &path, 0)).filter(|other| other != module);
        edges.insert(module.clone(), needed.collect());
    }
    // Whatever needs nothing, or is needed by nothing, is on no circle.
    loop {
        let before = edges.len();
        let kept: BTreeSet<Module> = edges.keys().cloned().collect();
        edges.retain(|_, needed| needed.iter().any(|other| kept.contains(other)));
        let needed: BTreeSet<Module> = edges.values().flatten().cloned().collect();
        edges.retain(|module, _| needed.contains(module));
        if edges.len() == before {
            return edges.into_keys().map(|module| module.join("::")).collect();
        }
    }
}

fn complaints(name: &str, of: &Crate) -> Complaints {
    let circles = circles(of);
    match circles.is_empty() {
        true => Complaints::new(),
        false => {
            let modules: Vec<String> = circles.into_iter().collect();
            vec![format!("{name}: these modules need each other: {}", modules.join(", "))]
        }
    }
}

/// The modules below a folder `src`.
fn modules(folder: &Path, module: &Module, found: &mut Crate) {
    for entry in std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            if name != "bin" {
                let inner = module.iter().cloned().chain([name]).collect();
                modules(&path, &inner, found);
            }
            continue;
        }
        let Some(name) = name.strip_suffix(".rs") else { continue };
        let own = match name {
            "lib" | "mod" => module.clone(),
            // The program stands on the library.
            "main" => continue,
            name => module.iter().cloned().chain([name.to_owned()]).collect(),
        };
        found.insert(own, Mentions::of(&read(&path)));
    }
}

#[test]
fn no_module_needs_one_that_needs_it() {
    let mut found = Complaints::new();
    let mut crates = vec![repository().join("xtask")];
    for folder in ["shared", "functions", "local"] {
        let folder = std::fs::read_dir(repository().join(folder)).expect("a folder");
        crates.extend(folder.filter_map(Result::ok).map(|entry| entry.path()));
    }
    for folder in crates {
        if !folder.join("src/lib.rs").exists() {
            continue;
        }
        let mut of = Crate::new();
        modules(&folder.join("src"), &Module::new(), &mut of);
        assert!(of.contains_key(&Module::new()), "{}", folder.display());
        found.extend(complaints(&folder.display().to_string(), &of));
    }
    assert_none(found);
}

#[test]
fn a_circle_is_noticed() {
    let of = |sources: &[(&str, &str)]| -> Crate {
        let module =
            |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        sources.iter().map(|(name, source)| (module(name), Mentions::of(source))).collect()
    };
    let direct = of(&[("", "mod a; mod b;"), ("a", "use crate::b::X;"), ("b", "fn f() { crate::a::y() }")]);
    assert_some(complaints("direct", &direct), "a, b");
    let root = "mod a; mod b; mod c; pub use b::X;";
    let exported = of(&[("", root), ("a", "use crate::X;"), ("b", "use super::c;"), ("c", "use crate::a;")]);
    assert_some(complaints("through the root", &exported), "a, b, c");
    let in_macro =
        of(&[("", "mod a; mod b;"), ("a", "fn f() { vec![crate::b::X] }"), ("b", "use crate::a::y;")]);
    assert_some(complaints("in a macro", &in_macro), "a, b");
    let tests = of(&[
        ("", "mod a; mod b;"),
        ("a", "use crate::b::X;"),
        ("b", "#[cfg(test)] mod t { use crate::a; }"),
    ]);
    assert_none(complaints("in tests alone", &tests));
}
