//! Domains that await their verification.

use domain::EmailDomain;
use okta_client::models::PolicyRule;
use tenancy::is_active;

/// A domain that awaits its verification.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pending {
    pub(crate) token: String,
    pub(crate) domain: EmailDomain,
}

impl Pending {
    /// Reads a pattern `<token>.<domain>`; other patterns are not ours.
    pub(crate) fn parse(pattern: &str) -> Option<Self> {
        let (token, domain) = pattern.split_once('.')?;
        uuid::Uuid::try_parse(token).ok()?;
        Some(Self { token: token.to_owned(), domain: EmailDomain::parse(domain).ok()? })
    }

    pub(crate) fn pattern(&self) -> String {
        format!("{}.{}", self.token, self.domain)
    }

    /// Whether a pattern of this rule stands for a pending domain: a rule that is on has
    /// none.
    pub(crate) fn is_in(rule: &PolicyRule, pattern: &str) -> bool {
        !is_active(rule) && Self::parse(pattern).is_some()
    }
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
