//! Names of profiles: two roles never share one, and a name never changes its role.

use std::collections::BTreeMap;

use aws_lc_rs::digest;

use super::arn::RoleArn;
use crate::failure::{Exit, Failure};

/// Names unless a template is given.
pub const DEFAULT_TEMPLATE: &str = "okta-{alias}-{path}{role}";

/// What a template may name.
const LETTERS: [&str; 7] = ["alias", "account", "idp", "path", "role", "org", "partition"];

/// What is known of a role.
#[derive(Clone, Debug)]
pub struct Named<'a> {
    /// The role.
    pub role: &'a RoleArn,
    /// ARN of its provider.
    pub provider: &'a str,
    /// Alias of its account, if it is known.
    pub alias: Option<&'a str>,
}

/// Whether a template can be filled.
///
/// # Errors
///
/// [`Exit::Usage`].
pub fn check_template(template: &str) -> Result<(), Failure> {
    let mut plain = template.to_owned();
    for letter in LETTERS {
        plain = plain.replace(&format!("{{{letter}}}"), "");
    }
    if template.is_empty() || escaped(&plain) != plain {
        return Err(Failure::new(
            Exit::Usage,
            format!("the template `{template}` makes no names of profiles"),
        )
        .hint(format!(
            "it may have letters, digits, _-/.@:+ and {}",
            LETTERS.map(|name| format!("{{{name}}}")).join(", ")
        )));
    }
    Ok(())
}

/// The name by a template, in characters that every SDK takes.
pub fn filled(template: &str, org: &str, named: &Named<'_>) -> String {
    let role = named.role;
    let provider = named.provider.rsplit('/').next().unwrap_or_default();
    let mut name = template.to_owned();
    for (letter, value) in [
        ("alias", named.alias.unwrap_or(role.account())),
        ("account", role.account()),
        ("idp", provider),
        ("path", role.path()),
        ("role", role.name()),
        ("org", org),
        ("partition", role.partition().name),
    ] {
        // A value that has a brace of its own cannot be filled again.
        name = name.replace(&format!("{{{letter}}}"), &escaped(value));
    }
    name
}

/// `A-Za-z0-9_-/.@:+`: the characters of an identifier in the SDK for Rust; others as `%XX`.
fn escaped(text: &str) -> String {
    let mut name = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_-/.@:+".contains(&byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

/// A name for each role: the one that it has, else its own by the template, with the
/// account and then a part of a hash where another role has that one. `taken` are names of
/// others' profiles; `given` are ours, by name.
pub fn assigned(
    template: &str,
    org: &str,
    roles: &[Named<'_>],
    given: &BTreeMap<String, String>,
    taken: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut owners: BTreeMap<String, String> = given.clone();
    let mut names = Vec::new();
    // Roles with the same text: all of them get their account, whoever comes first.
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for named in roles {
        *wanted.entry(filled(template, org, named)).or_default() += 1;
    }
    for named in roles {
        let own = given.iter().find(|(_, role)| *role == named.role.as_str()).map(|(name, _)| name.clone());
        let name = own.unwrap_or_else(|| {
            let plain = filled(template, org, named);
            let account = format!("{plain}-{}", named.role.account());
            let hashed = format!("{account}-{}", hash(named.role.as_str()));
            let free = |name: &String| {
                !taken(name) && owners.get(name).is_none_or(|role| role == named.role.as_str())
            };
            let shared = wanted.get(&plain).is_some_and(|count| *count > 1);
            let first = Some(plain).filter(|_| !shared);
            first.into_iter().chain([account, hashed.clone()]).find(|name| free(name)).unwrap_or(hashed)
        });
        owners.insert(name.clone(), named.role.as_str().to_owned());
        names.push(name);
    }
    names
}

/// Eight hexadecimal digits of an ARN.
fn hash(arn: &str) -> String {
    let digest = digest::digest(&digest::SHA256, arn.as_bytes());
    digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(account: &str, name: &str) -> RoleArn {
        RoleArn::parse(&format!("arn:aws:iam::{account}:role/{name}")).unwrap()
    }

    fn of(template: &str, roles: &[RoleArn], given: &[(&str, &RoleArn)], taken: &[&str]) -> Vec<String> {
        let named: Vec<Named<'_>> = roles
            .iter()
            .map(|role| Named { role, provider: "arn:aws:iam::1:saml-provider/Okta", alias: None })
            .collect();
        let given = given.iter().map(|(name, role)| ((*name).to_owned(), role.to_string())).collect();
        assigned(template, "acme", &named, &given, &|name| taken.contains(&name))
    }

    /// OPEN-1: equal role names in two accounts, and no alias.
    #[test]
    fn equal_names_of_two_accounts_are_two_profiles() {
        let roles = [role("111111111111", "Role2"), role("222222222222", "Role2")];
        let names = of(DEFAULT_TEMPLATE, &roles, &[], &[]);
        assert_eq!(names, ["okta-111111111111-Role2", "okta-222222222222-Role2"]);
        assert_eq!(of("{role}", &roles, &[], &[]), ["Role2-111111111111", "Role2-222222222222"]);
    }

    #[test]
    fn parts_that_run_together_are_told_apart() {
        let roles =
            [role("111111111111", "b-c"), role("111111111111", "a/b-c"), role("111111111111", "x/a/b-c")];
        let names = of("p-{role}", &roles, &[], &[]);
        let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), 3, "{names:?}");
    }

    #[test]
    fn a_name_stays_with_its_role_and_never_takes_anothers() {
        let (one, two) = (role("111111111111", "R"), role("222222222222", "R"));
        let names = of("{role}", &[two.clone(), one.clone()], &[("R", &one)], &[]);
        assert_eq!(names, ["R-222222222222", "R"]);
        assert_eq!(of("{role}", &[one], &[], &["R"]), ["R-111111111111"]);
        // Its role is gone for now; the name is kept for it.
        assert_eq!(of("{role}", &[two], &[("R", &role("333333333333", "R"))], &[]), ["R-222222222222"]);
    }

    #[test]
    fn names_have_characters_that_every_sdk_takes() {
        let name = filled(
            "okta-{role}",
            "o",
            &Named {
                role: &role("111111111111", "a=b,c+d@e"),
                provider: "arn:aws:iam::1:saml-provider/Okta",
                alias: None,
            },
        );
        assert_eq!(name, "okta-a%3Db%2Cc+d@e");
        assert!(check_template("{alias}-{nonsense}").is_err() && check_template("{alias").is_err());
        assert!(check_template("okta {role}").is_err() && check_template(DEFAULT_TEMPLATE).is_ok());
    }
}
