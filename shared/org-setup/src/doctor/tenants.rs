//! A walk through the tenants, with the crate `examination`.

use std::time::Duration;

use connections::stop::{Code as Of, Stop};
use examination::{Examiner, Finding as Damage, Kind, Phase, PieceError, is_curable};
use okta_client::models::AppId;
use okta_client::{Client, Error};
use run_kit::{Actor, Record, Run, UNDO, chain};
use tenancy::{Tenants, routing};
use tokio::time::Instant;

use super::asked::{Asked, Tables};
use super::finding::Finding;

/// Time of one piece: a page, or an object with its cure.
const PIECE: Duration = Duration::from_secs(20);

/// Longest wait for Okta's limit.
const PATIENCE: Duration = Duration::from_secs(90);

/// The operation of the records: the cures are those of the task.
const CURE: &str = "reconcile";

/// Age of the rules from which they are read again: younger than a change of long ago.
const RULES: Duration = Duration::from_secs(30);

/// Findings of tenants come after those of the org,
const RANK: usize = 100;

/// but for those by which somebody has rights, or signs in, who must not.
const DANGEROUS: [Kind; 7] = [
    Kind::MissingGroup,
    Kind::RoleWithoutTarget,
    Kind::SuspendedRoleHeld,
    Kind::SuspendedIdpOn,
    Kind::SuspendedRuleOn,
    Kind::UsersInEmptyGroup,
    Kind::Pretender,
];

/// Looks at every tenant, and at what belongs to none.
pub(super) async fn walk(client: &Client, asked: &Asked, app: AppId) -> Result<Vec<Finding>, Stop> {
    let examiner = Examiner {
        tenants: Tenants { app },
        tables: asked.tables.as_ref().map(Tables::both),
        cures: asked.fix,
    };
    let (mut phase, mut cursor, mut findings) = (Phase::default(), None, Vec::new());
    let read = async || patiently(async || Ok(routing(run(client, asked).okta.forward()).await?.1)).await;
    let (mut rules, mut read_at) = (read().await?, Instant::now());
    while phase != Phase::Complete {
        let page =
            patiently(async || examiner.page(&run(client, asked), phase, cursor.clone(), &rules).await)
                .await?;
        for item in &page.items {
            if read_at.elapsed() > RULES {
                (rules, read_at) = (read().await?, Instant::now());
            }
            let found = patiently(async || examiner.examine(&run(client, asked), item, &rules).await).await?;
            findings.extend(found.into_iter().map(|damage| finding(damage, asked)));
        }
        cursor = page.next;
        if cursor.is_none() {
            phase = phase.next();
        }
    }
    Ok(findings)
}

fn run(client: &Client, asked: &Asked) -> Run {
    let id = format!("doctor-{:016x}", fastrand::u64(..));
    let run = Run::new(client, Instant::now() + PIECE, UNDO, Actor::Operator(asked.operator.clone()), id);
    let Some(tables) = &asked.tables else { return run };
    let record = Record::new(tables.audit.clone(), run.id.clone(), run.actor.clone(), CURE, Vec::new());
    run.clone().changing_if(run.permit.clone(), record)
}

/// Waits for Okta's limit, as often as it is reached.
async fn patiently<T>(piece: impl AsyncFn() -> Result<T, PieceError>) -> Result<T, Stop> {
    loop {
        match piece().await {
            Ok(done) => return Ok(done),
            Err(PieceError::Okta(Error::RateLimited { retry_after })) if retry_after <= PATIENCE => {
                tokio::time::sleep(retry_after).await;
            }
            Err(PieceError::Okta(error)) => return Err(Stop::of("looking at the tenants", &error)),
            Err(error) => return Err(Stop::new(Of::NotAvailable, chain(&error))),
        }
    }
}

fn finding(damage: Damage, asked: &Asked) -> Finding {
    let id = damage.id.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
    let rank = Kind::ALL.iter().position(|kind| *kind == damage.kind).unwrap_or_default();
    let of = damage.tenant.as_deref().map(|tenant| format!(", of the tenant {tenant}")).unwrap_or_default();
    Finding {
        code: damage.kind.as_str(),
        object: format!("{} {}{id}", damage.object, damage.name),
        detail: format!("{}{of}", damage.kind.about()),
        cure: damage.kind.remedy().to_owned(),
        fixable: asked.tables.is_some() && is_curable(&damage),
        fixed: damage.cured,
        rank: if DANGEROUS.contains(&damage.kind) { 0 } else { RANK + rank },
    }
}
