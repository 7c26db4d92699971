//! What the doctor knows besides the org.

use std::collections::BTreeMap;
use std::sync::Arc;

use guard::EventsTable;
use run_kit::{Audit, ConfigError, Environment};
use state::{RecordsTable, State};

/// What the doctor knows besides the org.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Whether what can be fixed is fixed.
    pub fix: bool,
    /// Objects of our names that somebody else made were taken over.
    pub adopt: bool,
    /// Parameters of the deployment, where it is known.
    pub parameters: BTreeMap<String, String>,
    /// Id of its API.
    pub api: Option<String>,
    /// Its tables. Without them some damage of suspended tenants is
    /// not looked for, and nothing of tenants is fixed.
    pub tables: Option<Tables>,
    /// Who asks, for the records of what is fixed.
    pub operator: String,
}

/// The tables of a deployment.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Locks and suspensions.
    pub state: State,
    /// Who changed what, to read.
    pub records: RecordsTable,
    /// The same, to write.
    pub audit: Arc<dyn Audit>,
}

impl Tables {
    /// The tables that an environment of a function names.
    ///
    /// # Errors
    ///
    /// What lacks.
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let (state, records) = (State::prepare(environment)?, RecordsTable::prepare(environment)?);
        Ok(Self { state, records, audit: Arc::new(EventsTable::prepare(environment)?) })
    }

    pub(super) fn both(&self) -> (State, RecordsTable) {
        (self.state.clone(), self.records.clone())
    }
}
