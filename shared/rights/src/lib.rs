//! What is left of a caller's rights.
//!
//! A token lives for hours, and API Gateway keeps what the authorizer said of it. So
//! every function of the API asks the state table itself, with one consistent read,
//! what has ended since the token was issued. The read runs beside the first call to
//! Okta; a change waits for it ([`run_kit::Permit`]).
//!
//! The read is one signed request: an AWS SDK would make every function larger and
//! slower to start (`make bench-credential` measures that for another service). The crate
//! `state` writes the items; `domain` names them, and decides.

mod table;

use std::sync::Arc;
use std::time::Duration;

use domain::{Question, Standing, tenant_item};
use run_kit::{ConfigError, Denied, Environment, chain, http_client};

use crate::table::{Table, TableSettings};

/// Longest wait for one answer of the table.
const TIMEOUT: Duration = Duration::from_secs(1);

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
        let settings = TableSettings::prepare(environment)?;
        let http = http_client(TIMEOUT).map_err(|error| ConfigError::System(chain(&error)))?;
        Ok(Self(Arc::new(Table::new(http, settings))))
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
