//! Rights: what the bearer of a token may still do.
//!
//! A token says what its user could do when the token was issued. Items of the state
//! table say what has ended since: the functions that take rights away write them, and
//! every function of the API reads those of its caller. This module names the items and
//! decides; it reads and writes nothing.

use std::collections::BTreeSet;

use operations::{Access, Operation};

use crate::Caller;

/// Longest life of an access token of a custom authorization server (Okta's
/// access policies: 24 hours).
pub const TOKEN_LIFETIME_SECONDS: i64 = 86_400;

/// Whose rights end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked<'r> {
    /// All rights of the user with this id.
    User(&'r str),
    /// The rights of a user over a tenant.
    Admin {
        /// Id of the tenant.
        tenant: &'r str,
        /// Id of the user.
        user: &'r str,
    },
    /// Everybody's rights over the tenant with this id.
    Tenant(&'r str),
    /// The rights of all superusers.
    Superusers,
}

impl Revoked<'_> {
    /// Id of the tenant, if it is one tenant's rights that end.
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Revoked::Admin { tenant, .. } | Revoked::Tenant(tenant) => Some(tenant),
            Revoked::User(_) | Revoked::Superusers => None,
        }
    }

    /// Key of the item that says until when.
    pub fn key(self) -> String {
        match self {
            Revoked::User(user) => format!("revocation#user#{user}"),
            Revoked::Admin { tenant, user } => format!("revocation#{tenant}#{user}"),
            Revoked::Tenant(tenant) => format!("revocation#{tenant}"),
            Revoked::Superusers => "revocation#superusers".to_owned(),
        }
    }
}

/// Key of the item that says whether a tenant is suspended.
pub fn tenant_item(tenant_id: &str) -> String {
    format!("tenant#{tenant_id}")
}

/// Key of the item that says what a party, by its id, has used of Okta's limits in a
/// minute since 1970.
pub fn budget_item(party: &str, minute: i64) -> String {
    format!("{BUDGET_PREFIX}{party}#{minute}")
}

/// What the keys of [`budget_item`] begin with: the functions may change no other items.
pub const BUDGET_PREFIX: &str = "budget#";

/// An item of the table that says something about rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightsItem {
    /// Its key.
    pub id: String,
    /// Tokens that were issued until then, in seconds since 1970, do not count.
    pub before: Option<i64>,
    /// The tenant is suspended.
    pub suspended: bool,
    /// Ids of the groups that a suspended tenant gets back.
    pub targets: Vec<String>,
}

/// What is asked of the table about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    user: String,
    superuser: bool,
    issued: i64,
    /// Ids of the tenants whose rights the request uses.
    tenants: Vec<String>,
    /// Without rights over these tenants the request is refused.
    required: bool,
}

/// What is left of a caller's rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: the request is refused.
    Ended,
    /// The rights over all tenants but these, by id.
    Without(BTreeSet<String>),
}

impl Question {
    /// The question about a request for `operation`, whose token was issued at
    /// `issued`, in seconds since 1970. A superuser's rights come from no tenant.
    pub fn of<'v>(
        operation: &Operation,
        caller: &Caller,
        issued: i64,
        parameter: impl Fn(&str) -> Option<&'v str>,
    ) -> Self {
        let access = operation.http().map(|http| http.access);
        let one = |found: Option<&crate::TenantClaim>| found.map(|claim| claim.tenant_id.clone());
        let (tenants, required) = match access {
            _ if caller.superuser => (Vec::new(), false),
            Some(Access::TenantAdmin) => {
                let name = parameter("tenant");
                let claim = caller.tenants.iter().find(|claim| Some(claim.name.as_str()) == name);
                (one(claim).into_iter().collect(), true)
            }
            Some(Access::IdpAdmin) => {
                let idp = parameter("idpId");
                let claim = caller.tenants.iter().find(|claim| Some(claim.tenant_id.as_str()) == idp);
                (one(claim).into_iter().collect(), true)
            }
            Some(Access::AnyUser) => {
                (caller.tenants.iter().map(|claim| claim.tenant_id.clone()).collect(), false)
            }
            Some(Access::Superuser | Access::ManagedAccess | Access::Responder) | None => (Vec::new(), false),
        };
        Self { user: caller.uid.clone(), superuser: caller.superuser, issued, tenants, required }
    }

    /// Id of the party that pays for the request: the tenant that it is about, or the only
    /// one that the caller administers, or else the user. Nobody pays for a superuser.
    pub fn payer(&self) -> Option<&str> {
        match self.tenants.as_slice() {
            [tenant, ..] if self.required => Some(tenant),
            [tenant] => Some(tenant),
            _ => (!self.superuser).then_some(self.user.as_str()),
        }
    }

    /// Keys of the items that can say something.
    pub fn keys(&self) -> Vec<String> {
        let of_tenant = |tenant: &String| {
            [
                tenant_item(tenant),
                Revoked::Tenant(tenant).key(),
                Revoked::Admin { tenant, user: &self.user }.key(),
            ]
        };
        let own = [Revoked::User(&self.user).key()].into_iter();
        let superuser = self.superuser.then(|| Revoked::Superusers.key());
        own.chain(superuser).chain(self.tenants.iter().flat_map(of_tenant)).collect()
    }

    /// What the items say: those of [`Question::keys`] that there are.
    pub fn answer(&self, items: &[RightsItem]) -> Standing {
        let ended = |id: &str| {
            let of = items.iter().filter(|item| item.id == id);
            of.into_iter()
                .any(|item| item.suspended || item.before.is_some_and(|before| self.issued <= before))
        };
        if ended(&Revoked::User(&self.user).key()) || (self.superuser && ended(&Revoked::Superusers.key())) {
            return Standing::Ended;
        }
        let is_over = |tenant: &&String| {
            ended(&tenant_item(tenant))
                || ended(&Revoked::Tenant(tenant).key())
                || ended(&Revoked::Admin { tenant, user: &self.user }.key())
        };
        let without: BTreeSet<String> = self.tenants.iter().filter(is_over).cloned().collect();
        match without.is_empty() || !self.required {
            true => Standing::Without(without),
            false => Standing::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(superuser: bool) -> Caller {
        let groups = ["ADMINS_acme", "ADMINS_globex", "SUPERUSERS"].map(str::to_owned);
        let groups = if superuser { &groups[..] } else { &groups[..2] };
        let tenants = ["0oa1:acme:00g1", "0oa2:globex:00g2"].map(str::to_owned);
        Caller::new("00u1", &tenants, groups, false)
    }

    fn revoked(id: String, before: i64) -> RightsItem {
        RightsItem { id, before: Some(before), suspended: false, targets: Vec::new() }
    }

    fn of_acme(operation: &str, superuser: bool) -> Question {
        let operation = operations::OPERATIONS.iter().find(|o| o.name == operation).unwrap();
        let parameter = |name: &str| match name {
            "tenant" => Some("acme"),
            "idpId" => Some("0oa1"),
            _ => None,
        };
        Question::of(operation, &caller(superuser), 100, parameter)
    }

    #[test]
    fn what_ends_a_token_of_one_tenant() {
        for operation in ["get-tenant", "get-idp"] {
            let question = of_acme(operation, false);
            let stands = Standing::Without(BTreeSet::new());
            assert_eq!(question.answer(&[]), stands);
            assert_eq!(question.payer(), Some("0oa1"));
            let suspended =
                RightsItem { id: tenant_item("0oa1"), before: None, suspended: true, targets: Vec::new() };
            for item in [
                revoked(Revoked::User("00u1").key(), 100),
                revoked(Revoked::Admin { tenant: "0oa1", user: "00u1" }.key(), 100),
                revoked(Revoked::Tenant("0oa1").key(), i64::MAX),
                suspended,
            ] {
                assert!(question.keys().contains(&item.id), "{item:?}");
                assert_eq!(question.answer(std::slice::from_ref(&item)), Standing::Ended, "{item:?}");
            }
            for item in [
                revoked(Revoked::User("00u1").key(), 99),
                revoked(Revoked::Admin { tenant: "0oa1", user: "00u2" }.key(), 100),
                revoked(Revoked::Tenant("0oa2").key(), 100),
                RightsItem { id: tenant_item("0oa1"), before: None, suspended: false, targets: Vec::new() },
            ] {
                assert_eq!(question.answer(std::slice::from_ref(&item)), stands, "{item:?}");
            }
        }
    }

    #[test]
    fn a_list_loses_what_ended_and_keeps_the_rest() {
        let question = of_acme("list-apps", false);
        let left = question.answer(&[revoked(Revoked::Tenant("0oa2").key(), 100)]);
        assert_eq!(left, Standing::Without(BTreeSet::from(["0oa2".to_owned()])));
        assert_eq!(question.answer(&[revoked(Revoked::User("00u1").key(), 100)]), Standing::Ended);
        assert_eq!(question.payer(), Some("00u1"));
    }

    #[test]
    fn a_superusers_rights_come_from_no_tenant() {
        let question = of_acme("get-tenant", true);
        assert_eq!(question.keys(), [Revoked::User("00u1").key(), Revoked::Superusers.key()]);
        assert_eq!(question.payer(), None);
        let items = [revoked(Revoked::Tenant("0oa1").key(), 100)];
        assert_eq!(question.answer(&items), Standing::Without(BTreeSet::new()));
        for ends in [Revoked::User("00u1").key(), Revoked::Superusers.key()] {
            assert_eq!(question.answer(&[revoked(ends, 100)]), Standing::Ended);
        }
        let admin = of_acme("get-tenant", false);
        assert_eq!(
            admin.answer(&[revoked(Revoked::Superusers.key(), 100)]),
            Standing::Without(BTreeSet::new())
        );
    }
}
