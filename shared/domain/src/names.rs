//! Names: of tenants, and of the Okta objects that belong to one.

use std::fmt;

/// The name of a tenant that the org may hold already, perhaps made by the
/// predecessor, which checked nothing.
///
/// Characters that mean something in a policy or a claim (`*`, `?`, `:`, `/`,
/// `$`) and control characters are refused: such a tenant can be neither named in a
/// request nor granted by a claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TenantName(String);

impl TenantName {
    /// Longest name: a group name holds 255 characters, and
    /// `APPUSERS_<tenant>_<appId>` is the longest of ours.
    pub const MAX_CHARS: usize = 220;

    /// # Errors
    ///
    /// [`TenantNameError`] with the rule that the name breaks.
    pub fn parse(name: &str) -> Result<Self, TenantNameError> {
        let refuse = |rule| Err(TenantNameError { name: excerpt(name), rule });
        if name.is_empty() {
            return refuse("must not be empty");
        }
        if name.chars().count() > Self::MAX_CHARS {
            return refuse("must have at most 220 characters");
        }
        if name.chars().any(|c| c.is_control() || matches!(c, '*' | '?' | ':' | '/' | '$' | '\\' | '"')) {
            return refuse("must not contain control characters or any of * ? : / $ \\ \"");
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a tenant that is to be created or renamed to:
/// `^[a-z0-9](-?[a-z0-9])*$`, 2 to 50 characters, not reserved.
///
/// ```
/// use domain::NewTenantName;
/// assert!(NewTenantName::parse("acme-2").is_ok());
/// assert!(NewTenantName::parse("acme--2").is_err());
/// assert!(NewTenantName::parse("superusers").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenantName(TenantName);

impl NewTenantName {
    /// Names that would collide with groups or suffixes that mean something else.
    pub const RESERVED: &'static [&'static str] = &["unverified", "superusers", "everyone"];

    /// # Errors
    ///
    /// [`TenantNameError`] with the rule that the name breaks.
    pub fn parse(name: &str) -> Result<Self, TenantNameError> {
        let refuse = |rule| Err(TenantNameError { name: excerpt(name), rule });
        if !(2..=50).contains(&name.chars().count()) {
            return refuse("must have 2 to 50 characters");
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.chars().all(allowed) {
            return refuse("must consist of a-z, 0-9 and single hyphens");
        }
        if name.starts_with('-') || name.ends_with('-') || name.contains("--") {
            return refuse("must not begin or end with a hyphen or have two in a row");
        }
        if Self::RESERVED.contains(&name) {
            return refuse("must not be one of the reserved names unverified, superusers, everyone");
        }
        Ok(Self(TenantName(name.to_owned())))
    }
}

impl std::ops::Deref for NewTenantName {
    type Target = TenantName;

    fn deref(&self) -> &TenantName {
        &self.0
    }
}

/// A tenant name that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tenant name `{name}` {rule}")]
pub struct TenantNameError {
    name: String,
    rule: &'static str,
}

/// The start of untrusted text, fit for a message.
pub(crate) fn excerpt(text: &str) -> String {
    let mut shown: String =
        text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(60).collect();
    if text.chars().count() > 60 {
        shown.push('…');
    }
    shown
}

/// `ADMINS_<tenant>`: the group whose description holds the tenant's id.
pub fn admins_group(tenant: &TenantName) -> String {
    format!("ADMINS_{tenant}")
}

/// `USERS_<tenant>`: the group of all users of the tenant.
pub fn users_group(tenant: &TenantName) -> String {
    format!("USERS_{tenant}")
}

/// `APPUSERS_<tenant>_`: what the names of the tenant's app groups begin with.
///
/// Groups of other tenants may begin with it too; see [`app_of_appusers_group`].
pub fn appusers_prefix(tenant: &TenantName) -> String {
    format!("APPUSERS_{tenant}_")
}

/// `NOBODY_<tenant>_`: what the name of the group begins with that the role of a
/// suspended tenant's admins is limited to.
pub fn empty_group_prefix(tenant: &TenantName) -> String {
    format!("NOBODY_{tenant}_")
}

/// `APPUSERS_<tenant>_<appId>`: the users of the tenant who have the app.
pub fn appusers_group(tenant: &TenantName, app: &str) -> String {
    format!("{}{app}", appusers_prefix(tenant))
}

/// The app id in the name of one of `tenant`'s app groups; `None` for any
/// other group.
///
/// An Okta id has no `_`. Therefore `APPUSERS_acme_corp_0oa…` belongs to the
/// tenant `acme_corp` and never to `acme`.
///
/// ```
/// use domain::{TenantName, app_of_appusers_group};
/// let acme = TenantName::parse("acme").unwrap();
/// assert_eq!(app_of_appusers_group(&acme, "APPUSERS_acme_0oa1"), Some("0oa1"));
/// assert_eq!(app_of_appusers_group(&acme, "APPUSERS_acme_corp_0oa1"), None);
/// ```
pub fn app_of_appusers_group<'g>(tenant: &TenantName, group: &'g str) -> Option<&'g str> {
    let app = group.strip_prefix(&appusers_prefix(tenant))?;
    (!app.is_empty() && app.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(app)
}

/// `DAC_<tenant>`: the tenant's IdP.
pub fn idp_name(tenant: &TenantName) -> String {
    format!("DAC_{tenant}")
}

/// Longest name of a rule (Okta's limits of characters).
const RULE_NAME: usize = 50;

/// A name of a rule: where a tenant's name is too long, its beginning and a digest of all of it.
fn name_of_rule(tenant: &TenantName, end: &str) -> String {
    let whole = format!("DAC_{tenant}{end}");
    if whole.chars().count() <= RULE_NAME {
        return whole;
    }
    // FNV-1a, 32 bits: it tells names apart, and protects nothing. A rule is a tenant's by its IdP.
    let digest = tenant
        .as_str()
        .bytes()
        .fold(0x811c_9dc5_u32, |digest, byte| (digest ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let room = RULE_NAME - "DAC_".len() - "_00000000".len() - end.len();
    let beginning: String = tenant.as_str().chars().take(room).collect();
    format!("DAC_{beginning}_{digest:08x}{end}")
}

/// `DAC_<tenant>`: the routing rule with the tenant's verified e-mail domains; of a long name a
/// part of it.
///
/// ```
/// use domain::{TenantName, rule_name};
/// let long = TenantName::parse(&"a".repeat(50)).unwrap();
/// assert_eq!(rule_name(&long).len(), 50);
/// ```
pub fn rule_name(tenant: &TenantName) -> String {
    name_of_rule(tenant, "")
}

/// `DAC_<tenant>_unverified`: the inactive rule with the pending domains.
pub fn pending_rule_name(tenant: &TenantName) -> String {
    name_of_rule(tenant, "_unverified")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Okta's limit of characters for names of rules, whatever the tenant's name is.
    #[test]
    fn br_11_names_of_rules_are_short_and_tell_tenants_apart() {
        let tenant = |name: &str| TenantName::parse(name).unwrap();
        for length in 1..=TenantName::MAX_CHARS {
            let name = tenant(&"é".repeat(length));
            for rule in [rule_name(&name), pending_rule_name(&name)] {
                assert!(rule.chars().count() <= 50 && rule.starts_with("DAC_"), "{rule}");
            }
        }
        assert_eq!(rule_name(&tenant("acme")), "DAC_acme");
        assert_eq!(pending_rule_name(&tenant("acme")), "DAC_acme_unverified");
        let (one, other) = (format!("{}1", "a".repeat(49)), format!("{}2", "a".repeat(49)));
        assert_ne!(rule_name(&tenant(&one)), rule_name(&tenant(&other)));
        assert_ne!(pending_rule_name(&tenant(&one)), pending_rule_name(&tenant(&other)));
    }

    #[test]
    fn ten_06_new_names_follow_the_rule() {
        for good in ["ac", "acme", "acme-2", "0-0", &"a".repeat(50)] {
            assert!(NewTenantName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            &"a".repeat(51),
            "Acme",
            "a/b",
            "*",
            "a:b",
            "acme_corp",
            "_unverified",
            " acme",
            "acme ",
            "-acme",
            "acme-",
            "ac--me",
            "ac\nme",
            "äcme",
            "unverified",
            "superusers",
            "everyone",
            "a.b",
            "ac?e",
        ] {
            assert!(NewTenantName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_the_predecessor_stay_usable() {
        for name in ["acme_corp", "Acme Corp", "acme@corp", "ÄCME", "a"] {
            assert!(TenantName::parse(name).is_ok(), "{name}");
        }
        for name in ["", "*", "a:b", "a/b", "a\u{0}b", "${aws:username}", "a\"b", &"a".repeat(221)] {
            assert!(TenantName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn messages_show_no_control_characters_and_are_short() {
        let message = NewTenantName::parse(&"\r\n".repeat(500)).unwrap_err().to_string();
        assert!(message.len() < 300 && !message.contains('\n'), "{message}");
    }

    proptest! {
        #[test]
        fn a_new_name_is_an_existing_name(name in "[a-z0-9-]{0,60}") {
            if NewTenantName::parse(&name).is_ok() {
                prop_assert!(TenantName::parse(&name).is_ok());
            }
        }

        #[test]
        fn app_groups_of_one_tenant_are_never_those_of_another(
            one in "[a-z0-9_]{1,8}", other in "[a-z0-9_]{1,8}", app in "[A-Za-z0-9]{20}"
        ) {
            prop_assume!(one != other);
            let (one, other) = (TenantName::parse(&one).unwrap(), TenantName::parse(&other).unwrap());
            let group = format!("{}{app}", appusers_prefix(&one));
            prop_assert_eq!(app_of_appusers_group(&one, &group), Some(app.as_str()));
            prop_assert_eq!(app_of_appusers_group(&other, &group), None);
        }
    }
}
