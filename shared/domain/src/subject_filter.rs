//! Whom a tenant's IdP may speak of.

use std::fmt::Write as _;

/// Longest filter that Okta accepts (schema `PolicySubject`).
const MAX_LEN: usize = 1_024;

/// RFC 2606: a domain that nobody has a login of.
const NOBODY: &str = "no-domain-is-verified.invalid";

/// `policy.subject.filter` of a tenant's IdP: a regular expression for logins of
/// these domains and their subdomains: routing rules send both to the IdP. Without a
/// domain no login fits. `None` if the expression is longer than Okta accepts.
///
/// Whether Okta tells letters by their case is not documented: the expression
/// does not, as long as that is short enough.
///
/// ```
/// use domain::subject_filter;
/// assert_eq!(subject_filter(&["1-2.3"]).unwrap(), r"(\S+@(\S+\.)?(1-2\.3))");
/// assert_eq!(subject_filter(&["a.b", "c.d"]).unwrap(), r"(\S+@(\S+\.)?([aA]\.[bB]|[cC]\.[dD]))");
/// assert!(subject_filter(&[]).is_some());
/// ```
pub fn subject_filter(domains: &[&str]) -> Option<String> {
    let domains = if domains.is_empty() { &[NOBODY] } else { domains };
    [true, false].into_iter().map(|any_case| expression(domains, any_case)).find(|it| it.len() <= MAX_LEN)
}

/// What every filter begins with.
const START: &str = r"(\S+@(\S+\.)?(";

/// Whether a filter is one of [`subject_filter`]: one that names domains, or nobody.
///
/// ```
/// use domain::{is_limited, subject_filter};
/// assert!(is_limited(&subject_filter(&["a.b"]).unwrap()));
/// assert!(!is_limited(r"\S+@\S+") && !is_limited(""));
/// ```
pub fn is_limited(filter: &str) -> bool {
    filter.starts_with(START)
}

/// Whether two filters of [`subject_filter`] name the same domains, in whatever order.
///
/// ```
/// use domain::{is_same_filter, subject_filter};
/// let of = |domains: &[&str]| subject_filter(domains).unwrap();
/// assert!(is_same_filter(&of(&["a.b", "c.d"]), &of(&["c.d", "a.b"])));
/// assert!(!is_same_filter(&of(&["a.b", "c.d"]), &of(&["a.b"])));
/// ```
pub fn is_same_filter(one: &str, other: &str) -> bool {
    let names = |filter: &str| {
        let mut names: Vec<String> = filter.trim_end_matches(')').split('|').map(str::to_owned).collect();
        if let Some(first) = names.first_mut() {
            *first = first.trim_start_matches(START).to_owned();
        }
        names.sort();
        names
    };
    names(one) == names(other)
}

fn expression(domains: &[&str], any_case: bool) -> String {
    let domains: Vec<String> = domains.iter().map(|domain| escape(domain, any_case)).collect();
    format!("{START}{}))", domains.join("|"))
}

fn escape(domain: &str, any_case: bool) -> String {
    let mut escaped = String::new();
    for character in domain.trim_start_matches(['@', '.']).chars() {
        // Writing to a `String` does not fail.
        let _ = match character {
            'a'..='z' | 'A'..='Z' if any_case => {
                write!(escaped, "[{}{}]", character.to_ascii_lowercase(), character.to_ascii_uppercase())
            }
            '0'..='9' | 'a'..='z' | 'A'..='Z' | '-' => write!(escaped, "{character}"),
            _ => write!(escaped, r"\{character}"),
        };
    }
    escaped
}

#[cfg(test)]
mod tests {
    use regex_lite::Regex;

    use super::*;

    fn accepts(domains: &[&str], login: &str) -> bool {
        let filter = subject_filter(domains).unwrap();
        Regex::new(&format!("^{filter}$")).unwrap().is_match(login)
    }

    #[test]
    fn ten_18_only_logins_of_the_domains_pass() {
        let domains = ["acme.test", "@acme-labs.test"];
        for login in ["ann@acme.test", "Ann@ACME.test", "ann@eu.acme.test", "a+b@acme-labs.test"] {
            assert!(accepts(&domains, login), "{login}");
        }
        for login in [
            "ann@notacme.test",
            "ann@acmeXtest",
            "ann@acme.test.evil.test",
            "ann@evil.test",
            "ann@acme.test ",
            "@acme.test",
            "acme.test",
            "",
        ] {
            assert!(!accepts(&domains, login), "{login}");
        }
        assert!(!accepts(&[], "ann@acme.test"));
    }

    #[test]
    fn what_is_too_long_loses_the_case_first() {
        let domains: Vec<String> = (0..60).map(|n| format!("acme-department-{n}.test")).collect();
        let filter = |count: usize| {
            subject_filter(&domains.iter().take(count).map(String::as_str).collect::<Vec<_>>())
        };
        assert!(filter(10).unwrap().contains("[aA]"));
        assert!(filter(30).unwrap().contains("acme-department"));
        assert_eq!(filter(60), None);
    }
}
