//! Looks for what a run that was killed left in the org, cures or reports each damage, and
//! says so in one record and one metric. Ends the rights that ended in Okta itself.
//!
//! # Okta calls
//!
//! Those of `ended_rights.rs`; then, of the crate `examination`, those of `org.rs`, those of
//! `tenant.rs` for each tenant, those of `entitlement.rs` for each app group, and those of
//! `strays.rs` for what belongs to none; `listPolicies` and `listPolicyRules` every half minute,
//! from which `domains.rs` builds the index of domains;
//! those of `cure.rs` for a tenant that is damaged.
//!
//! # Piece by piece
//!
//! A piece is one tenant, one app group, or one object without a tenant, and takes 20
//! seconds at most.
//! After each piece the task keeps its place. A run that is killed loses one piece, and
//! the next run goes on there; a large org takes several runs. Calls of all pieces
//! together use a tenth of the share of Okta's limits: callers of the API
//! have the rest.
//!
//! A second run at the same time leaves at once: the run that works has a lease, which
//! it renews with each piece.

use std::collections::BTreeMap;
use std::time::Duration;

use examination::{Examiner, Finding, Item, Kind, Page, Phase, PieceError};
use lambda_kit::Task;
use okta_client::Error;
use okta_client::models::PolicyRule;
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Metric, Run, measures};
use serde::Serialize;
use serde_json::Value;
use state::{Lease, RecordsTable, State, StateError};
use tenancy::{Tenants, routing};
use tokio::time::Instant;

use crate::pass::Pass;
use crate::{domains, ended_rights};

/// Time of one piece, and length of the lease.
const PIECE: Duration = Duration::from_secs(20);

/// Percent of the share of Okta's limits.
const PART_OF_SHARE: u8 = 10;

/// Age of the rules from which they are read again: younger than what
/// `QUIET` calls a change of long ago.
const RULES: Duration = Duration::from_secs(30);

/// The task `reconcile`.
pub struct Reconcile {
    pub(crate) state: State,
    examiner: Examiner,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether this run worked; another one did, if not.
    pub worked: bool,
    /// Whether the whole org was looked at; the next run goes on, if not.
    pub complete: bool,
    /// Tenants that this pass looked at so far.
    pub tenants: u32,
    /// Objects that Okta could not show, twice.
    pub skipped: u32,
    /// How many damages this pass found so far.
    pub found: u32,
    /// How many of them it cured.
    pub cured: u32,
    /// How many rights this run ended that had ended in Okta.
    pub ended: u32,
    /// The damages, the first thousand of them.
    pub findings: Vec<Finding>,
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// A call to Okta failed.
    #[error("look at a piece of the org")]
    Okta(#[source] Error),
    /// The table did not answer.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<PieceError> for ReconcileError {
    fn from(error: PieceError) -> Self {
        match error {
            PieceError::Okta(error) => ReconcileError::Okta(error),
            PieceError::State(error) => ReconcileError::State(error),
        }
    }
}

impl From<ReconcileError> for Failure {
    fn from(error: ReconcileError) -> Self {
        match error {
            ReconcileError::Okta(error) => Failure::okta("look at a piece of the org", &error),
            ReconcileError::State(error) => error.into(),
        }
    }
}

impl Task for Reconcile {
    const OPERATION: &'static Operation = operations::get("reconcile");
    type Event = Value;
    type Output = Report;
    type Error = ReconcileError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let state = State::prepare(environment)?;
        let tables = Some((state.clone(), RecordsTable::prepare(environment)?));
        let examiner = Examiner { tenants: Tenants::prepare(environment)?, tables, cures: true };
        Ok(Self { state, examiner })
    }

    async fn run(&self, run: &Run, _event: Value) -> Result<Report, ReconcileError> {
        // Rights come first, with all of the share. A log that cannot be read is no reason to
        // leave the org as it is.
        let ended = ended_rights::end_rights(run, &self.state, &self.examiner.tenants).await;
        let report = self.walk(&run.with_part_of_share(PART_OF_SHARE)).await?;
        Ok(Report { ended: ended?, ..report })
    }

    fn example() -> Value {
        lambda_kit::scheduled_event()
    }
}

impl Reconcile {
    /// A run's part of a pass.
    async fn walk(&self, run: &Run) -> Result<Report, ReconcileError> {
        let Some((lease, place)) = self.state.lease(run, Self::OPERATION.name, PIECE).await? else {
            return Ok(Report::default());
        };
        let pass = Pass::of(place.as_deref());
        Walk { task: self, run, pass, page: None, rules: None, waited: false }.go(lease).await
    }
}

/// One run's part of a pass.
struct Walk<'r> {
    task: &'r Reconcile,
    run: &'r Run,
    pass: Pass,
    /// The page on which the pass stands, once it is read.
    page: Option<Page>,
    /// The routing rules, and when they were read.
    rules: Option<(Instant, Vec<PolicyRule>)>,
    /// Whether the next piece has waited for Okta's limit already.
    waited: bool,
}

impl Walk<'_> {
    /// Goes on until the pass is complete, or the time is over.
    async fn go(mut self, lease: Lease) -> Result<Report, ReconcileError> {
        if self.pass.began == 0 {
            self.pass.began = self.run.clock.now_ms();
        }
        while !self.pass.is_complete() && self.has_time_for(PIECE) {
            match self.piece().await {
                Ok(found) => {
                    self.waited = false;
                    for finding in found {
                        finding.record(&self.run.id);
                    }
                    if !lease.keep(self.run, &self.pass.to_text(), PIECE).await? {
                        // Another run goes on from the place before.
                        return Ok(self.report());
                    }
                }
                Err(PieceError::Okta(Error::RateLimited { retry_after })) => {
                    // A piece that a whole window is too small for must not be the last.
                    if std::mem::replace(&mut self.waited, true) {
                        self.fail();
                    }
                    if !self.has_time_for(retry_after + PIECE)
                        || !lease.keep(self.run, &self.pass.to_text(), retry_after + PIECE).await?
                    {
                        break;
                    }
                    tokio::time::sleep(retry_after).await;
                }
                Err(PieceError::Okta(error)) => {
                    // When Okta does not answer at all, no object is to blame.
                    if !error.is_retryable() {
                        self.fail();
                    }
                    lease.release(&self.pass.to_text()).await?;
                    return Err(ReconcileError::Okta(error));
                }
                Err(PieceError::State(error)) => return Err(error.into()),
            }
        }
        let report = self.report();
        if report.complete {
            self.count();
            lease.release("").await?;
        } else {
            lease.release(&self.pass.to_text()).await?;
        }
        Ok(report)
    }

    /// Notes that the next object, or the page, could not be looked at.
    fn fail(&mut self) {
        let item = self.item().map(|item| item.id().to_owned());
        if self.pass.failed_at(item.as_deref()) {
            self.page = self.page.take().filter(|_| item.is_some());
            tracing::warn!(run_id = self.run.id, object = item, "an object cannot be looked at");
        }
    }

    fn has_time_for(&self, length: Duration) -> bool {
        Instant::now() + length <= self.run.deadline
    }

    fn report(&self) -> Report {
        Report {
            worked: true,
            complete: self.pass.is_complete(),
            tenants: self.pass.tenants,
            skipped: self.pass.skipped,
            found: self.pass.counts.values().sum(),
            cured: self.pass.cured.values().sum(),
            ended: 0,
            findings: self.pass.findings.iter().cloned().collect(),
        }
    }

    /// One metric for each kind, also where there is nothing: an alarm ends. And one
    /// for what could not be looked at.
    fn count(&self) {
        let sum = |counts: &BTreeMap<Kind, u32>| counts.values().sum::<u32>();
        let open = sum(&self.pass.counts).saturating_sub(sum(&self.pass.cured));
        let whole = [
            Metric::count(&measures::SKIPPED, self.pass.skipped),
            Metric::count(&measures::OPEN_FINDINGS, open),
        ];
        let dimensions = [("operation", Reconcile::OPERATION.name)];
        self.run.metrics.put(&dimensions, &whole, self.run.clock.now_ms());
        for kind in Kind::ALL {
            let of = |counts: &BTreeMap<Kind, u32>| counts.get(&kind).copied().unwrap_or_default();
            let found = Metric::count(&measures::FINDINGS, of(&self.pass.counts));
            let cured = Metric::count(&measures::CURED, of(&self.pass.cured));
            let dimensions = [("operation", Reconcile::OPERATION.name), ("kind", kind.as_str())];
            self.run.metrics.put(&dimensions, &[found, cured], self.run.clock.now_ms());
        }
    }

    /// The object that comes next on the page, if the page is read.
    fn item(&self) -> Option<Item> {
        let items = &self.page.as_ref()?.items;
        // An object that is gone from the page: the page is looked at again.
        let after = self.pass.after.as_deref();
        let last = items.iter().position(|item| Some(item.id()) == after);
        items.get(last.map_or(0, |last| last + 1)).cloned()
    }

    /// Looks at the next object; gives what was not known before.
    async fn piece(&mut self) -> Result<Vec<Finding>, PieceError> {
        let run = &self.run.piece(PIECE);
        // First: without the index every request reads all rules.
        if !self.pass.is_indexed {
            return self.index(run).await.map(|()| Vec::new());
        }
        if self.page.is_none() {
            let rules = match self.pass.phase {
                Phase::Rules => self.rules(run).await?,
                _ => Vec::new(),
            };
            let cursor = self.pass.page.clone();
            self.page = Some(self.task.examiner.page(run, self.pass.phase, cursor, &rules).await?);
        }
        let Some(item) = self.item() else {
            let next = self.page.take().and_then(|page| page.next);
            self.pass.page_ended(next);
            return Ok(Vec::new());
        };
        let rules = match &item {
            Item::Tenant(_) => self.rules(run).await?,
            _ => Vec::new(),
        };
        let found = self.task.examiner.examine(run, &item, &rules).await?;
        Ok(self.pass.went_past(item.id(), found))
    }

    /// Notes some of the routing rules in the index of domains.
    async fn index(&mut self, run: &Run) -> Result<(), PieceError> {
        let (rules, state) = (self.rules(run).await?, &self.task.state);
        let complete = state.index_state().await?.complete_since;
        let open = domains::open(&rules, complete, self.pass.indexed.as_deref());
        for rule in open.iter().take(domains::RULES) {
            domains::note(run, state, &rules, rule).await?;
            self.pass.indexed = Some(rule.id.to_string());
        }
        if open.len() <= domains::RULES {
            self.pass.is_indexed = true;
            state.complete_index(run, self.pass.began).await?;
        }
        Ok(())
    }

    /// The routing rules as they were at most [`RULES`] ago.
    async fn rules(&mut self, run: &Run) -> Result<Vec<PolicyRule>, Error> {
        match &self.rules {
            Some((read, rules)) if read.elapsed() < RULES => Ok(rules.clone()),
            _ => {
                let (_, rules) = routing(run.okta.forward()).await?;
                self.rules = Some((Instant::now(), rules.clone()));
                Ok(rules)
            }
        }
    }
}
