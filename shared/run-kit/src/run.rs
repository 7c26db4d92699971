//! One run: everything that an operation works with, whoever started it.

use std::sync::Arc;
use std::time::Duration;

use okta_client::{Budget, Client};
use tokio::time::Instant;

use crate::{Actor, AuditLog, Clock, Denied, EmbeddedMetrics, Failure, Metrics, Permit, Record};

/// Time at the end of a run that belongs to taking steps back: no other call is
/// begun in it.
pub const UNDO: Duration = Duration::from_secs(4);

/// One run of an operation.
#[derive(Clone, Debug)]
pub struct Run {
    /// The org's clients.
    pub okta: OktaClients,
    /// Whether it may change something. Okta's clients wait for it by themselves, and
    /// so do the functions of the crate `state` that write.
    pub permit: Permit,
    /// When the run ends, and its undo with it.
    pub deadline: Instant,
    /// What time it is.
    pub clock: Clock,
    /// Who started it.
    pub actor: Actor,
    /// Its id, unique among all runs: the id of the request or of the invocation.
    pub id: String,
    /// Who changed what: begun with the first change.
    pub record: Record,
    /// Where the numbers go.
    pub metrics: Arc<dyn Metrics>,
}

/// Two clients of one org, which share connections, limits and the count of calls.
#[derive(Clone, Debug)]
pub struct OktaClients {
    forward: Client,
    undo: Client,
    /// Time that only undoing has.
    reserve: Duration,
}

impl OktaClients {
    /// Both clients of a run: no call forward is begun after `deadline` less
    /// `reserve`, and none that undoes after `deadline`. Calls are counted from zero.
    fn new(client: &Client, deadline: Instant, reserve: Duration) -> Self {
        let client = client.for_request(deadline);
        let forward = client.until(deadline.checked_sub(reserve).unwrap_or(deadline));
        Self { forward, undo: client.beyond_share().patient(), reserve }
    }

    /// The client that does what the run is for. It obeys the share of Okta's limits,
    /// and ends in time for an undo.
    pub fn forward(&self) -> &Client {
        &self.forward
    }

    /// The client that takes steps back. It may use all of Okta's limits, and has
    /// time of its own. [`crate::Steps`] uses it; an operation has no reason to.
    pub fn undo(&self) -> &Client {
        &self.undo
    }

    /// Calls sent so far, repeated ones included.
    pub fn calls(&self) -> u32 {
        self.forward.calls()
    }

    /// The class of Okta's limits of which least is left, and how much, in percent.
    pub fn least_remaining(&self) -> Option<(&'static str, f64)> {
        self.forward.least_remaining()
    }

    /// Okta's ids of the answers so far.
    pub fn request_ids(&self) -> Vec<String> {
        self.forward.request_ids()
    }
}

impl Run {
    /// A run of `actor` that ends at `deadline`, of which `reserve` at its end is for
    /// undoing alone. Its record goes to the log, its numbers to CloudWatch.
    pub fn new(
        client: &Client,
        deadline: Instant,
        reserve: Duration,
        actor: Actor,
        id: impl Into<String>,
    ) -> Self {
        let id = id.into();
        let record = Record::new(Arc::new(AuditLog), id.clone(), actor.clone(), "", Vec::new());
        Self {
            okta: OktaClients::new(client, deadline, reserve),
            permit: Permit::granted(),
            deadline,
            clock: Clock::system(),
            actor,
            id,
            record,
            metrics: Arc::new(EmbeddedMetrics),
        }
    }

    /// The same run, which changes nothing before `permit` allows it and `record` is
    /// begun.
    #[must_use]
    pub fn changing_if(self, permit: Permit, record: Record) -> Self {
        let gated = |client: &Client| {
            let (permit, record) = (permit.clone(), record.clone());
            client.changing_if(async move { permit.wait().await.is_ok() && record.begin().await })
        };
        let OktaClients { forward, undo, reserve } = &self.okta;
        let okta = OktaClients { forward: gated(forward), undo: gated(undo), reserve: *reserve };
        Self { okta, permit, record, ..self }
    }

    /// The same run, whose calls a party with this budget pays for.
    #[must_use]
    pub fn paid_by(self, budget: Budget) -> Self {
        let OktaClients { forward, undo, reserve } = &self.okta;
        let (forward, undo) = (forward.with_budget(budget.clone()), undo.with_budget(budget));
        Self { okta: OktaClients { forward, undo, reserve: *reserve }, ..self }
    }

    /// A part of this run, which changes one tenant: with a record of its own.
    #[must_use]
    pub fn of_tenant(&self, tenant_id: &str) -> Self {
        let record = self.record.beside();
        record.concerns(tenant_id);
        self.clone().changing_if(self.permit.clone(), record)
    }

    /// Waits until the run may change something, and its record is begun. Okta's clients
    /// do so by themselves.
    ///
    /// # Errors
    ///
    /// [`Denied`].
    pub async fn before_change(&self) -> Result<(), Denied> {
        self.permit.wait().await?;
        if self.record.begin().await { Ok(()) } else { Err(Denied::Unknown) }
    }

    /// Does work that changes something, and ends the record.
    ///
    /// # Errors
    ///
    /// The work's, or that the record cannot be begun.
    pub async fn audited<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let result = work.await;
        if self.record.is_lost() {
            return Err(Denied::Unknown.into());
        }
        self.record.end(result.as_ref().err()).await;
        result
    }

    /// The same run, which may use so many percent of the share of Okta's limits: for
    /// work that nobody waits for. Undoing is not held up.
    #[must_use]
    pub fn with_part_of_share(&self, percent: u8) -> Self {
        let okta =
            OktaClients { forward: self.okta.forward.with_part_of_share(percent), ..self.okta.clone() };
        Self { okta, ..self.clone() }
    }

    /// A part of this run that ends earlier: `length` from now, undo included, or
    /// with the run.
    #[must_use]
    pub fn piece(&self, length: Duration) -> Self {
        let deadline = self.deadline.min(Instant::now() + length);
        let reserve = self.okta.reserve;
        let forward = self.okta.forward.until(deadline.checked_sub(reserve).unwrap_or(deadline));
        let okta = OktaClients { forward, undo: self.okta.undo.until(deadline), reserve };
        Self { okta, deadline, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use okta_client::{ApiToken, OrgUrl};

    use super::*;

    fn run(length: Duration) -> Run {
        let org = OrgUrl::parse("http://127.0.0.1:9").unwrap();
        let client = Client::new(org, ApiToken::from("token".to_owned())).unwrap();
        Run::new(&client, Instant::now() + length, UNDO, Actor::Schedule, "run")
    }

    /// Nobody listens on that port: whether a call was begun shows in the count.
    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_run_is_for_undoing_alone() {
        let run = run(Duration::from_secs(20));
        tokio::time::advance(Duration::from_secs(17)).await;
        let begun = async |client: &Client| {
            let before = run.okta.calls();
            let _ = client.get_user("00u1").await;
            run.okta.calls() > before
        };
        assert!(!begun(run.okta.forward()).await, "too late to go forward");
        assert!(begun(run.okta.undo()).await, "not too late to go back");
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(!begun(run.okta.undo()).await, "the run is over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_piece_ends_with_its_run_at_the_latest() {
        let run = run(Duration::from_secs(30));
        let piece = run.piece(Duration::from_secs(20));
        assert_eq!(piece.deadline, Instant::now() + Duration::from_secs(20));
        tokio::time::advance(Duration::from_secs(25)).await;
        assert_eq!(run.piece(Duration::from_secs(20)).deadline, run.deadline);
    }
}
