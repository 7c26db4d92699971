//! What a request knows of the routing rules and of the index of domains.

use std::sync::Mutex;

use domain::{Discovery, TenantDomains};
use futures::TryStreamExt;
use okta_client::models::{PolicyId, PolicyRule};
use okta_client::{Client, Error};

/// The routing policy, the rules that are known, and what the index knows.
#[derive(Debug)]
pub(crate) struct Routing {
    pub(crate) policy: Option<PolicyId>,
    pub(crate) rules: Vec<PolicyRule>,
    /// Whether these are all rules of the org.
    pub(crate) is_whole: bool,
    pub(crate) known: TenantDomains,
    pub(crate) discovery: Discovery,
    pub(crate) notes: Notes,
}

/// Rules that a request made and deleted, to be noted in the index.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<(Vec<String>, Vec<String>)>);

impl Notes {
    pub(crate) fn made(&self, rule: &PolicyRule) {
        if let Ok(mut notes) = self.0.lock() {
            notes.0.push(rule.id.to_string());
        }
    }

    pub(crate) fn gone(&self, rule: &PolicyRule) {
        if let Ok(mut notes) = self.0.lock() {
            notes.1.push(rule.id.to_string());
        }
    }

    pub(crate) fn take(&self) -> (Vec<String>, Vec<String>) {
        self.0.lock().map(|mut notes| std::mem::take(&mut *notes)).unwrap_or_default()
    }
}

impl Routing {
    /// Reads all rules: under the lock of the order they stay in their places.
    pub(crate) async fn read_all(&mut self, okta: &Client) -> Result<(), Error> {
        if let Some(policy) = &self.policy {
            self.rules = okta.list_policy_rules(policy).try_collect().await?;
        }
        self.is_whole = true;
        Ok(())
    }
}
