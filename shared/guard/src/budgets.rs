//! What one party's requests use of Okta's limits: a tenant's, or a user's.
//!
//! The item `budget#<party>#<minute>` has a number for each class of Okta's limits, and what
//! the share of the class allows. A request reads the item with what is left of the caller's
//! rights, and adds to it what the request used when it ends. Between the two this process
//! remembers: a party that has used its part up is refused before the first call.
//!
//! Without the table nobody is limited but by Okta's limits themselves: a budget protects
//! one tenant from another, and no data.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Question, budget_item};
use okta_client::{Budget, Usage};
use operations::EnvVar;
use run_kit::{Clock, ConfigError, Environment, chain};
use tokio::time::Instant;

use crate::table::Table;

/// Longest wait for what was used to be kept: the answer is ready.
const PATIENCE: Duration = Duration::from_millis(50);

const MINUTE_MS: i64 = 60_000;

/// The budgets of this minute that this process knows.
#[derive(Debug)]
pub(crate) struct Budgets {
    table: Arc<Table>,
    /// Of the share, in percent; 100: nobody is counted.
    part: u8,
    minute: Mutex<Minute>,
}

#[derive(Debug, Default)]
struct Minute {
    minute: i64,
    budgets: HashMap<String, Budget>,
}

/// The budget of one request's party in this minute.
#[derive(Clone, Debug)]
pub struct PartyBudget {
    pub(crate) key: String,
    minute: i64,
    budget: Budget,
}

impl PartyBudget {
    /// For the clients of Okta.
    pub fn budget(&self) -> Budget {
        self.budget.clone()
    }

    pub(crate) fn learn(&self, usages: &[Usage]) {
        usages.iter().for_each(|usage| self.budget.learn(usage));
    }
}

impl Budgets {
    /// Budgets as the environment describes them.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub(crate) fn prepare(environment: &Environment, table: Arc<Table>) -> Result<Self, ConfigError> {
        let part = environment.number(&EnvVar::OKTA_TENANT_SHARE, 1..=100)?;
        Ok(Self { table, part, minute: Mutex::default() })
    }

    /// The budget of the party that pays for a request; `None` if nobody does.
    pub(crate) fn of(&self, question: &Question) -> Option<PartyBudget> {
        let payer = question.payer().filter(|_| self.part < 100)?;
        let now = Clock::system().now_ms();
        let minute = now.div_euclid(MINUTE_MS);
        let left = u64::try_from((minute + 1) * MINUTE_MS - now).unwrap_or_default();
        let ends = Instant::now() + Duration::from_millis(left);
        let mut known = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if known.minute != minute {
            *known = Minute { minute, budgets: HashMap::new() };
        }
        let budget = known.budgets.entry(payer.to_owned()).or_insert_with(|| Budget::new(self.part, ends));
        Some(PartyBudget { key: budget_item(payer, minute), minute, budget: budget.clone() })
    }

    /// Keeps what this process has used of a budget. What cannot be kept in time is not:
    /// the party gets it as a present.
    pub(crate) async fn keep(&self, party: &PartyBudget) {
        let used = party.budget.take_unsaved();
        if used.is_empty() {
            return;
        }
        let expires = (party.minute + 2) * MINUTE_MS / 1_000;
        match tokio::time::timeout(PATIENCE, self.table.add(&party.key, &used, expires)).await {
            Ok(Ok(all)) => party.learn(&all),
            Ok(Err(error)) => tracing::warn!(error = %chain(&error), "a budget is not kept"),
            Err(_elapsed) => tracing::debug!("the table is too slow for a budget"),
        }
    }
}
