//! Looks for what a run that was killed left in the org, cures or reports each damage, and
//! says so in one record and one metric. Ends the rights that ended in Okta itself.
//!
//! # Okta calls
//!
//! Those of `ended_rights.rs`; then those of `org.rs`, those of `tenant.rs` for each tenant,
//! those of `entitlement.rs` for each app group, and those of `strays.rs` for what belongs
//! to none; `listPolicies` and `listPolicyRules` every half minute; those of `cure.rs`
//! for a tenant that is damaged.
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

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{SUPERUSERS, TenantName};
use lambda_kit::Task;
use okta_client::models::{AppId, Group, IdentityProvider, PolicyRule};
use okta_client::{Client, Error, ListGroups, ListIdentityProviders, search};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Metric, Run};
use serde::Serialize;
use serde_json::Value;
use state::{Lease, OpenRecord, RecordsTable, State, StateError};
use tenancy::{Tenants, of_type, routing};
use tokio::time::Instant;

use crate::finding::PieceError;
use crate::pass::{Pass, Phase};
use crate::{Finding, Kind, cure, ended_rights, entitlement, org, strays, tenant};

/// Time of one piece, and length of the lease.
const PIECE: Duration = Duration::from_secs(20);

/// Percent of the share of Okta's limits.
const PART_OF_SHARE: u8 = 10;

/// Groups of one page.
const PAGE: u32 = 100;

/// Age of the rules from which they are read again: younger than what
/// `QUIET` calls a change of long ago.
const RULES: Duration = Duration::from_secs(30);

/// The task `reconcile`.
pub struct Reconcile {
    tenants: Tenants,
    pub(crate) state: State,
    records: RecordsTable,
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
        let (state, records) = (State::prepare(environment)?, RecordsTable::prepare(environment)?);
        Ok(Self { tenants: Tenants::prepare(environment)?, state, records })
    }

    async fn run(&self, run: &Run, _event: Value) -> Result<Report, ReconcileError> {
        // Rights come first, with all of the share. A log that cannot be read is no reason to
        // leave the org as it is.
        let ended = ended_rights::end_rights(run, &self.state, &self.tenants).await;
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

/// An object to look at.
#[derive(Clone, Debug)]
enum Item {
    Superusers,
    Run(OpenRecord),
    Tenant(Group),
    Rule(PolicyRule),
    Idp(IdentityProvider, TenantName),
    Users(Group, TenantName),
    App(Group, AppGroupOf),
}

impl Item {
    fn id(&self) -> &str {
        match self {
            Item::Superusers => SUPERUSERS,
            Item::Run(record) => &record.at,
            Item::Tenant(group) | Item::Users(group, _) | Item::App(group, _) => group.id.as_str(),
            Item::Rule(rule) => rule.id.as_str(),
            Item::Idp(idp, _) => idp.id.as_str(),
        }
    }
}

/// Whose an app group is.
#[derive(Clone, Debug)]
struct AppGroupOf {
    tenant: TenantName,
    app: AppId,
    /// Whether the tenant has an admins group.
    has_tenant: bool,
}

/// A page of objects, and the cursor of the next page.
#[derive(Clone, Debug)]
struct Page {
    items: Vec<Item>,
    next: Option<String>,
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
        let skipped = Metric::count("Skipped", self.pass.skipped);
        let dimensions = [("operation", Reconcile::OPERATION.name)];
        self.run.metrics.put(&dimensions, &[skipped], self.run.clock.now_ms());
        for kind in Kind::ALL {
            let of = |counts: &BTreeMap<Kind, u32>| counts.get(&kind).copied().unwrap_or_default();
            let found = Metric::count("Findings", of(&self.pass.counts));
            let cured = Metric::count("Cured", of(&self.pass.cured));
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
        if self.page.is_none() {
            self.page = Some(self.read_page(run).await?);
        }
        let Some(item) = self.item() else {
            let next = self.page.take().and_then(|page| page.next);
            self.pass.page_ended(next);
            return Ok(Vec::new());
        };
        let Reconcile { tenants, state, records } = self.task;
        let found = match &item {
            Item::Superusers => org::examine_superusers(run.okta.forward()).await?,
            Item::Run(record) => org::end(run, state, records, record).await?,
            Item::Tenant(group) => {
                let rules = self.rules(run).await?;
                let found = tenant::examine(run, state, tenants, &rules, group).await?;
                match tenant::tenant_of_admins_group(group) {
                    Some(name) => cure::cure(run, state, tenants, &name, found).await,
                    None => found,
                }
            }
            Item::Rule(rule) => strays::examine_rule(run, rule).await?,
            Item::Idp(idp, name) => strays::examine_idp(run, state, tenants, idp, name).await?,
            Item::Users(group, name) => {
                strays::examine_group(run, state, tenants, group, name, Kind::HalfDeletedTenant).await?
            }
            Item::App(group, AppGroupOf { tenant, app, has_tenant: true }) => {
                let found = entitlement::examine(run, state, tenants, group, tenant, app).await?;
                cure::cure(run, state, tenants, tenant, found).await
            }
            Item::App(group, of) => {
                let kind = Kind::GroupLeadsNowhere;
                strays::examine_group(run, state, tenants, group, &of.tenant, kind).await?
            }
        };
        Ok(self.pass.went_past(item.id(), found))
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

    /// The page on which the pass stands: all tenants and rules of ours, and of the
    /// other objects those that have no tenant.
    async fn read_page(&mut self, run: &Run) -> Result<Page, PieceError> {
        let okta = run.okta.forward();
        let cursor = self.pass.page.clone();
        match self.pass.phase {
            Phase::Org => {
                let dead = org::dead_runs(run, &self.task.state, &self.task.records).await?;
                let items = [Item::Superusers].into_iter().chain(dead.into_iter().map(Item::Run)).collect();
                Ok(Page { items, next: None })
            }
            Phase::Tenants => {
                let page = groups(okta, "ADMINS_", cursor).await?;
                Ok(Page { items: page.items.into_iter().map(Item::Tenant).collect(), next: page.after })
            }
            Phase::Rules => {
                let rules = self.rules(run).await?;
                let items = rules.into_iter().filter(strays::is_our_rule).map(Item::Rule).collect();
                Ok(Page { items, next: None })
            }
            Phase::Idps => {
                let query = ListIdentityProviders { q: Some("DAC_".to_owned()) };
                let page = okta.list_identity_providers_page(&query, PAGE, cursor.as_deref()).await?;
                let items = strays_of(okta, page.items, strays::tenant_of_idp, Item::Idp, true).await?;
                Ok(Page { items, next: page.after })
            }
            Phase::UsersGroups => {
                let page = groups(okta, "USERS_", cursor).await?;
                let of = strays::tenant_of_users_group;
                Ok(Page {
                    items: strays_of(okta, page.items, of, Item::Users, false).await?,
                    next: page.after,
                })
            }
            Phase::AppGroups => {
                let page = groups(okta, "APPUSERS_", cursor).await?;
                let of =
                    |group: Group| strays::of_app_group(&group).map(|(tenant, app)| (group, tenant, app));
                let groups: Vec<_> = page.items.into_iter().filter_map(of).collect();
                let tenants = groups.iter().map(|(_, tenant, _)| tenant.clone()).collect();
                let without = strays::without_tenant(okta, tenants, false).await?;
                let items = groups.into_iter().map(|(group, tenant, app)| {
                    let has_tenant = !without.contains(&tenant);
                    Item::App(group, AppGroupOf { tenant, app, has_tenant })
                });
                Ok(Page { items: items.collect(), next: page.after })
            }
            Phase::Complete => Ok(Page { items: Vec::new(), next: None }),
        }
    }
}

/// A page of the groups whose names begin so.
async fn groups(
    okta: &Client,
    prefix: &str,
    cursor: Option<String>,
) -> Result<okta_client::Page<Group>, Error> {
    let query = ListGroups::search(of_type(&search::sw("profile.name", prefix))).limit(PAGE).after(cursor);
    okta.list_groups_page(&query).await
}

/// Those of the objects whose tenant, by their name, is not there.
async fn strays_of<T>(
    okta: &Client,
    objects: Vec<T>,
    tenant_of: impl Fn(&T) -> Option<TenantName>,
    item: impl Fn(T, TenantName) -> Item,
    also_users: bool,
) -> Result<Vec<Item>, Error> {
    let named: Vec<(T, TenantName)> =
        objects.into_iter().filter_map(|object| tenant_of(&object).map(|name| (object, name))).collect();
    let names: BTreeSet<TenantName> = named.iter().map(|(_, name)| name.clone()).collect();
    let without = strays::without_tenant(okta, names, also_users).await?;
    let strays = named.into_iter().filter(|(_, name)| without.contains(name));
    Ok(strays.map(|(object, name)| item(object, name)).collect())
}
