//! What is left of a caller's rights.

use std::sync::Arc;

use domain::{Question, RightsItem, Standing, tenant_item};
use operations::EnvVar;
use run_kit::{ConfigError, Denied, Environment, chain};

use crate::budgets::{Budgets, PartyBudget};
use crate::table::{Item, Table};

/// Asks the table. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Rights {
    table: Arc<Table>,
    budgets: Arc<Budgets>,
}

impl Rights {
    /// The table as the environment describes it. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let table = Arc::new(Table::prepare(environment, &EnvVar::STATE_TABLE)?);
        let budgets = Arc::new(Budgets::prepare(environment, table.clone())?);
        Ok(Self { table, budgets })
    }

    /// The budget of the party that pays for a request; `None` if nobody does.
    pub fn budget(&self, question: &Question) -> Option<PartyBudget> {
        self.budgets.of(question)
    }

    /// Keeps what a request has used of its party's budget.
    pub async fn keep(&self, budget: &PartyBudget) {
        self.budgets.keep(budget).await;
    }

    /// Ids of the groups that the role of a suspended tenant's admins will be limited to
    /// again; none for a tenant that is not suspended.
    ///
    /// # Errors
    ///
    /// [`Denied::Unknown`]: the table does not answer; the log says why.
    pub async fn kept_targets(&self, tenant_id: &str) -> Result<Vec<String>, Denied> {
        match self.table.read(&[tenant_item(tenant_id)]).await {
            Ok(items) => Ok(items.into_iter().flat_map(|item| item.rights().targets).collect()),
            Err(error) => {
                tracing::error!(error = %chain(&error), "the suspension cannot be read");
                Err(Denied::Unknown)
            }
        }
    }

    /// What is left of the caller's rights. The same read says what the party of the
    /// request has used of its budget.
    ///
    /// # Errors
    ///
    /// [`Denied::Unknown`]: the table does not answer; the log says why.
    pub async fn look(&self, question: &Question, budget: Option<&PartyBudget>) -> Result<Standing, Denied> {
        let keys: Vec<String> =
            question.keys().into_iter().chain(budget.map(|budget| budget.key.clone())).collect();
        match self.table.read(&keys).await {
            Ok(mut items) => {
                if let Some(budget) = budget {
                    let own = items.extract_if(.., |item| item.id() == budget.key);
                    own.for_each(|item| budget.learn(&item.usages()));
                }
                let items: Vec<RightsItem> = items.into_iter().map(Item::rights).collect();
                Ok(question.answer(&items))
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "nobody can say which rights have ended");
                Err(Denied::Unknown)
            }
        }
    }
}
