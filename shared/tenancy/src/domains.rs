//! The domains of a routing rule: verified ones, and those that await their verification.

use domain::EmailDomain;
use okta_client::models::PolicyRule;

use crate::is_active;

/// A domain that awaits its verification.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// What its TXT record must hold.
    pub token: String,
    /// The domain.
    pub domain: EmailDomain,
}

impl Pending {
    /// Reads a pattern `<token>.<domain>`; other patterns are not ours.
    pub fn parse(pattern: &str) -> Option<Self> {
        let (token, domain) = pattern.split_once('.')?;
        uuid::Uuid::try_parse(token).ok()?;
        Some(Self { token: token.to_owned(), domain: EmailDomain::parse(domain).ok()? })
    }

    /// The pattern that stands for it.
    pub fn pattern(&self) -> String {
        format!("{}.{}", self.token, self.domain)
    }

    /// Whether a pattern of this rule stands for a pending domain: a rule that is on has
    /// none.
    fn is_in(rule: &PolicyRule, pattern: &str) -> bool {
        !is_active(rule) && Self::parse(pattern).is_some()
    }
}

/// The domains of a rule's patterns. What is only pending belongs to nobody.
pub fn domains_of_rule(rule: &PolicyRule) -> Vec<EmailDomain> {
    let patterns = rule.patterns().into_iter().map(|pattern| pattern.trim_start_matches(['@', '.']));
    let patterns = patterns.filter(|pattern| !Pending::is_in(rule, pattern));
    patterns.filter_map(|pattern| EmailDomain::parse(pattern).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dom_10_only_patterns_with_a_token_are_pending() {
        let token = "5f0c7d9e-6f0b-4a53-9a55-0d3a1b0f7a11";
        let pending = Pending::parse(&format!("{token}.Acme.com")).unwrap();
        assert_eq!((pending.token.as_str(), pending.domain.as_str()), (token, "acme.com"));
        for other in ["acme.com", "token.acme.com", token, &format!("{token}.com"), "", "."] {
            assert_eq!(Pending::parse(other), None, "{other}");
        }
    }
}
