//! What `deny.toml` says of licences, sources and banned crates, checked against the lock file
//! without cargo-deny, which takes minutes to install: `make audit` runs that.

use std::collections::BTreeSet;

use cargo_metadata::{Metadata, MetadataCommand, Package, semver};
use serde::Deserialize;
use tests::repository;

use crate::crates::built;
use crate::{Complaints, assert_none, assert_some};

#[derive(Debug, Deserialize)]
struct Deny {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Debug, Deserialize)]
struct Banned {
    /// `name`, or `name@version`.
    #[serde(rename = "crate")]
    name: String,
}

impl Deny {
    fn read() -> Self {
        let text = std::fs::read_to_string(repository().join("deny.toml")).expect("deny.toml");
        toml::from_str(&text).expect("deny.toml")
    }
}

/// The packages that are built for any of the targets.
fn packages(deny: &Deny) -> Vec<Package> {
    let mut found: Vec<Package> = Vec::new();
    let mut seen = BTreeSet::new();
    for target in &deny.graph.targets {
        let platform = ["--offline", "--filter-platform", target].map(str::to_owned);
        let metadata: Metadata = MetadataCommand::new()
            .manifest_path(repository().join("Cargo.toml"))
            .other_options(platform)
            .exec()
            .expect("cargo metadata");
        found.extend(metadata.packages.into_iter().filter(|package| seen.insert(package.id.clone())));
    }
    // The metadata have crates that no feature asks for.
    let built: BTreeSet<(String, String)> = built(&["--workspace"]).into_iter().collect();
    found.retain(|package| built.contains(&(package.name.to_string(), package.version.to_string())));
    found
}

/// A package, as the rules look at it.
#[derive(Clone, Debug)]
struct Looked {
    name: String,
    version: semver::Version,
    license: Option<String>,
    /// Neither this workspace nor the registry that everybody uses.
    is_foreign: bool,
    /// Dependencies that take any version.
    wildcards: Vec<String>,
}

impl Looked {
    fn at(package: &Package) -> Self {
        let any = |dependency: &&cargo_metadata::Dependency| {
            dependency.req == semver::VersionReq::STAR && dependency.path.is_none()
        };
        let is_own = package.source.is_none();
        Self {
            name: package.name.to_string(),
            version: package.version.clone(),
            license: package.license.clone(),
            is_foreign: package.source.as_ref().is_some_and(|source| !source.is_crates_io()),
            wildcards: package
                .dependencies
                .iter()
                .filter(|_| is_own)
                .filter(any)
                .map(|dependency| dependency.name.clone())
                .collect(),
        }
    }
}

fn complaints(deny: &Deny, packages: &[Looked]) -> Complaints {
    let allowed: Vec<spdx::Licensee> =
        deny.licenses.allow.iter().map(|name| spdx::Licensee::parse(name).expect("a licence")).collect();
    let mut complaints = Complaints::new();
    for package in packages {
        let name = format!("{} {}", package.name, package.version);
        let expression =
            package.license.as_deref().map(|text| spdx::Expression::parse_mode(text, spdx::ParseMode::LAX));
        match expression {
            Some(Ok(expression)) => {
                let is_allowed =
                    expression.evaluate(|needed| allowed.iter().any(|own| own.satisfies(needed)));
                if !is_allowed {
                    complaints.push(format!("{name}: `{expression}` is no licence of deny.toml"));
                }
            }
            _ => complaints.push(format!("{name} does not say its licence")),
        }
        if package.is_foreign {
            complaints.push(format!("{name} comes from elsewhere"));
        }
        for dependency in &package.wildcards {
            complaints.push(format!("{name} takes any version of {dependency}"));
        }
        for Banned { name: banned } in &deny.bans.deny {
            let (of, version) = banned.split_once('@').unwrap_or((banned, "*"));
            let version = semver::VersionReq::parse(version).expect("a version");
            if package.name == of && version.matches(&package.version) {
                complaints.push(format!("{name} is banned by deny.toml"));
            }
        }
    }
    complaints
}

#[test]
fn licences_sources_and_crates_are_those_of_deny_toml() {
    let deny = Deny::read();
    let packages: Vec<Looked> = packages(&deny).iter().map(Looked::at).collect();
    assert!(packages.len() > 200, "{}", packages.len());
    assert!(packages.iter().any(|package| package.name == "aws-lc-rs"));
    assert_none(complaints(&deny, &packages));
    let good = packages.iter().find(|package| package.name == "tokio").expect("tokio").clone();
    let version = |text: &str| semver::Version::parse(text).expect("a version");
    for (bad, about) in [
        (Looked { license: Some("GPL-3.0-only".to_owned()), ..good.clone() }, "no licence of deny.toml"),
        (
            Looked { license: Some("MIT AND GPL-3.0-only".to_owned()), ..good.clone() },
            "no licence of deny.toml",
        ),
        (Looked { license: None, ..good.clone() }, "does not say its licence"),
        (Looked { is_foreign: true, ..good.clone() }, "comes from elsewhere"),
        (Looked { wildcards: vec!["serde".to_owned()], ..good.clone() }, "takes any version of serde"),
        (Looked { name: "ring".to_owned(), ..good.clone() }, "is banned"),
        (Looked { name: "hyper".to_owned(), version: version("0.14.30"), ..good.clone() }, "is banned"),
    ] {
        assert_some(complaints(&deny, &[bad]), about);
    }
    let allowed =
        Looked { name: "hyper".to_owned(), license: Some("GPL-3.0-only OR MIT".to_owned()), ..good };
    assert_none(complaints(&deny, &[allowed]));
}
