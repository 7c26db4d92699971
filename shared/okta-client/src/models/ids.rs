//! Ids: opaque text, one type per resource, so that none stands for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])+ $name:ident)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<String>> From<T> for $name {
            fn from(id: T) -> Self {
                Self(id.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

impl RoleAssignmentId {
    /// The id of every group's role `USER_ADMIN`: the role's type in base32. For
    /// calls that cannot wait for `listGroupAssignedRoles`; Okta answers 404
    /// where the group does not have the role.
    pub fn user_admin() -> Self {
        Self("KVJUKUS7IFCE2SKO".to_owned())
    }
}

id! {
    /// Id of an app, `0oa…`.
    AppId
    /// Id of a secret of an OAuth client, `ocs…`.
    ClientSecretId
    /// Id of a custom admin role, `cr0…`.
    CustomRoleId
    /// Id of a granted scope, `oag…`.
    GrantId
    /// Id of a group, `00g…`.
    GroupId
    /// Id of an identity provider, `0oa…`.
    IdpId
    /// Id of a public key of an OAuth client, `pks…`; not its `kid`.
    JsonWebKeyId
    /// Key id of a certificate that IdPs trust: a UUID.
    KeyId
    /// Id of a policy, `00p…`.
    PolicyId
    /// Id of a resource set, `iam…`.
    ResourceSetId
    /// Id of a role assignment. The same for every group if the role has
    /// targets: the id means something only together with the group.
    RoleAssignmentId
    /// Id of a policy rule, `0pr…`.
    RuleId
    /// Id of a user, `00u…`.
    UserId
    /// Id of a user type, `oty…`.
    UserTypeId
}
