//! What the state table knows of a tenant. Without a table nothing is known, and a doubt is no
//! finding.

use run_kit::Run;
use state::{Change, State, StateError, Suspension};

/// The state table, where there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory<'m>(pub(crate) Option<&'m State>);

impl Memory<'_> {
    /// Whether there is a table: whether what follows is known.
    pub(crate) fn is_there(self) -> bool {
        self.0.is_some()
    }

    /// Whether a request is changing this.
    pub(crate) async fn is_locked(self, run: &Run, change: Change<'_>) -> Result<bool, StateError> {
        match self.0 {
            Some(state) => state.is_locked(run, change).await,
            None => Ok(false),
        }
    }

    /// What is kept of a suspended tenant.
    pub(crate) async fn suspension(self, tenant_id: &str) -> Result<Option<Suspension>, StateError> {
        match self.0 {
            Some(state) => state.suspension(tenant_id).await,
            None => Ok(None),
        }
    }

    /// Domains that the index alone says are the tenant's.
    pub(crate) async fn verified_domains(self, tenant_id: &str) -> Result<Vec<String>, StateError> {
        match self.0 {
            Some(state) => Ok(state.domains_of(tenant_id).await?.verified.into_iter().collect()),
            None => Ok(Vec::new()),
        }
    }

    /// Ids of the groups that the role of a suspended tenant's admins was limited to.
    pub(crate) async fn kept_targets(self, tenant_id: &str) -> Result<Vec<String>, StateError> {
        match self.0 {
            Some(state) => state.kept_targets(tenant_id).await,
            None => Ok(Vec::new()),
        }
    }
}
