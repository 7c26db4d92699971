//! How long a value may be: one table, asked before a handler sees the body.
//!
//! What the published description says is compared with it in both directions (`make
//! okta-description`). The rest is from reference pages: names of rules from "Policy" and "Group
//! rules", of groups from "Groups", labels from "Apps".

use serde_json::Value;

use crate::error::OktaError;
use crate::json::{Object, lookup};

/// The lengths of one member.
pub struct Limit {
    /// The operations whose body has the member.
    pub operations: &'static [&'static str],
    /// JSON pointer; `*` stands for every element or member.
    pub at: &'static str,
    /// Characters, at least. A value that is empty counts as not given, as recorded answer 23 shows.
    pub least: usize,
    /// Characters, at most.
    pub most: Option<usize>,
    /// What the value must look like, as a regular expression.
    pub pattern: Option<&'static str>,
    /// Whether the published description has this limit.
    pub described: bool,
}

const fn described(
    operations: &'static [&'static str],
    at: &'static str,
    least: usize,
    most: usize,
) -> Limit {
    Limit { operations, at, least, most: Some(most), pattern: None, described: true }
}

const fn documented(operations: &'static [&'static str], at: &'static str, most: usize) -> Limit {
    Limit { operations, at, least: 0, most: Some(most), pattern: None, described: false }
}

const USERS: &[&str] = &["createUser", "replaceUser", "updateUser"];
const APPS: &[&str] = &["createApplication", "replaceApplication"];
const IDPS: &[&str] = &["createIdentityProvider", "replaceIdentityProvider"];
const RULES: &[&str] = &["createPolicyRule", "replacePolicyRule"];
const SERVER_POLICIES: &[&str] = &["createAuthorizationServerPolicy", "replaceAuthorizationServerPolicy"];
const SCHEMAS: &[&str] = &["updateApplicationUserProfile", "updateUserProfile"];
const FACTORS: &[&str] = &["enrollFactor"];
const GROUPS: &[&str] = &["addGroup", "replaceGroup"];

/// Every limit.
#[rustfmt::skip] // A table.
pub const LIMITS: &[Limit] = &[
    described(USERS, "/profile/city", 0, 128),
    described(USERS, "/profile/countryCode", 0, 2),
    described(USERS, "/profile/email", 5, 100),
    described(USERS, "/profile/firstName", 1, 50),
    described(USERS, "/profile/lastName", 1, 50),
    described(USERS, "/profile/login", 5, 100),
    described(USERS, "/profile/mobilePhone", 0, 100),
    described(USERS, "/profile/postalAddress", 0, 4_096),
    described(USERS, "/profile/primaryPhone", 0, 100),
    described(USERS, "/profile/secondEmail", 0, 100),
    described(USERS, "/profile/state", 0, 128),
    described(USERS, "/profile/streetAddress", 0, 1_024),
    described(USERS, "/profile/zipCode", 0, 50),
    described(APPS, "/credentials/userName", 1, 100),
    described(APPS, "/credentials/oauthClient/client_id", 6, 100),
    described(APPS, "/credentials/oauthClient/client_secret", 14, 100),
    described(APPS, "/settings/oauthClient/backchannel_custom_authenticator_id", 20, 20),
    described(APPS, "/settings/oauthClient/client_uri", 0, 1_024),
    described(APPS, "/settings/oauthClient/frontchannel_logout_uri", 0, 1_024),
    described(APPS, "/settings/oauthClient/logo_uri", 0, 1_024),
    described(APPS, "/settings/oauthClient/sector_identifier_uri", 0, 1_024),
    described(APPS, "/settings/signOn/acsEndpoints/*/url", 0, 1_024),
    documented(APPS, "/label", 100),
    described(IDPS, "/name", 0, 100),
    described(IDPS, "/policy/provisioning/groups/sourceAttributeName", 0, 1_024),
    described(IDPS, "/policy/subject/filter", 0, 1_024),
    described(IDPS, "/policy/subject/userNameTemplate/template", 9, 1_024),
    described(IDPS, "/protocol/credentials/client/client_id", 0, 1_024),
    described(IDPS, "/protocol/credentials/client/client_secret", 0, 1_024),
    described(IDPS, "/protocol/credentials/signing/kid", 0, 1_024),
    described(IDPS, "/protocol/credentials/signing/privateKey", 0, 1_024),
    described(IDPS, "/protocol/credentials/signing/teamId", 0, 1_024),
    described(IDPS, "/protocol/credentials/trust/audience", 0, 1_024),
    described(IDPS, "/protocol/credentials/trust/issuer", 0, 1_024),
    described(IDPS, "/protocol/endpoints/slo/url", 0, 1_014),
    described(IDPS, "/protocol/endpoints/sso/destination", 0, 512),
    described(IDPS, "/protocol/endpoints/sso/url", 0, 1_014),
    documented(RULES, "/name", 50),
    documented(&["createGroupRule"], "/name", 50),
    described(SERVER_POLICIES, "/name", 1, 100),
    described(SERVER_POLICIES, "/description", 1, 255),
    Limit {
        operations: SCHEMAS, at: "/definitions/base/properties/*/title", least: 1, most: None, pattern: None,
        described: true,
    },
    documented(GROUPS, "/profile/name", 255),
    documented(GROUPS, "/profile/description", 1_024),
    Limit {
        operations: FACTORS, at: "/profile/answer", least: 4, most: None, pattern: None, described: true,
    },
    described(FACTORS, "/profile/email", 0, 100),
    described(FACTORS, "/profile/phoneExtension", 0, 15),
    Limit {
        operations: FACTORS, at: "/profile/phoneNumber", least: 0, most: Some(15),
        pattern: Some(r"^\+[1-9]\d{1,14}$"), described: true,
    },
];

/// Whether every value of a body is as long as Okta allows.
pub(crate) fn check(operation_id: &str, body: &Object) -> Result<(), OktaError> {
    for limit in LIMITS.iter().filter(|limit| limit.operations.contains(&operation_id)) {
        for value in found(body, limit.at) {
            let length = value.chars().count();
            let is_long = limit.most.is_some_and(|most| length > most);
            let is_other =
                limit.pattern.is_some_and(|p| !regex_lite::Regex::new(p).is_ok_and(|p| p.is_match(value)));
            if !value.is_empty() && (length < limit.least || is_long || is_other) {
                let name = limit.at.rsplit('/').next().unwrap_or_default();
                let cause = match limit.most {
                    _ if is_other => format!("{name}: The field has the wrong form"),
                    Some(most) => format!("{name}: The field must have {} to {most} characters", limit.least),
                    None => format!("{name}: The field must have at least {} characters", limit.least),
                };
                return Err(OktaError::validation(name, cause));
            }
        }
    }
    Ok(())
}

/// The texts at a pointer with `*`.
fn found<'b>(body: &'b Object, at: &str) -> Vec<&'b str> {
    let (first, rest) = at.split_once("/*").map_or((at, None), |(first, rest)| (first, Some(rest)));
    let Some(value) = lookup(body, first) else { return Vec::new() };
    let Some(rest) = rest else { return value.as_str().into_iter().collect() };
    let below = |value: &'b Value| value.pointer(rest).and_then(Value::as_str);
    match value {
        Value::Array(elements) => elements.iter().filter_map(below).collect(),
        Value::Object(members) => members.values().filter_map(below).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::object;

    /// A body with this text at the pointer; `*` becomes a member of its own.
    fn body(at: &str, text: &str) -> Object {
        let nested = at.split('/').skip(1).collect::<Vec<_>>().into_iter().rev();
        object(nested.fold(json!(text), |value, name| {
            if name == "*" { json!({ "any": value }) } else { json!({ name: value }) }
        }))
    }

    #[test]
    fn the_longest_value_is_taken_and_one_more_is_not() {
        for limit in LIMITS.iter().filter(|limit| limit.pattern.is_none()) {
            let operation = limit.operations[0];
            let passes = |length: usize| check(operation, &body(limit.at, &"é".repeat(length))).is_ok();
            assert!(passes(limit.least.max(1)) && passes(0), "{operation} {}", limit.at);
            assert!(limit.least < 2 || !passes(limit.least - 1), "{operation} {}", limit.at);
            if let Some(most) = limit.most {
                assert!(passes(most) && !passes(most + 1), "{operation} {}", limit.at);
            }
        }
    }

    #[test]
    fn patterns_are_asked() {
        let passes = |number| check("enrollFactor", &body("/profile/phoneNumber", number)).is_ok();
        assert!(passes("+15551234") && !passes("5551234"));
    }

    #[test]
    fn every_operation_is_emulated() {
        let known = crate::operation_ids();
        for operation in LIMITS.iter().flat_map(|limit| limit.operations) {
            assert!(known.contains(operation), "{operation}");
        }
    }
}
