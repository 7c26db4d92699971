//! The packages under `functions/`: the one list of them.

/// A package under `functions/`, and the OpenAPI tag of its operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Package {
    /// Apps, as their readers may see them.
    Apps,
    /// From an access token to an IAM policy.
    Authorizer,
    /// Public keys of connections, where Okta reads them.
    ConnectionKeys,
    /// Users who act for others, for a while.
    Delegation,
    /// Where the users of a login sign in.
    Discovery,
    /// Identity providers of tenants.
    Idps,
    /// Okta's own API, in the name of the caller.
    OktaProxy,
    /// Passwords of Okta users, which Secrets Manager keeps.
    Passwords,
    /// Looks for what a run that was killed left, and reports it.
    Reconcile,
    /// What is done to a user whose account somebody else may use, and its end.
    Responses,
    /// Admins of a tenant.
    TenantAdmins,
    /// Apps that a tenant is entitled to.
    TenantApps,
    /// E-mail domains of a tenant.
    TenantDomains,
    /// Tenants: an IdP, two groups and a role that belong together.
    Tenants,
}

impl Package {
    /// Every package, in the order of their names.
    pub const ALL: &'static [Package] = &[
        Package::Apps,
        Package::Authorizer,
        Package::ConnectionKeys,
        Package::Delegation,
        Package::Discovery,
        Package::Idps,
        Package::OktaProxy,
        Package::Passwords,
        Package::Reconcile,
        Package::Responses,
        Package::TenantAdmins,
        Package::TenantApps,
        Package::TenantDomains,
        Package::Tenants,
    ];

    /// Name of the folder, the package and the OpenAPI tag.
    pub const fn name(self) -> &'static str {
        match self {
            Package::Apps => "apps",
            Package::Authorizer => "authorizer",
            Package::ConnectionKeys => "connection-keys",
            Package::Delegation => "delegation",
            Package::Discovery => "discovery",
            Package::Idps => "idps",
            Package::OktaProxy => "okta-proxy",
            Package::Passwords => "passwords",
            Package::Reconcile => "reconcile",
            Package::Responses => "responses",
            Package::TenantAdmins => "tenant-admins",
            Package::TenantApps => "tenant-apps",
            Package::TenantDomains => "tenant-domains",
            Package::Tenants => "tenants",
        }
    }

    /// Name of the crate in Rust, and of the target of its log lines.
    pub fn crate_name(self) -> String {
        self.name().replace('-', "_")
    }
}
