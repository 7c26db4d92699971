//! The kinds of damage, and what is said of one.

use okta_client::Error;
use run_kit::Object;
use serde::{Deserialize, Serialize};
use state::StateError;

/// A kind of damage. ARCHITECTURE.md lists them with what leaves each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The record says that the tenant is being created, and no request can still be
    /// creating it.
    HalfMadeTenant,
    /// The record says that the tenant is being renamed, and no request can still be
    /// renaming it.
    HalfRenamedTenant,
    /// A users group or an IdP has a tenant's name, and the tenant has no admins group.
    HalfDeletedTenant,
    /// A tenant lacks its IdP, its users group, the role of its admins, or the
    /// assignment of its admins to the okta-dac app.
    MissingPart,
    /// The admins of a tenant have a role for the whole org: the role has no target.
    RoleWithoutTarget,
    /// The role of a suspended tenant's admins is not limited to nobody.
    SuspendedRoleHeld,
    /// The IdP of a suspended tenant is active.
    SuspendedIdpOn,
    /// A routing rule of a suspended tenant is active.
    SuspendedRuleOn,
    /// A routing rule of okta-dac sends users to an IdP that does not exist.
    RuleLeadsNowhere,
    /// An app group belongs to a tenant or to an app that does not exist.
    GroupLeadsNowhere,
    /// The routing rules, the record and the IdP of a tenant disagree about the
    /// tenant's domains.
    HalfChangedDomains,
    /// An app group of a tenant is not assigned to its app, or is no target of the role
    /// of the tenant's admins.
    HalfMadeEntitlement,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 12] = [
        Kind::HalfMadeTenant,
        Kind::HalfRenamedTenant,
        Kind::HalfDeletedTenant,
        Kind::MissingPart,
        Kind::RoleWithoutTarget,
        Kind::SuspendedRoleHeld,
        Kind::SuspendedIdpOn,
        Kind::SuspendedRuleOn,
        Kind::RuleLeadsNowhere,
        Kind::GroupLeadsNowhere,
        Kind::HalfChangedDomains,
        Kind::HalfMadeEntitlement,
    ];

    /// As records and metrics have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::HalfMadeTenant => "half-made-tenant",
            Kind::HalfRenamedTenant => "half-renamed-tenant",
            Kind::HalfDeletedTenant => "half-deleted-tenant",
            Kind::MissingPart => "missing-part",
            Kind::RoleWithoutTarget => "role-without-target",
            Kind::SuspendedRoleHeld => "suspended-role-held",
            Kind::SuspendedIdpOn => "suspended-idp-on",
            Kind::SuspendedRuleOn => "suspended-rule-on",
            Kind::RuleLeadsNowhere => "rule-leads-nowhere",
            Kind::GroupLeadsNowhere => "group-leads-nowhere",
            Kind::HalfChangedDomains => "half-changed-domains",
            Kind::HalfMadeEntitlement => "half-made-entitlement",
        }
    }
}

/// One damage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Of which kind.
    pub kind: Kind,
    /// Name of the tenant; absent where the object belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What kind of object is damaged, or missing: `group`, `identityProvider`, `role`,
    /// `routingRule`, `appAssignment`.
    pub object: String,
    /// The object's name.
    pub name: String,
    /// The object's id; absent where the object is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Finding {
    /// Damage of an object of a tenant, or of none.
    pub(crate) fn new(kind: Kind, tenant: Option<&str>, object: Object) -> Self {
        let Object { kind: of, name, id } = object;
        Self { kind, tenant: tenant.map(str::to_owned), object: of.to_owned(), name, id }
    }

    /// The one record.
    pub(crate) fn record(&self, run_id: &str) {
        tracing::warn!(
            kind = self.kind.as_str(),
            tenant = self.tenant,
            object = self.object,
            name = self.name,
            id = self.id,
            run_id,
            "finding"
        );
    }
}

/// Why an object could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PieceError {
    /// A call to Okta failed.
    #[error("call Okta")]
    Okta(#[from] Error),
    /// The table did not answer.
    #[error(transparent)]
    State(#[from] StateError),
}
