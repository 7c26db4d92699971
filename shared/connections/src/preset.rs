//! What a connection is for: its scopes, and the role without which scopes are worth nothing.
//!
//! Evidence: guide "Implement OAuth for Okta" (a scope must be granted and allowed by a role);
//! concept page "Role assignment" (permissions by name).

use serde::Serialize;

use crate::stop::{Code, Stop};

/// A set of rights with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// As `--preset` names it.
    pub name: &'static str,
    /// In a sentence.
    pub about: &'static str,
    /// Scopes without which the connection does not do its work.
    pub scopes: &'static [&'static str],
    /// Scopes that an org may not have, or that the role may not allow.
    pub optional: &'static [&'static str],
    /// The role of the client.
    pub role: Role,
    /// The probes (by [`crate::probes::Negative::name`]) that are allowed to succeed.
    pub may: &'static [&'static str],
}

/// The role of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// One of Okta's.
    Standard(&'static str),
    /// One of ours, on a set of resources.
    Custom {
        /// Its label.
        label: &'static str,
        /// What it may do.
        permissions: &'static [&'static str],
    },
}

impl Role {
    /// As people know it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Standard(kind) => kind,
            Self::Custom { label, .. } => label,
        }
    }
}

/// What a responder may do.
const RESPONDER: &[&str] = &[
    "okta.users.read",
    "okta.users.lifecycle.suspend",
    "okta.users.lifecycle.unsuspend",
    "okta.users.lifecycle.clearSessions",
    "okta.users.credentials.resetPassword",
    "okta.users.credentials.expirePassword",
    "okta.users.credentials.resetFactors",
    "okta.users.groupMembership.manage",
    "okta.groups.read",
    "okta.groups.members.manage",
    "okta.iam.read",
    // Who is a tenant says an assignment of the okta-dac app.
    "okta.apps.read",
];

/// Every preset.
pub const PRESETS: [Preset; 8] = [
    Preset {
        name: "read-only",
        about: "a tool that reads users, apps, policies and the log",
        scopes: &[
            "okta.users.read",
            "okta.groups.read",
            "okta.apps.read",
            "okta.policies.read",
            "okta.logs.read",
        ],
        optional: &[
            "okta.appGrants.read",
            "okta.idps.read",
            "okta.authorizationServers.read",
            "okta.roles.read",
            "okta.schemas.read",
            "okta.userTypes.read",
            "okta.factors.read",
            "okta.authenticators.read",
            "okta.devices.read",
            "okta.networkZones.read",
            "okta.trustedOrigins.read",
            "okta.eventHooks.read",
            "okta.inlineHooks.read",
            "okta.orgs.read",
            "okta.domains.read",
            "okta.behaviors.read",
            "okta.deviceAssurance.read",
            "okta.threatInsights.read",
            "okta.apiTokens.read",
            "okta.linkedObjects.read",
            "okta.profileMappings.read",
            "okta.sessions.read",
        ],
        role: Role::Standard("READ_ONLY_ADMIN"),
        may: &[],
    },
    Preset {
        name: "logs",
        about: "a tool that reads the system log",
        scopes: &["okta.logs.read"],
        optional: &[],
        role: Role::Standard("REPORT_ADMIN"),
        may: &[],
    },
    Preset {
        name: "response",
        about: "response actions: suspend, end sessions, reset, quarantine",
        scopes: &[
            "okta.users.read",
            "okta.users.manage",
            "okta.groups.read",
            "okta.groups.manage",
            "okta.roles.read",
            "okta.apps.read",
        ],
        optional: &[],
        role: Role::Custom { label: "okta-dac responder", permissions: RESPONDER },
        may: &["suspend a user"],
    },
    Preset {
        name: "rotation",
        about: "rotation of passwords",
        scopes: &["okta.users.read", "okta.users.manage"],
        optional: &[],
        role: Role::Custom {
            label: "okta-dac rotator",
            permissions: &["okta.users.read", "okta.users.credentials.manage"],
        },
        may: &[],
    },
    Preset {
        name: "dac",
        about: "the tenant functions of okta-dac",
        scopes: &[
            "okta.users.read",
            "okta.groups.manage",
            "okta.apps.manage",
            "okta.idps.manage",
            "okta.policies.manage",
            "okta.roles.manage",
            // `reconcile` looks there for rights that ended in Okta itself.
            "okta.logs.read",
        ],
        optional: &[],
        role: Role::Standard("SUPER_ADMIN"),
        may: &["make a group", "make an app", "make a role", "delete an IdP", "give a client a role"],
    },
    Preset {
        name: "dac-read",
        about: "the reading functions of okta-dac",
        scopes: &[
            "okta.users.read",
            "okta.groups.read",
            "okta.apps.read",
            "okta.idps.read",
            "okta.policies.read",
            "okta.roles.read",
            // `watch-passwords` looks there for changes.
            "okta.logs.read",
        ],
        optional: &[],
        role: Role::Standard("READ_ONLY_ADMIN"),
        may: &[],
    },
    Preset {
        name: "dac-delegation",
        about: "the delegation functions of okta-dac",
        scopes: &["okta.users.read", "okta.users.manage"],
        // Which permission of a custom role allows these is not documented.
        optional: &["okta.userTypes.read", "okta.schemas.read", "okta.linkedObjects.read"],
        role: Role::Custom {
            label: "okta-dac delegation",
            permissions: &["okta.users.read", "okta.users.userprofile.manage"],
        },
        may: &[],
    },
    Preset {
        name: "read-only-custom",
        about: "a tool that reads users, apps and policies, by a custom role",
        scopes: &["okta.users.read", "okta.groups.read", "okta.apps.read", "okta.policies.read"],
        // No permission of a custom role is for the log.
        optional: &["okta.idps.read", "okta.authorizationServers.read", "okta.roles.read"],
        role: Role::Custom {
            label: "okta-dac reader",
            permissions: &[
                "okta.users.read",
                "okta.groups.read",
                "okta.apps.read",
                "okta.policies.read",
                "okta.identityProviders.read",
                "okta.authzServers.read",
                "okta.iam.read",
            ],
        },
        may: &[],
    },
];

impl Preset {
    /// The preset of this name.
    ///
    /// # Errors
    ///
    /// A sentence with the names that there are.
    pub fn parse(name: &str) -> Result<&'static Self, Stop> {
        PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            Stop::new(Code::Usage, format!("there is no preset `{name}`: {}", names.join(", ")))
        })
    }

    /// All scopes.
    pub fn all_scopes(&self) -> impl Iterator<Item = &'static str> {
        self.scopes.iter().chain(self.optional).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_of_one_preset_each() {
        for (index, preset) in PRESETS.iter().enumerate() {
            assert_eq!(Preset::parse(preset.name).unwrap(), preset);
            let others = &PRESETS[..index];
            assert!(others.iter().all(|other| other.name != preset.name));
            if let Role::Custom { label, .. } = preset.role {
                assert!(others.iter().all(|other| other.role.name() != label));
            }
        }
        assert!(Preset::parse("everything").unwrap_err().sentence.contains("read-only"));
    }
}
