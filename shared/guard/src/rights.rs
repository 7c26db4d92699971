//! What is left of a caller's rights.

use std::sync::Arc;

use domain::{Question, Standing, tenant_item};
use operations::EnvVar;
use run_kit::{ConfigError, Denied, Environment, chain};

use crate::table::Table;

/// Asks the table. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Rights(Arc<Table>);

impl Rights {
    /// The table as the environment describes it. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(Table::prepare(environment, &EnvVar::STATE_TABLE)?)))
    }

    /// Ids of the groups that the role of a suspended tenant's admins will be limited to
    /// again; none for a tenant that is not suspended.
    ///
    /// # Errors
    ///
    /// [`Denied::Unknown`]: the table does not answer; the log says why.
    pub async fn kept_targets(&self, tenant_id: &str) -> Result<Vec<String>, Denied> {
        match self.0.read(&[tenant_item(tenant_id)]).await {
            Ok(items) => Ok(items.into_iter().flat_map(|item| item.targets).collect()),
            Err(error) => {
                tracing::error!(error = %chain(&error), "the suspension cannot be read");
                Err(Denied::Unknown)
            }
        }
    }

    /// What is left of the caller's rights.
    ///
    /// # Errors
    ///
    /// [`Denied::Unknown`]: the table does not answer; the log says why.
    pub async fn look(&self, question: &Question) -> Result<Standing, Denied> {
        match self.0.read(&question.keys()).await {
            Ok(items) => Ok(question.answer(&items)),
            Err(error) => {
                tracing::error!(error = %chain(&error), "nobody can say which rights have ended");
                Err(Denied::Unknown)
            }
        }
    }
}
