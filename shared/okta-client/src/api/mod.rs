//! The calls, one module per resource of Okta's API.
//!
//! Every method fails as [`crate::Error`] says; only what is special about a
//! call is documented at the call.

mod apps;
mod connections;
mod containment;
mod groups;
mod idps;
mod logs;
mod oauth_clients;
mod org;
mod passwords;
mod policies;
mod users;

pub use groups::ListGroups;
pub use idps::ListIdentityProviders;

/// The page size that Okta allows for every list that okta-dac walks.
pub(crate) const PAGE_LIMIT: u32 = 200;

/// An object as it may be sent back: without what Okta prints but does not take, and without nulls,
/// which Okta prints of what is not there and does not describe.
pub(crate) fn writable(
    object: &impl serde::Serialize,
    read_only: &[&str],
) -> Result<serde_json::Value, crate::Error> {
    let mut body =
        serde_json::to_value(object).map_err(|error| crate::Error::InvalidRequest(error.to_string()))?;
    if let Some(body) = body.as_object_mut() {
        body.retain(|name, _| !read_only.contains(&name.as_str()));
    }
    drop_nulls(&mut body);
    Ok(body)
}

fn drop_nulls(value: &mut serde_json::Value) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(drop_nulls);
    }
}
