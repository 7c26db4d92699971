//! Revocations: rights that are gone although tokens still claim them. The crate
//! `rights` reads them in every function of the API.

use aws_sdk_dynamodb::types::ReturnValue;
use domain::{TOKEN_LIFETIME_SECONDS, admin_revocation, tenant_revocation, user_revocation};
use run_kit::{Run, chain};

use crate::State;
use crate::table::{StateError, is_refused, number, text};

/// Whose rights end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked<'r> {
    /// All rights of the user with this id.
    User(&'r str),
    /// The rights of a user over a tenant.
    Admin {
        /// Id of the tenant.
        tenant: &'r str,
        /// Id of the user.
        user: &'r str,
    },
    /// Everybody's rights over the tenant with this id.
    Tenant(&'r str),
}

impl Revoked<'_> {
    fn key(self) -> String {
        match self {
            Revoked::User(user) => user_revocation(user),
            Revoked::Admin { tenant, user } => admin_revocation(tenant, user),
            Revoked::Tenant(tenant) => tenant_revocation(tenant),
        }
    }
}

/// A revocation as it was written: to be taken back.
#[derive(Clone, Copy, Debug)]
pub struct Revocation<'r> {
    revoked: Revoked<'r>,
    before: i64,
    /// Whether this run wrote it.
    written: bool,
    /// What it replaced.
    former: Option<i64>,
}

impl State {
    /// Ends what tokens that were issued until now give. Repeating it does no harm.
    ///
    /// "Now" is Okta's: the time of its newest answer, by which it dates tokens.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn revoke<'r>(&self, run: &Run, revoked: Revoked<'r>) -> Result<Revocation<'r>, StateError> {
        run.permit.wait().await?;
        let before = run.okta.forward().now();
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item("id", text(revoked.key()))
            .item("before", number(before))
            .item("expires", number(before + TOKEN_LIFETIME_SECONDS))
            .condition_expression("attribute_not_exists(id) OR #before < :before")
            .expression_attribute_names("#before", "before")
            .expression_attribute_values(":before", number(before))
            .return_values(ReturnValue::AllOld);
        match put.send().await {
            // As much or more is revoked already: a suspension is not lifted by less.
            Err(error) if is_refused(&error) => {
                Ok(Revocation { revoked, before, written: false, former: None })
            }
            Err(error) => Err(StateError::new("write the revocation", error)),
            Ok(put) => {
                let former = put.attributes().and_then(|old| old.get("before")?.as_n().ok()?.parse().ok());
                Ok(Revocation { revoked, before, written: true, former })
            }
        }
    }

    /// Takes a revocation back, unless a later one replaced it. A failure is only
    /// logged: whoever was revoked gets a new token.
    pub async fn take_back(&self, revocation: Revocation<'_>) {
        let Revocation { revoked, before, written, former } = revocation;
        if !written {
            return;
        }
        let key = revoked.key();
        let failed = match former {
            Some(former) => {
                let put = self.dynamodb.put_item().table_name(&self.table).item("id", text(&key));
                put.item("before", number(former))
                    .item("expires", number(former.saturating_add(TOKEN_LIFETIME_SECONDS)))
                    .condition_expression("#before = :before")
                    .expression_attribute_names("#before", "before")
                    .expression_attribute_values(":before", number(before))
                    .send()
                    .await
                    .err()
                    .map(|error| StateError::new("restore the former revocation", error))
            }
            None => {
                let delete = self.dynamodb.delete_item().table_name(&self.table).key("id", text(&key));
                delete
                    .condition_expression("#before = :before")
                    .expression_attribute_names("#before", "before")
                    .expression_attribute_values(":before", number(before))
                    .send()
                    .await
                    .err()
                    .map(|error| StateError::new("delete the revocation", error))
            }
        };
        if let Some(error) = failed {
            tracing::warn!(error = %chain(&error), key, "a revocation stays");
        }
    }

    /// Whether something was revoked lately: while tokens live that the revocation is
    /// for.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn is_revoked_lately(&self, run: &Run, revoked: Revoked<'_>) -> Result<bool, StateError> {
        let read = self.dynamodb.get_item().table_name(&self.table).key("id", text(revoked.key()));
        let read = read.consistent_read(true).send().await;
        let item = read.map_err(|error| StateError::new("look for a revocation", error))?.item;
        let before = item.and_then(|item| item.get("before")?.as_n().ok()?.parse::<i64>().ok());
        let now = run.okta.forward().now();
        Ok(before.is_some_and(|before| now <= before.saturating_add(TOKEN_LIFETIME_SECONDS)))
    }
}
