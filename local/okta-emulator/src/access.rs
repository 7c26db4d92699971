//! Who calls, and what Okta lets them do.
//!
//! Two things must both allow a call: the scopes of an access token (an API
//! token has none and needs none), and the admin role of the user or client.
//! A role with targets sees and changes the groups that are its targets, and
//! their members, and nothing else. It makes and deletes no groups, makes users in its
//! groups alone, takes nobody into them who is not in one of them already, and changes
//! neither a group that holds an admin role nor that group's members (Okta help, "Group
//! administrators"; Okta support, "Limitations of a Group Admin Allowed to Managed Only
//! Certain Groups").
//!
//! Evidence: guide "Implement OAuth for Okta" (scopes must be granted to the
//! app and allowed by the role; lists are cut down to the role's targets);
//! reference page "Administrator roles" 2024-09. Which role may do what is
//! published as a table for people; the part of it that the endpoints here
//! need is [`ROLES`]. A role or scope that lacks is 403 E0000006.

use crate::call::{Auth, Caller, Reach, Route, Who};
use crate::error::OktaError;
use crate::org::{Org, Role};
use crate::permissions::{self, Part};

/// What a role is good for.
struct Powers {
    kind: &'static str,
    label: &'static str,
    /// Id of an assignment; fixed where a role may have targets: it is the
    /// base32 of the type (recordings of the Terraform provider).
    assignment_id: Option<&'static str>,
    reads: &'static [&'static str],
    manages: &'static [&'static str],
    /// Single operations beyond that.
    operations: &'static [&'static str],
}

const EVERYTHING: &[&str] = &["*"];
const PEOPLE: &[&str] = &["users", "groups"];

/// The standard roles.
#[rustfmt::skip] // A table.
const ROLES: &[Powers] = &[
    Powers { kind: "SUPER_ADMIN", label: "Super Administrator", assignment_id: None, reads: EVERYTHING, manages: EVERYTHING, operations: &[] },
    Powers { kind: "ORG_ADMIN", label: "Organization Administrator", assignment_id: None, reads: EVERYTHING, manages: &["users", "groups", "policies", "trustedOrigins", "schemas", "userTypes", "linkedObjects", "idps"], operations: &[] },
    Powers { kind: "USER_ADMIN", label: "Group Administrator", assignment_id: Some("KVJUKUS7IFCE2SKO"), reads: PEOPLE, manages: PEOPLE, operations: &[] },
    Powers { kind: "HELP_DESK_ADMIN", label: "Help Desk Administrator", assignment_id: Some("JBCUYUC7IRCVGS27IFCE2SKO"), reads: PEOPLE, manages: &[], operations: &["resetPassword", "expirePassword", "unlockUser", "changePassword"] },
    Powers { kind: "GROUP_MEMBERSHIP_ADMIN", label: "Group Membership Administrator", assignment_id: Some("I5JE6VKQL5GUKTKCIVJFGSCJKBPUCRCNJFHA"), reads: PEOPLE, manages: &[], operations: &["assignUserToGroup", "unassignUserFromGroup"] },
    Powers { kind: "APP_ADMIN", label: "Application Administrator", assignment_id: Some("IFIFAX2BIRGUSTQ"), reads: &["apps", "users", "groups", "schemas"], manages: &["apps"], operations: &[] },
    Powers { kind: "READ_ONLY_ADMIN", label: "Read-only Administrator", assignment_id: None, reads: EVERYTHING, manages: &[], operations: &[] },
    Powers { kind: "REPORT_ADMIN", label: "Report Administrator", assignment_id: None, reads: &["logs", "users"], manages: &[], operations: &[] },
    Powers { kind: "MOBILE_ADMIN", label: "Mobile Administrator", assignment_id: None, reads: PEOPLE, manages: &[], operations: &[] },
    Powers { kind: "API_ACCESS_MANAGEMENT_ADMIN", label: "API Access Management Administrator", assignment_id: None, reads: &["authorizationServers", "inlineHooks", "apps", "users", "groups"], manages: &["authorizationServers", "inlineHooks"], operations: &[] },
];

/// A role as it is printed, and the fixed id of its assignments if it has one.
pub(crate) fn role(kind: &str) -> Option<(&'static str, &'static str, Option<&'static str>)> {
    ROLES.iter().find(|role| role.kind == kind).map(|role| (role.kind, role.label, role.assignment_id))
}

/// The scopes that let a user do something with the own user only.
const SELF_SCOPES: &[(&str, &[&str])] = &[
    ("okta.users.read.self", &["getUser", "listAppLinks", "listUserGroups"]),
    ("okta.users.manage.self", &["getUser", "updateUser", "changePassword"]),
];

fn covers(families: &[&str], family: &str) -> bool {
    families.iter().any(|f| *f == family || *f == "*")
}

/// The roles of a user, their own and those of their groups, or of a client.
fn roles<'o>(org: &'o Org, who: &Who) -> Vec<&'o Role> {
    match who {
        Who::Nobody => Vec::new(),
        Who::Client(id) => org.client_roles.get(id).into_iter().flatten().collect(),
        Who::User(id) => {
            let own = org.user_roles.get(id).into_iter().flatten();
            let owners = org
                .group_roles
                .iter()
                .filter(|(group, _)| org.groups.get(*group).is_some_and(|group| group.members.contains(id)));
            own.chain(owners.flat_map(|(_, roles)| roles)).collect()
        }
    }
}

/// Decides about a call, and sets how far the caller may see.
///
/// `parameters` are those of the path: a group or a user that is out of reach
/// is refused here, for all endpoints alike.
pub(crate) fn authorize(
    org: &Org,
    route: &Route,
    caller: &mut Caller,
    parameters: &[(&'static str, String)],
) -> Result<(), OktaError> {
    let Auth::Admin(family) = route.auth else { return Ok(()) };
    let manage = route.method != "GET";
    if let Some(scopes) = &caller.scopes {
        let has = |scope: String| scopes.contains(&scope);
        let allowed = has(format!("okta.{family}.manage")) || (!manage && has(format!("okta.{family}.read")));
        if !allowed {
            let own = SELF_SCOPES.iter().any(|(scope, operations)| {
                has((*scope).to_owned()) && operations.contains(&route.operation_id)
            });
            if own && parameters.first().is_some_and(|(_, id)| id == caller.who.id()) {
                caller.reach = Reach::Myself;
                return Ok(());
            }
            let scope = format!("okta.{family}.{}", if manage { "manage" } else { "read" });
            return Err(OktaError::insufficient_scope(&scope));
        }
    }
    let mut reach = None;
    for role in roles(org, &caller.who) {
        let own = match &role.custom {
            Some((custom, set)) => permissions::reach(org, custom, set, route.operation_id)
                .map(|(groups, members_of)| Reach::Limited { groups, members_of, targets: false }),
            None => standard(role, family, manage, route.operation_id),
        };
        reach = match (reach, own) {
            (Some(reach), Some(own)) => Some(both(reach, own)),
            (reach, own) => reach.or(own),
        };
    }
    caller.reach = reach.ok_or_else(OktaError::forbidden)?;
    let Reach::Limited { targets, .. } = caller.reach else { return Ok(()) };
    if targets && ["addGroup", "deleteGroup"].contains(&route.operation_id) {
        return Err(OktaError::forbidden());
    }
    for (name, id) in parameters {
        let allowed = match *name {
            "groupId" => caller.sees_group(id) && !(manage && targets && has_role(org, id)),
            "id" | "userId" | "userIdOrLogin" | "primaryUserId" => match org.user(id) {
                Ok(user) => {
                    caller.sees_user(org, &user.id)
                        && !(manage && targets && caller.may_not_change(org, &user.id))
                }
                // A user who does not exist is 404 for everybody.
                Err(_) => true,
            },
            _ => true,
        };
        if !allowed {
            return Err(OktaError::forbidden());
        }
    }
    Ok(())
}

/// How far a standard role reaches with this call.
fn standard(role: &Role, family: &str, manage: bool, operation_id: &str) -> Option<Reach> {
    let powers = ROLES.iter().find(|powers| powers.kind == role.kind)?;
    let good = covers(powers.manages, family)
        || (!manage && covers(powers.reads, family))
        || powers.operations.contains(&operation_id);
    if !good {
        return None;
    }
    if role.targets.is_empty() {
        return Some(Reach::All);
    }
    let targets = Part::Of(role.targets.clone());
    Some(Reach::Limited { groups: targets.clone(), members_of: targets, targets: true })
}

/// Two roles allow what either allows.
fn both(one: Reach, other: Reach) -> Reach {
    match (one, other) {
        (
            Reach::Limited { groups, members_of, targets },
            Reach::Limited { groups: more, members_of: more_members, targets: too },
        ) => Reach::Limited {
            groups: groups.with(more),
            members_of: members_of.with(more_members),
            targets: targets && too,
        },
        _ => Reach::All,
    }
}

/// Whether a group holds an admin role.
fn has_role(org: &Org, group: &str) -> bool {
    org.group_roles.get(group).is_some_and(|roles| !roles.is_empty())
}

impl Caller {
    /// Whether a list shows this group to the caller.
    pub(crate) fn sees_group(&self, id: &str) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Limited { groups, .. } => groups.has(id),
            Reach::Myself => false,
        }
    }

    /// Whether a user is an administrator, whom a role with targets cannot change; oneself
    /// everybody can.
    fn may_not_change(&self, org: &Org, user: &str) -> bool {
        self.who.id() != user && !roles(org, &Who::User(user.to_owned())).is_empty()
    }

    /// Whether the caller may make users in these groups: those of a role with targets
    /// alone, and in one of them at least.
    pub(crate) fn may_create_in(&self, org: &Org, groups: &[String]) -> bool {
        let own = |group: &String| self.sees_group(group) && !has_role(org, group);
        self.reach == Reach::All || (!groups.is_empty() && groups.iter().all(own))
    }

    /// Whether a list shows this user to the caller.
    pub(crate) fn sees_user(&self, org: &Org, id: &str) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Limited { members_of: Part::All, .. } => true,
            Reach::Limited { members_of: Part::Of(groups), .. } => {
                self.who.id() == id
                    || groups.iter().any(|g| org.groups.get(g).is_some_and(|g| g.members.contains(id)))
            }
            Reach::Myself => self.who.id() == id,
        }
    }
}
