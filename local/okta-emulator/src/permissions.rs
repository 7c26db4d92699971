//! What the permissions of custom admin roles allow, and on which resources.
//!
//! Evidence: concept page "Role assignment" (permissions by name); `createResourceSetBinding`
//! of the Okta Management API 2026.06.3 (a group alone gives no right over its members, whose
//! resource is `/api/v1/groups/{id}/users`). Which endpoint needs which permission is
//! published in words for people; the part of it that the endpoints here need is [`NEEDS`].
//! Whether `okta.users.credentials.manage` allows setting a password is not verified: here it
//! allows a change with the old one.

use std::collections::BTreeSet;

use crate::json::texts;
use crate::org::Org;

/// What may be done to users.
const MANAGE_USERS: &str = "okta.users.manage";

/// What may be done to groups.
const MANAGE_GROUPS: &str = "okta.groups.manage";

/// Of each list one permission.
type Needs = &'static [&'static [&'static str]];

/// What a call needs of a custom role.
#[rustfmt::skip] // A table.
const NEEDS: &[(&[&str], Needs)] = &[
    (&["getUser", "listUsers", "listUserGroups", "listAppLinks", "listFactors", "listUserClients", "listUserGrants"], &[&["okta.users.read", MANAGE_USERS]]),
    (&["createUser"], &[&["okta.users.create", MANAGE_USERS]]),
    (&["updateUser", "replaceUser"], &[&["okta.users.userprofile.manage", MANAGE_USERS]]),
    (&["deleteUser"], &[&["okta.users.lifecycle.delete", "okta.users.lifecycle.manage", MANAGE_USERS]]),
    (&["activateUser"], &[&["okta.users.lifecycle.activate", "okta.users.lifecycle.manage", MANAGE_USERS]]),
    (&["deactivateUser"], &[&["okta.users.lifecycle.deactivate", "okta.users.lifecycle.manage", MANAGE_USERS]]),
    (&["suspendUser"], &[&["okta.users.lifecycle.suspend", "okta.users.lifecycle.manage", MANAGE_USERS]]),
    (&["unsuspendUser"], &[&["okta.users.lifecycle.unsuspend", "okta.users.lifecycle.manage", MANAGE_USERS]]),
    (&["unlockUser"], &[&["okta.users.lifecycle.unlock", "okta.users.lifecycle.manage", MANAGE_USERS]]),
    (&["revokeUserSessions"], &[&["okta.users.lifecycle.clearSessions", "okta.users.lifecycle.manage", MANAGE_USERS]]),
    (&["resetPassword"], &[&["okta.users.credentials.resetPassword", "okta.users.credentials.manage", MANAGE_USERS]]),
    (&["expirePassword"], &[&["okta.users.credentials.expirePassword", "okta.users.credentials.manage", MANAGE_USERS]]),
    (&["resetFactors", "unenrollFactor"], &[&["okta.users.credentials.resetFactors", "okta.users.credentials.manage", MANAGE_USERS]]),
    (&["changePassword"], &[&["okta.users.credentials.manage", MANAGE_USERS]]),
    (&["revokeUserGrants"], &[&[MANAGE_USERS]]),
    (&["assignUserToGroup", "unassignUserFromGroup"], &[&["okta.users.groupMembership.manage", MANAGE_USERS], &["okta.groups.members.manage", MANAGE_GROUPS]]),
    (&["listGroups", "getGroup", "listGroupUsers"], &[&["okta.groups.read", MANAGE_GROUPS]]),
    (&["addGroup"], &[&["okta.groups.create", MANAGE_GROUPS]]),
    (&["replaceGroup", "deleteGroup"], &[&[MANAGE_GROUPS]]),
    (&["listApplications", "getApplication", "listApplicationGroupAssignments", "getApplicationGroupAssignment"], &[&["okta.apps.read", "okta.apps.manage"]]),
    (&["createApplication", "replaceApplication", "deleteApplication", "activateApplication", "deactivateApplication"], &[&["okta.apps.manage"]]),
    (&["listRoles", "getRole", "listRolePermissions", "listResourceSets", "getResourceSet", "listResourceSetResources", "listBindings", "listUsersWithRoleAssignments", "listAssignedRolesForUser", "listGroupAssignedRoles", "listGroupTargetsForGroupRole", "listRolesForClient"], &[&["okta.iam.read"]]),
    (&["listPolicies", "getPolicy", "listPolicyRules"], &[&["okta.policies.read", "okta.policies.manage"]]),
    (&["listAuthorizationServers", "getAuthorizationServer"], &[&["okta.authzServers.read", "okta.authzServers.manage"]]),
    (&["listIdentityProviders", "getIdentityProvider"], &[&["okta.identityProviders.read", "okta.identityProviders.manage"]]),
];

/// Permissions that allow nothing here.
const OTHERS: &[&str] = &[
    "okta.apps.assignment.manage",
    "okta.customizations.read",
    "okta.devices.read",
    "okta.groups.appAssignment.manage",
    "okta.realms.read",
    "okta.users.appAssignment.manage",
    "okta.users.credentials.manageTemporaryAccessCode",
    "okta.workflows.read",
];

/// Whether there is such a permission.
pub(crate) fn is_permission(name: &str) -> bool {
    NEEDS.iter().flat_map(|(_, needs)| needs.iter().copied().flatten()).any(|known| *known == name)
        || OTHERS.contains(&name)
}

/// A part of the org: all of a kind, or these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// All.
    All,
    /// By id.
    Of(BTreeSet<String>),
}

impl Part {
    pub(crate) fn has(&self, id: &str) -> bool {
        match self {
            Part::All => true,
            Part::Of(ids) => ids.contains(id),
        }
    }

    pub(crate) fn with(self, other: Self) -> Self {
        match (self, other) {
            (Part::Of(mut ids), Part::Of(more)) => {
                ids.extend(more);
                Part::Of(ids)
            }
            _ => Part::All,
        }
    }
}

/// The groups that a custom role reaches with this call, and the groups whose members it
/// reaches; [`None`] if it does not allow the call.
pub(crate) fn reach(org: &Org, role: &str, set: &str, operation_id: &str) -> Option<(Part, Part)> {
    let permissions = texts(org.custom_roles.get(role)?, "/permissions");
    let (_, needs) = NEEDS.iter().find(|(operations, _)| operations.contains(&operation_id))?;
    if !needs.iter().all(|any| any.iter().any(|one| permissions.contains(one))) {
        return None;
    }
    let set = org.resource_sets.get(set)?;
    let resources = texts(set, "/resources");
    let paths: Vec<&str> =
        resources.iter().filter_map(|url| Some(&url[url.find("/api/v1/")? + "/api/v1/".len()..])).collect();
    let groups = if paths.contains(&"groups") {
        Part::All
    } else {
        let named = paths.iter().filter_map(|path| path.strip_prefix("groups/"));
        Part::Of(named.filter(|path| !path.contains('/')).map(str::to_owned).collect())
    };
    let users = if paths.contains(&"users") {
        Part::All
    } else {
        let members = paths.iter().filter_map(|path| path.strip_prefix("groups/")?.strip_suffix("/users"));
        Part::Of(members.map(str::to_owned).collect())
    };
    Some((groups, users))
}
