//! Revocations: how the functions that write them and the authorizer name them.

/// Longest life of an access token of a custom authorization server (Okta's
/// access policies: 24 hours).
pub const TOKEN_LIFETIME_SECONDS: i64 = 86_400;

/// Key of the revocation of a user's rights over a tenant, or of everybody's.
pub fn revocation_id(tenant_id: &str, user: Option<&str>) -> String {
    match user {
        Some(user) => format!("revocation#{tenant_id}#{user}"),
        None => format!("revocation#{tenant_id}"),
    }
}
