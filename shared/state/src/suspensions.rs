//! Suspensions: that a tenant is suspended, and what it gets back.
//!
//! The item alone refuses every request of the tenant's admins; see the crate `rights`.
//! It is read and written under the tenant's lock, and always as a whole.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Revoked, tenant_item};
use run_kit::Run;

use crate::State;
use crate::table::{StateError, is_refused_deletion, number, text};

/// What is kept of a suspended tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suspension {
    /// Ids of the groups that the admins' role was limited to: what the tenant is
    /// entitled to meanwhile.
    pub targets: Vec<String>,
    /// The group that the role is limited to meanwhile.
    pub empty_group: Option<EmptyGroup>,
    /// Ids of the admins, while they are taken out of their group so that it can be
    /// given a role.
    pub members: Vec<String>,
}

/// A group of which nobody is a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmptyGroup {
    /// Its name: known to nobody before the group is made.
    pub name: String,
    /// Its id, once it is made.
    pub id: Option<String>,
}

impl EmptyGroup {
    /// A name for the empty group of a tenant, with eight letters that nobody can guess.
    ///
    /// # Errors
    ///
    /// [`StateError`], without randomness.
    pub fn of(tenant: &domain::TenantName) -> Result<Self, StateError> {
        let mut random = [0_u8; 8];
        let filled = aws_lc_rs::rand::fill(&mut random);
        filled.map_err(|_| StateError::new("name an empty group", "there is no randomness"))?;
        let letters: String = random.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        Ok(Self { name: format!("{}{letters}", domain::empty_group_prefix(tenant)), id: None })
    }
}

impl State {
    /// What is kept of a tenant, if it is suspended.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn suspension(&self, tenant_id: &str) -> Result<Option<Suspension>, StateError> {
        let key = text(tenant_item(tenant_id));
        let read = self.dynamodb.get_item().table_name(&self.table).key("id", key).consistent_read(true);
        let read = read.send().await.map_err(|error| StateError::new("read the suspension", error))?;
        let Some(item) = read.item else { return Ok(None) };
        let value = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let list = |name: &str| -> Vec<String> {
            let values = item.get(name).and_then(|value| value.as_l().ok());
            values.into_iter().flatten().filter_map(|value| value.as_s().ok()).cloned().collect()
        };
        let empty_group = value("emptyGroup").map(|name| EmptyGroup { name, id: value("emptyGroupId") });
        Ok(Some(Suspension { targets: list("targets"), empty_group, members: list("members") }))
    }

    /// Ids of the groups that a suspended tenant's role will be limited to again; none
    /// for one that is not suspended.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn kept_targets(&self, tenant_id: &str) -> Result<Vec<String>, StateError> {
        Ok(self.suspension(tenant_id).await?.map(|kept| kept.targets).unwrap_or_default())
    }

    /// Suspends a tenant, or changes what is kept of one that is suspended.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn suspend(
        &self,
        run: &Run,
        tenant_id: &str,
        suspension: &Suspension,
    ) -> Result<(), StateError> {
        run.before_change().await?;
        let list = |ids: &[String]| AttributeValue::L(ids.iter().map(text).collect());
        let put = self.dynamodb.put_item().table_name(&self.table).item("id", text(tenant_item(tenant_id)));
        let mut put = put
            .item("suspended", AttributeValue::Bool(true))
            .item("targets", list(&suspension.targets))
            .item("members", list(&suspension.members));
        if let Some(EmptyGroup { name, id }) = &suspension.empty_group {
            put = put.item("emptyGroup", text(name));
            if let Some(id) = id {
                put = put.item("emptyGroupId", text(id));
            }
        }
        put.send().await.map(drop).map_err(|error| StateError::new("write the suspension", error))
    }

    /// Takes back the item of a suspension that was not done. A suspension of an earlier
    /// release stays.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn withdraw_suspension(&self, run: &Run, tenant_id: &str) -> Result<(), StateError> {
        run.before_change().await?;
        let delete =
            self.dynamodb.delete_item().table_name(&self.table).key("id", text(tenant_item(tenant_id)));
        let deleted = delete.send().await;
        deleted.map(drop).map_err(|error| StateError::new("delete the suspension", error))
    }

    /// Ends a suspension, also one that an earlier release kept as a revocation: tokens
    /// count again.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn reinstate(&self, run: &Run, tenant_id: &str) -> Result<(), StateError> {
        run.before_change().await?;
        let delete = self.dynamodb.delete_item().table_name(&self.table);
        let for_ever = delete
            .key("id", text(Revoked::Tenant(tenant_id).key()))
            .condition_expression("#before = :ever")
            .expression_attribute_names("#before", "before")
            .expression_attribute_values(":ever", number(i64::MAX));
        match for_ever.send().await {
            Err(error) if is_refused_deletion(&error) => {}
            result => drop(result.map_err(|error| StateError::new("delete the revocation", error))?),
        }
        self.withdraw_suspension(run, tenant_id).await
    }

    /// Whether a tenant is suspended, also by an earlier release.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn is_suspended(&self, tenant_id: &str) -> Result<bool, StateError> {
        if self.suspension(tenant_id).await?.is_some() {
            return Ok(true);
        }
        let key = text(Revoked::Tenant(tenant_id).key());
        let read = self.dynamodb.get_item().table_name(&self.table).key("id", key).consistent_read(true);
        let item = read.send().await.map_err(|error| StateError::new("look for a revocation", error))?.item;
        let before = item.and_then(|item| item.get("before")?.as_n().ok()?.parse::<i64>().ok());
        Ok(before == Some(i64::MAX))
    }
}
