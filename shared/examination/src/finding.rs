//! The kinds of damage, and what is said of one.

use okta_client::Error;
use run_kit::Object;
use serde::{Deserialize, Serialize};
use state::StateError;

/// A kind of damage. ARCHITECTURE.md lists them with what leaves each, and what becomes of
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The group of the superusers does not exist: whoever makes a group of this name is
    /// a superuser.
    MissingGroup,
    /// A run of more than five minutes ago has not ended its record: it died.
    DiedRun,
    /// A group is called like the admins of a tenant and has a record, and is no tenant's.
    Pretender,
    /// The record says that the tenant is being created, and no request can still be
    /// creating it.
    HalfMadeTenant,
    /// The record says that the tenant is being renamed, and no request can still be
    /// renaming it.
    HalfRenamedTenant,
    /// A users group or an IdP has a tenant's name, and the tenant has no admins group.
    HalfDeletedTenant,
    /// A tenant lacks its IdP, its users group, the role of its admins, the users group as
    /// a target of this role, or the assignment of its admins to the okta-dac app.
    MissingPart,
    /// The admins of a tenant have a role for the whole org: the role has no target.
    RoleWithoutTarget,
    /// The role of a suspended tenant's admins is not limited to nobody.
    SuspendedRoleHeld,
    /// The IdP of a suspended tenant is active.
    SuspendedIdpOn,
    /// A routing rule of a suspended tenant is active.
    SuspendedRuleOn,
    /// The group that a suspended tenant's role is limited to has members.
    UsersInEmptyGroup,
    /// The users group or an app group of a tenant has another name than it must have.
    RenamedGroup,
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
    pub const ALL: [Kind; 17] = [
        Kind::MissingGroup,
        Kind::DiedRun,
        Kind::Pretender,
        Kind::HalfMadeTenant,
        Kind::HalfRenamedTenant,
        Kind::HalfDeletedTenant,
        Kind::MissingPart,
        Kind::RoleWithoutTarget,
        Kind::SuspendedRoleHeld,
        Kind::SuspendedIdpOn,
        Kind::SuspendedRuleOn,
        Kind::UsersInEmptyGroup,
        Kind::RenamedGroup,
        Kind::RuleLeadsNowhere,
        Kind::GroupLeadsNowhere,
        Kind::HalfChangedDomains,
        Kind::HalfMadeEntitlement,
    ];

    /// As records and metrics have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::MissingGroup => "missing-group",
            Kind::DiedRun => "died-run",
            Kind::Pretender => "pretender",
            Kind::HalfMadeTenant => "half-made-tenant",
            Kind::HalfRenamedTenant => "half-renamed-tenant",
            Kind::HalfDeletedTenant => "half-deleted-tenant",
            Kind::MissingPart => "missing-part",
            Kind::RoleWithoutTarget => "role-without-target",
            Kind::SuspendedRoleHeld => "suspended-role-held",
            Kind::SuspendedIdpOn => "suspended-idp-on",
            Kind::SuspendedRuleOn => "suspended-rule-on",
            Kind::UsersInEmptyGroup => "users-in-empty-group",
            Kind::RenamedGroup => "renamed-group",
            Kind::RuleLeadsNowhere => "rule-leads-nowhere",
            Kind::GroupLeadsNowhere => "group-leads-nowhere",
            Kind::HalfChangedDomains => "half-changed-domains",
            Kind::HalfMadeEntitlement => "half-made-entitlement",
        }
    }

    /// What is wrong, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Kind::MissingGroup => "the group of the superusers does not exist",
            Kind::DiedRun => "a run died, and left its record open",
            Kind::Pretender => "a group is called like the admins of a tenant, and is no tenant's",
            Kind::HalfMadeTenant => "a tenant is half made",
            Kind::HalfRenamedTenant => "a rename stopped half-way",
            Kind::HalfDeletedTenant => "a deletion stopped half-way",
            Kind::MissingPart => "a part is missing",
            Kind::RoleWithoutTarget => "the role of the admins counts for the whole org",
            Kind::SuspendedRoleHeld => "the admins hold their role although they are suspended",
            Kind::SuspendedIdpOn => "the IdP is active although its users are suspended",
            Kind::SuspendedRuleOn => "the routing rule is active although its users are suspended",
            Kind::UsersInEmptyGroup => "the group of nobody has members",
            Kind::RenamedGroup => "a group has another name than okta-dac gave it",
            Kind::RuleLeadsNowhere => "a routing rule leads to an IdP that does not exist",
            Kind::GroupLeadsNowhere => "an app group belongs to a tenant or an app that does not exist",
            Kind::HalfChangedDomains => "rules, record and IdP disagree about the domains",
            Kind::HalfMadeEntitlement => "an entitlement to an app is half made",
        }
    }

    /// What an operator does about damage of this kind that is not cured.
    pub const fn remedy(self) -> &'static str {
        match self {
            Kind::MissingGroup => "make the group in Okta, and put the superusers into it",
            Kind::DiedRun => "nothing: the next run of `reconcile` ends the record",
            Kind::Pretender => "rename or delete the group in Okta",
            Kind::HalfMadeTenant => "send `POST /tenants` again, or `DELETE /tenants/{tenant}`",
            Kind::HalfRenamedTenant => "send `PUT /tenants/{tenant}` with the same name again",
            Kind::HalfDeletedTenant => "send `DELETE /tenants/{tenant}` again",
            Kind::MissingPart => "send `DELETE /tenants/{tenant}`, or make the part again in Okta",
            Kind::RoleWithoutTarget => "take the role from the group in Okta",
            Kind::SuspendedRoleHeld | Kind::SuspendedIdpOn | Kind::SuspendedRuleOn => {
                r#"send `PUT /tenants/{tenant}` with `{"status": "SUSPENDED"}` again"#
            }
            Kind::UsersInEmptyGroup => {
                r#"send `PUT /tenants/{tenant}` with `{"status": "ACTIVE"}`, which takes them out"#
            }
            Kind::RenamedGroup => "rename the group that has the name in Okta",
            Kind::RuleLeadsNowhere => "delete the rule in Okta",
            Kind::GroupLeadsNowhere => "delete the group in Okta",
            Kind::HalfChangedDomains => "send the request for the domain again",
            Kind::HalfMadeEntitlement => "send `PUT /tenants/{tenant}/apps/{appId}` again, or `DELETE`",
        }
    }
}

/// One damage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Of which kind.
    pub kind: Kind,
    /// Name of the tenant, or, of a run that died, its id; absent where the object belongs
    /// to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What kind of object is damaged, or missing: `group`, `identityProvider`, `role`,
    /// `roleTarget`, `routingRule`, `appAssignment`; `run`, with the name of an operation.
    pub object: String,
    /// The object's name.
    pub name: String,
    /// The object's id; absent where the object is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether the damage is cured.
    #[serde(default)]
    pub cured: bool,
}

impl Finding {
    /// Damage of an object of a tenant, or of none.
    pub fn new(kind: Kind, tenant: Option<&str>, object: Object) -> Self {
        let Object { kind: of, name, id } = object;
        Self { kind, tenant: tenant.map(str::to_owned), object: of.to_owned(), name, id, cured: false }
    }

    /// The one record of a run.
    pub fn record(&self, run_id: &str) {
        let remedy = (!self.cured).then_some(self.kind.remedy());
        tracing::warn!(
            kind = self.kind.as_str(),
            tenant = self.tenant,
            object = self.object,
            name = self.name,
            id = self.id,
            cured = self.cured,
            remedy,
            run_id,
            "finding"
        );
    }
}

/// Why an object could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum PieceError {
    /// A call to Okta failed.
    #[error("call Okta")]
    Okta(#[from] Error),
    /// The table did not answer.
    #[error(transparent)]
    State(#[from] StateError),
}
