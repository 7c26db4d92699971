//! Who is calling, and what they may do.

use std::collections::BTreeSet;

use operations::{Access, DAC_ADMIN, Operation};

use crate::{RESPONDERS, SUPERUSERS, TenantName, admins_group};

/// One element of the `tenants` claim: `<tenantId>:<tenantName>:<usersGroupId>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantClaim {
    /// Id of the tenant's IdP.
    pub tenant_id: String,
    /// Name of the tenant.
    pub name: TenantName,
    /// Id of the `USERS_` group.
    pub users_group_id: String,
}

impl TenantClaim {
    /// Reads one element.
    ///
    /// # Errors
    ///
    /// [`TenantClaimError`] unless there are exactly three parts, two of them
    /// Okta ids and the one between them a tenant name.
    pub fn parse(element: &str) -> Result<Self, TenantClaimError> {
        let parts: Vec<&str> = element.split(':').collect();
        let [tenant_id, name, users_group_id] = parts[..] else {
            return Err(TenantClaimError);
        };
        if !is_okta_id(tenant_id) || !is_okta_id(users_group_id) {
            return Err(TenantClaimError);
        }
        let name = TenantName::parse(name).map_err(|_| TenantClaimError)?;
        Ok(Self { tenant_id: tenant_id.to_owned(), name, users_group_id: users_group_id.to_owned() })
    }
}

impl std::fmt::Display for TenantClaim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.tenant_id, self.name, self.users_group_id)
    }
}

/// An element of the `tenants` claim that grants nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("element of the `tenants` claim is not `<tenantId>:<tenantName>:<usersGroupId>`")]
pub struct TenantClaimError;

/// Whether `id` looks like an Okta id: an opaque token of letters and digits.
pub fn is_okta_id(id: &str) -> bool {
    (1..=40).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// How far the clock that dated a token may be from ours, in seconds.
pub const CLOCK_SKEW_SECONDS: i64 = 60;

/// A caller whose token was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `uid`: id of the Okta user.
    pub uid: String,
    /// Member of `SUPERUSERS`.
    pub superuser: bool,
    /// Member of a group called `RESPONDERS`: where to look, and no evidence.
    pub responder: bool,
    /// The token was issued to act for somebody else (claim `on_behalf`).
    pub on_behalf: bool,
    /// Tenants that the caller administers, in the order of the claim.
    pub tenants: Vec<TenantClaim>,
    /// `cid`: the client that the token was issued to.
    pub client: String,
    /// `scp`: what the token may be used for.
    pub scopes: Vec<String>,
}

impl Caller {
    /// The caller that these claims describe, with the scope `dac.admin`.
    ///
    /// Somebody is admin of a tenant only if `tenants` has a well-formed
    /// element for it **and** `groups` has its `ADMINS_` group: the first
    /// comes from the app assignment, the second from the membership, and a
    /// mistake in one of them must not be enough. Elements that are not well
    /// formed, and those whose name or id stands in another element with a
    /// different partner, grant nothing.
    pub fn new(uid: &str, tenants: &[String], groups: &[String], on_behalf: bool) -> Self {
        let mut claimed: Vec<TenantClaim> = Vec::new();
        for claim in tenants.iter().filter_map(|element| TenantClaim::parse(element).ok()) {
            if !claimed.contains(&claim) {
                claimed.push(claim);
            }
        }
        let ambiguous = |claim: &TenantClaim| {
            claimed.iter().any(|other| {
                other != claim && (other.name == claim.name || other.tenant_id == claim.tenant_id)
            })
        };
        let administered = claimed
            .iter()
            .filter(|claim| !ambiguous(claim) && groups.contains(&admins_group(&claim.name)))
            .cloned()
            .collect();
        Self {
            uid: uid.to_owned(),
            superuser: groups.iter().any(|group| group == SUPERUSERS),
            responder: groups.iter().any(|group| group == RESPONDERS),
            on_behalf,
            tenants: administered,
            client: String::new(),
            scopes: vec![DAC_ADMIN.to_owned()],
        }
    }

    /// The same with a token of this client and these scopes.
    #[must_use]
    pub fn with_token(self, client: &str, scopes: &[String]) -> Self {
        Self { client: client.to_owned(), scopes: scopes.to_vec(), ..self }
    }

    /// The same without rights over the tenants of these ids.
    #[must_use]
    pub fn without(&self, tenant_ids: &BTreeSet<String>) -> Self {
        let mut caller = self.clone();
        caller.tenants.retain(|claim| !tenant_ids.contains(&claim.tenant_id));
        caller
    }

    /// Whether the caller is admin of the tenant called `name`.
    pub fn administers(&self, name: &str) -> bool {
        self.tenants.iter().any(|claim| claim.name.as_str() == name)
    }

    /// Whether the caller is admin of the tenant whose IdP is `idp_id`.
    pub fn administers_idp(&self, idp_id: &str) -> bool {
        self.tenants.iter().any(|claim| claim.tenant_id == idp_id)
    }
}

/// Whether `caller` may call `operation` with these path parameters, given as
/// decoded text. Everything that is not allowed here is denied.
pub fn permits<'v>(
    operation: &Operation,
    caller: &Caller,
    parameter: impl Fn(&str) -> Option<&'v str>,
) -> bool {
    // What else starts operations passes no authorizer, and tokens of ours are not for it.
    let Some(http) = operation.http() else { return false };
    if caller.on_behalf && (!http.method.is_safe() || http.access == Access::Responder) {
        return false;
    }
    if !caller.scopes.iter().any(|scope| scope == http.access.scope()) {
        return false;
    }
    match http.access {
        Access::AnyUser => true,
        // A delegated token neither nominates agents nor starts another delegation.
        Access::ManagedAccess => !caller.on_behalf,
        Access::Superuser => caller.superuser,
        Access::Responder => caller.superuser || caller.responder,
        Access::TenantAdmin => {
            caller.superuser || parameter("tenant").is_some_and(|tenant| caller.administers(tenant))
        }
        Access::IdpAdmin => {
            caller.superuser || parameter("idpId").is_some_and(|idp| caller.administers_idp(idp))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(tenants: &[&str], groups: &[&str]) -> Caller {
        let own = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
        Caller::new("00u1", &own(tenants), &own(groups), false)
    }

    #[test]
    fn an_admin_needs_the_claim_and_the_group() {
        assert!(caller(&["0oa1:acme:00g1"], &["ADMINS_acme"]).administers("acme"));
        assert!(!caller(&["0oa1:acme:00g1"], &["USERS_acme"]).administers("acme"));
        assert!(!caller(&[], &["ADMINS_acme"]).administers("acme"));
        assert!(!caller(&["0oa1:acme:00g1"], &["ADMINS_acme2"]).administers("acme2"));
    }

    #[test]
    fn auz_03_auz_04_hostile_elements_grant_nothing() {
        for element in [
            "0oa1:*:00g1",
            "0oa1:a*:00g1",
            "0oa1:?:00g1",
            "0oa1:acme:evil:00g1",
            ":acme:00g1",
            "0oa1::00g1",
            "0oa1:acme:",
            "0oa1:acme",
            "acme",
            "",
            "0oa1:a/b:00g1",
            "*:acme:00g1",
            "0oa1:acme:*",
            "0oa1:${x}:00g1",
        ] {
            assert!(TenantClaim::parse(element).is_err(), "{element}");
        }
    }

    #[test]
    fn auz_04_one_name_with_two_ids_grants_nothing() {
        let caller = caller(&["0oa1:acme:00g1", "0oa2:acme:00g2"], &["ADMINS_acme"]);
        assert!(caller.tenants.is_empty());
    }

    #[test]
    fn a_repeated_element_still_grants() {
        assert!(caller(&["0oa1:acme:00g1", "0oa1:acme:00g1"], &["ADMINS_acme"]).administers("acme"));
    }

    #[test]
    fn auz_02_special_characters_of_the_predecessor_still_work() {
        for name in ["acme_corp", "Acme Corp", "acme@corp", "ÄCME"] {
            let admin = caller(&[&format!("0oa1:{name}:00g1")], &[&format!("ADMINS_{name}")]);
            assert!(admin.administers(name), "{name}");
        }
    }
}
