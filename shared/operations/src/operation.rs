//! What one entry of the table says.

use heck::{ToLowerCamelCase, ToPascalCase, ToSnakeCase};

use crate::{ProblemCode, Routes};

/// The verbs that an operation's name may begin with.
#[rustfmt::skip] // A list.
pub const VERBS: &[&str] =
    &[
        "list", "get", "add", "update", "delete", "assign", "unassign", "activate", "deactivate", "verify",
        "remove", "set", "start", "enrich",
    ];

/// One operation of the HTTP API; the binary of the same name serves it.
///
/// Only the kebab-case name is typed; every other spelling is computed.
#[derive(Debug)]
pub struct Operation {
    /// Name of the binary, the artifact directory, the event file and the log
    /// field `operation`: verb, hyphen, resource.
    pub name: &'static str,
    /// The package under `functions/` and the OpenAPI tag.
    pub resource: Resource,
    /// HTTP method.
    pub method: Method,
    /// Path template as in `template.yaml`, parameters in braces.
    pub path: &'static str,
    /// Who may call it. The authorizer has no other source.
    pub access: Access,
    /// HTTP status of the successful answer.
    pub success: u16,
    /// What it does with the DynamoDB table: its function's permissions follow.
    pub state: &'static [StateUse],
    /// What can go wrong beyond [`ProblemCode::COMMON`].
    pub problems: &'static [ProblemCode],
    /// One sentence for the API reference.
    pub summary: &'static str,
    /// The predecessor's function that this operation replaces.
    pub replaces: Option<&'static str>,
}

impl Operation {
    /// `add_tenant`: module and end-to-end test file.
    pub fn module(&self) -> String {
        self.name.to_snake_case()
    }

    /// `AddTenant`: type name.
    pub fn type_name(&self) -> String {
        self.name.to_pascal_case()
    }

    /// `AddTenantFunction`: logical id in `template.yaml`.
    pub fn logical_id(&self) -> String {
        format!("{}Function", self.type_name())
    }

    /// `addTenant`: OpenAPI operationId.
    pub fn operation_id(&self) -> String {
        self.name.to_lower_camel_case()
    }

    /// The common problems and the operation's own, in the order of the codes.
    pub fn all_problems(&self) -> Vec<ProblemCode> {
        let common = match self.access {
            Access::HookSecret => &[ProblemCode::Unauthorized, ProblemCode::Internal],
            _ => ProblemCode::COMMON,
        };
        let mut codes = [common, self.problems].concat();
        codes.sort();
        codes.dedup();
        codes
    }

    /// Whether `path` (without stage) is an instance of this operation's
    /// template; gives the value of each parameter, as it stands in the path.
    ///
    /// ```
    /// let operation = operations::get("get-tenant");
    /// assert_eq!(operation.matches("/tenants/acme"), Some(vec![("tenant", "acme")]));
    /// assert_eq!(operation.matches("/tenants/acme/apps"), None);
    /// ```
    pub fn matches<'p>(&self, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
        let found = Routes::new(std::slice::from_ref(self)).matching(path).pop();
        found.map(|(_, parameters)| parameters)
    }
}

/// The resource that an operation belongs to: the package under `functions/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Apps, as their readers may see them.
    Apps,
    /// Users who act for others, for a while.
    Delegation,
    /// Identity providers of tenants.
    Idps,
    /// Okta's own API, in the name of the caller.
    OktaProxy,
    /// Admins of a tenant.
    TenantAdmins,
    /// Apps that a tenant is entitled to.
    TenantApps,
    /// E-mail domains of a tenant.
    TenantDomains,
    /// Tenants: an IdP, two groups and a role that belong together.
    Tenants,
}

impl Resource {
    /// Package name and OpenAPI tag.
    pub fn name(self) -> &'static str {
        match self {
            Resource::Apps => "apps",
            Resource::Delegation => "delegation",
            Resource::Idps => "idps",
            Resource::OktaProxy => "okta-proxy",
            Resource::TenantAdmins => "tenant-admins",
            Resource::TenantApps => "tenant-apps",
            Resource::TenantDomains => "tenant-domains",
            Resource::Tenants => "tenants",
        }
    }
}

/// HTTP method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Replaces or changes.
    Put,
    /// Removes.
    Delete,
    /// Whatever the caller sends: the operation passes it on.
    Any,
}

impl Method {
    /// `GET`, `POST`, `PUT`, `DELETE`, `ANY`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Any => "ANY",
        }
    }

    /// Whether a call with this method changes nothing (RFC 9110, 9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Method::Get)
    }
}

/// What an operation does with okta-dac's own tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateUse {
    /// Uses up a delegation that was started, and records it.
    Consumes,
    /// Changes something that Okta replaces as a whole, under a lock.
    Locks,
    /// Reads the records of delegation.
    ReadsRecords,
    /// Records what it does with delegation.
    Records,
    /// Keeps its answer for an `Idempotency-Key`.
    Replays,
    /// Takes rights away: writes a revocation, and flushes what API Gateway keeps
    /// of the authorizer's answers.
    Revokes,
    /// Starts a delegation.
    Starts,
}

impl StateUse {
    /// The tables, by their logical ids in `template.yaml`, with the actions of
    /// DynamoDB that it needs.
    pub const fn permissions(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            StateUse::Consumes => {
                &[("DelegationEventsTable", &["PutItem"]), ("StateTable", &["GetItem", "UpdateItem"])]
            }
            StateUse::Locks | StateUse::Replays | StateUse::Revokes => {
                &[("StateTable", &["DeleteItem", "PutItem"])]
            }
            StateUse::ReadsRecords => &[("DelegationEventsTable", &["Query"])],
            StateUse::Records => &[("DelegationEventsTable", &["PutItem"])],
            StateUse::Starts => &[("StateTable", &["PutItem"])],
        }
    }
}

/// The scope for administering tenants.
pub const DAC_ADMIN: &str = "dac.admin";

/// The scope for delegation.
pub const MANAGED_ACCESS: &str = "managed.access";

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Superusers: callers with the group `SUPERUSERS`.
    Superuser,
    /// Superusers, and admins of the tenant that `{tenant}` in the path names.
    TenantAdmin,
    /// Superusers, and admins of the tenant whose IdP `{idpId}` in the path names.
    IdpAdmin,
    /// Every caller whose token is accepted.
    AnyUser,
    /// Users with the scope `managed.access`, in their own name: no token that was
    /// issued to act for somebody else.
    ManagedAccess,
    /// Bearers of a token of the org itself, about which Okta decides; there is
    /// no authorizer before it.
    OktaToken,
    /// Okta itself, with the secret of the inline hook; there is no authorizer
    /// before it.
    HookSecret,
}

impl Access {
    /// The words of the API reference.
    pub fn describe(self) -> &'static str {
        match self {
            Access::Superuser => "superuser",
            Access::TenantAdmin => "superuser, admin of the tenant",
            Access::IdpAdmin => "superuser, admin of the tenant of the IdP",
            Access::AnyUser => "any user",
            Access::ManagedAccess => "any user, in their own name",
            Access::OktaToken => "bearer of a token of the org",
            Access::HookSecret => "Okta, with the hook secret",
        }
    }

    /// Whether the authorizer decides before the function does.
    pub const fn has_authorizer(self) -> bool {
        !matches!(self, Access::OktaToken | Access::HookSecret)
    }

    /// The scope that a token must have.
    pub const fn scope(self) -> &'static str {
        match self {
            Access::ManagedAccess => MANAGED_ACCESS,
            _ => DAC_ADMIN,
        }
    }
}
