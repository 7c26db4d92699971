//! What the index of domains says.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{
    EmailDomain, Holder, Holders, INDEX_ITEM, IndexState, TenantDomains, holders_item, tenant_domains_item,
    tenant_item,
};
use operations::{EnvVar, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, chain};
use serde::de::DeserializeOwned;

use crate::table::{Item, Table};

/// Reads the index. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct DomainIndex(Arc<Table>);

/// What the index knows of a tenant, and whether that is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownDomains {
    /// How complete the index is.
    pub state: IndexState,
    /// What is known of the tenant.
    pub tenant: TenantDomains,
}

impl DomainIndex {
    /// The table as the environment describes it. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(Table::prepare(environment, &EnvVar::STATE_TABLE)?)))
    }

    /// How complete the index is.
    ///
    /// # Errors
    ///
    /// [`ProblemCode::StateUnavailable`].
    pub async fn state(&self) -> Result<IndexState, Failure> {
        let items = self.read(&[INDEX_ITEM.to_owned()]).await?;
        content(&items, INDEX_ITEM)
    }

    /// What is known of a tenant.
    ///
    /// # Errors
    ///
    /// [`ProblemCode::StateUnavailable`].
    pub async fn of_tenant(&self, tenant_id: &str) -> Result<KnownDomains, Failure> {
        let key = tenant_domains_item(tenant_id);
        let items = self.read(&[INDEX_ITEM.to_owned(), key.clone()]).await?;
        Ok(KnownDomains { state: content(&items, INDEX_ITEM)?, tenant: content(&items, &key)? })
    }

    /// The tenant whose users' logins have this domain, unless the tenant is suspended.
    ///
    /// # Errors
    ///
    /// [`ProblemCode::StateUnavailable`].
    pub async fn tenant_of(&self, domain: &EmailDomain) -> Result<Option<String>, Failure> {
        let key = holders_item(domain);
        let items = self.read(std::slice::from_ref(&key)).await?;
        let holders: Holders = content(&items, &key)?;
        let holder = holders.above(domain).map(|(_, holder)| holder).filter(|holder| holder.rule().is_none());
        let Some(Holder { id, .. }) = holder else { return Ok(None) };
        let key = tenant_item(id);
        let mut items = self.read(std::slice::from_ref(&key)).await?;
        let is_suspended = items.remove(&key).is_some_and(|item| item.rights().suspended);
        Ok((!is_suspended).then(|| id.clone()))
    }

    async fn read(&self, keys: &[String]) -> Result<BTreeMap<String, Item>, Failure> {
        let items = self.0.read(keys).await.map_err(|error| unavailable(&chain(&error)))?;
        Ok(items.into_iter().map(|item| (item.id().to_owned(), item)).collect())
    }
}

fn content<T: DeserializeOwned + Default>(items: &BTreeMap<String, Item>, key: &str) -> Result<T, Failure> {
    match items.get(key).and_then(Item::content) {
        Some(content) => serde_json::from_str(content).map_err(|error| unavailable(&error.to_string())),
        None => Ok(T::default()),
    }
}

fn unavailable(error: &str) -> Failure {
    tracing::error!(error, "the index of domains cannot be read");
    let detail = "okta-dac's own table does not answer; nothing was changed";
    Failure::new(ProblemCode::StateUnavailable, detail)
}
