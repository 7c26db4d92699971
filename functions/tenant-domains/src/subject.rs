//! Whom the tenant's IdP may speak of: users with logins of the tenant's
//! verified domains, no others. Without it an IdP could make users with logins of
//! another tenant's domain.

use domain::subject_filter;
use okta_client::models::IdentityProvider;
use okta_client::{Client, Error};
use serde_json::json;

/// The value of `policy.subject.filter` for these domains.
pub(crate) struct Filter(String);

impl Filter {
    /// `None` if Okta would refuse it as too long.
    pub(crate) fn of(domains: &[&str]) -> Option<Self> {
        subject_filter(domains).map(Self)
    }

    /// The IdP with this filter; `None` if it has it.
    fn of_idp(&self, idp: &IdentityProvider) -> Option<IdentityProvider> {
        let mut new = idp.clone();
        let policy = new.other.entry("policy").or_insert_with(|| json!({})).as_object_mut()?;
        let subject = policy.entry("subject").or_insert_with(|| json!({})).as_object_mut()?;
        let old = subject.insert("filter".to_owned(), json!(self.0));
        (old != Some(json!(self.0))).then_some(new)
    }

    /// Writes it, unless it is there. Repeating it does no harm. `false` if nothing
    /// was written.
    ///
    /// # Errors
    ///
    /// Of the client.
    pub(crate) async fn write(&self, okta: &Client, idp: &IdentityProvider) -> Result<bool, Error> {
        let Some(new) = self.of_idp(idp) else { return Ok(false) };
        okta.replace_identity_provider(&new).await?;
        Ok(true)
    }
}
