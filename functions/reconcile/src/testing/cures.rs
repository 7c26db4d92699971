//! What is cured and what is believed, and rights that ended in Okta.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{AdminsDescription, TenantStatus};
use okta_client::models::{GroupProfile, UserId};
use operation_testing::TestOrg;
use serde_json::Value;
use tenancy::group_called;
use tenants::UpdateTenant;

use super::{APP, CURED, Parts, damage, found, kinds, let_time_pass, org_of, reconcile, run};
use crate::{Reconcile, Report};
use examination::{Finding, Kind};

async fn damaged() -> TestOrg {
    let org = org_of(&CURED, false).await;
    for kind in CURED {
        damage(&org, kind).await;
    }
    let_time_pass(&org);
    org
}

/// The org without its address.
fn snapshot(org: &TestOrg) -> Value {
    let text = org.snapshot().to_string().replace(&org.emulator.url(), "");
    serde_json::from_str(&text).unwrap()
}

/// Whatever an admin writes into the own record: nobody's objects are changed.
#[tokio::test]
async fn a_forged_record_is_no_reason_to_change_anything() {
    let org = org_of(&[Kind::SuspendedRuleOn, Kind::HalfChangedDomains], true).await;
    let victim = Parts::of(&org, Kind::SuspendedRuleOn.as_str()).await;
    let forger = Parts::of(&org, Kind::HalfChangedDomains.as_str()).await;
    let forgeries: [fn(&mut AdminsDescription, &Parts<'_>); 6] = [
        |record, _| record.status = Some(TenantStatus::Suspended),
        |record, victim| record.tenant_id = Some(victim.idp.id.to_string()),
        |record, victim| record.routing_rule_id = victim.record.routing_rule_id.clone(),
        |record, _| record.renamed_from = Some(Kind::SuspendedRuleOn.as_str().to_owned()),
        |record, _| record.creating = Some("run".to_owned()),
        |record, _| *record = AdminsDescription::default(),
    ];
    for (number, forge) in forgeries.into_iter().enumerate() {
        forger.record(|record| forge(record, &victim)).await;
        let_time_pass(&org);
        let before = org.emulator.snapshot();
        let report = reconcile(&org).await;
        assert_eq!(report.cured, 0, "{number}: {report:?}");
        assert_eq!(org.emulator.snapshot(), before, "{number}");
        let others: Vec<_> = report
            .findings
            .iter()
            .filter(|one| one.tenant.as_deref() != Some("half-changed-domains"))
            .collect();
        assert_eq!(others, Vec::<&Finding>::new(), "{number}");
    }
}

/// A forged record does not hide that the admins have a role for the whole org.
#[tokio::test]
async fn a_forged_record_hides_no_role_for_the_whole_org() {
    let org = org_of(&[Kind::RoleWithoutTarget], false).await;
    damage(&org, Kind::RoleWithoutTarget).await;
    let parts = Parts::of(&org, Kind::RoleWithoutTarget.as_str()).await;
    parts.record(|record| record.creating = Some("run".to_owned())).await;
    let_time_pass(&org);
    let kinds_of = |report: &Report| kinds(report).into_keys().collect::<Vec<_>>();
    assert_eq!(kinds_of(&reconcile(&org).await), [Kind::HalfMadeTenant, Kind::RoleWithoutTarget]);
    parts.record(|record| record.renamed_from = Some("old".to_owned())).await;
    let_time_pass(&org);
    let report = reconcile(&org).await;
    assert_eq!(found(&report, true), BTreeSet::from([Kind::RoleWithoutTarget]), "{report:?}");
}

/// Names that another group has by now are reported, and stay.
#[tokio::test]
async fn names_are_written_back_where_they_are_free() {
    let org = org_of(&[Kind::RenamedGroup], false).await;
    let parts = Parts::of(&org, Kind::RenamedGroup.as_str()).await;
    let app_group = format!("APPUSERS_renamed-group_{APP}");
    parts.rename(&app_group, "APPUSERS_renamed-group_0oa1gone0000000000").await;
    parts.rename("USERS_renamed-group", "Ours").await;
    let_time_pass(&org);
    let report = reconcile(&org).await;
    let all_cured = report.findings.iter().all(|one| one.cured && one.kind == Kind::RenamedGroup);
    assert!(all_cured && report.cured == 2, "{report:?}");
    let_time_pass(&org);
    assert_eq!(reconcile(&org).await.findings, Vec::new());

    parts.rename("USERS_renamed-group", "Ours").await;
    org.okta().add_group(&GroupProfile::new("USERS_renamed-group", "")).await.unwrap();
    let_time_pass(&org);
    let report = reconcile(&org).await;
    assert_eq!(found(&report, false), BTreeSet::from([Kind::RenamedGroup]), "{report:?}");
    assert!(group_called(org.okta(), "Ours").await.unwrap().is_some());
}

/// What Okta's event hook did not deliver is in the log.
#[tokio::test]
async fn rights_that_ended_in_okta_end_here() {
    let org = org_of(&[], true).await;
    let user = org.user("admin@acme.test").await;
    org.prepare("POST", &format!("/api/v1/users/{user}/lifecycle/suspend"), Value::Null).await;
    org.advance_clock(Duration::from_secs(2));
    let report = reconcile(&org).await;
    assert_eq!(report.ended, 1, "{report:?}");
    assert_eq!(org.items("revocation#"), [format!("revocation#user#{user}")]);
    // The log is read once more from a little earlier on; nothing is written twice.
    let tables = org.tables();
    assert_eq!(reconcile(&org).await.ended, 0);
    let revocations = |tables: &str| tables.matches("revocation#").count();
    assert_eq!(revocations(&org.tables()), revocations(&tables));
}

/// A log that Okta does not show is an error, and no reason to leave the org as it is.
#[tokio::test]
async fn without_the_log_the_org_is_looked_at() {
    let org = org_of(&[Kind::RoleWithoutTarget], false).await;
    damage(&org, Kind::RoleWithoutTarget).await;
    let_time_pass(&org);
    org.break_okta("listLogEvents", 1, 403);
    let task: Arc<Reconcile> = org.task();
    assert!(lambda_kit::Task::run(&*task, &run(&org), Value::Null).await.is_err());
    let parts = Parts::of(&org, Kind::RoleWithoutTarget.as_str()).await;
    assert_eq!(parts.targets().await.len(), 2);
    // The next run reads what this one did not.
    assert_eq!(reconcile(&org).await.ended, 1);
}

#[tokio::test]
async fn the_next_run_completes_what_a_killed_one_began() {
    let org = damaged().await;
    let arrived = org.emulator.arrivals();
    let expected = reconcile(&org).await;
    let calls = org.emulator.arrivals() - arrived;
    let whole = snapshot(&org);
    for nth in 1..=calls {
        let org = damaged().await;
        org.kill(nth, reconcile(&org)).await;
        // Not long enough for the killed run's record to be a dead run's.
        org.advance_clock(Duration::from_secs(90));
        let report = reconcile(&org).await;
        assert!(report.complete, "killed at call {nth} of {calls}: {report:?}");
        assert_eq!(found(&report, false), found(&expected, false), "killed at call {nth} of {calls}");
        operation_testing::assert_same(&snapshot(&org), &whole, &format!("killed at call {nth} of {calls}"));
        assert_eq!(reconcile(&org).await.cured, 0, "killed at call {nth} of {calls}");
    }
}

fn turn(status: &str) -> operation_testing::TestRequest {
    operation_testing::TestRequest::tenant("acme").body(&serde_json::json!({ "status": status }))
}

/// Whatever was cured meanwhile: the request that stopped half-way, sent again, completes the
/// suspension, and the tenant gets back what it had.
#[tokio::test]
async fn a_cure_loses_nothing_that_a_resumption_gives_back() {
    let org = org_of(&[], true).await;
    let idp =
        tenancy::idp_of(org.okta(), &domain::TenantName::parse("acme").unwrap()).await.unwrap().unwrap();
    org.okta().activate_identity_provider(&idp.id).await.unwrap();
    let update = async |status: &str| org.call::<UpdateTenant>(&turn(status)).await;
    let before = org.snapshot();
    // Each call of the suspension, then each of the resumption.
    for (first, killed) in [("ACTIVE", "SUSPENDED"), ("SUSPENDED", "ACTIVE")] {
        for nth in 1.. {
            update(first).await.unwrap();
            let_time_pass(&org);
            let work = update(killed);
            let arrived = org.emulator.arrivals();
            if nth > 30 || !killed_at(&org, nth, work).await {
                assert!(org.emulator.arrivals() > arrived);
                break;
            }
            let_time_pass(&org);
            reconcile(&org).await;
            let_time_pass(&org);
            for status in [killed, "SUSPENDED", "ACTIVE"] {
                let turned = update(status).await;
                assert!(turned.is_ok(), "{killed} killed at {nth}: {status}");
            }
            let name = format!("{killed} killed at call {nth}");
            operation_testing::assert_same(&org.snapshot(), &before, &name);
        }
        for status in ["SUSPENDED", "ACTIVE"] {
            update(status).await.unwrap();
        }
    }
}

/// Kills work at its `nth` call; `false` if it has fewer.
async fn killed_at<T>(org: &TestOrg, nth: u64, work: impl Future<Output = T>) -> bool {
    let hang = okta_emulator::Action { delay_ms: 600_000, ..Default::default() };
    org.emulator.order(okta_emulator::Fault::on_call(nth, u64::MAX, hang));
    let arrived = org.emulator.arrivals();
    let killed = tokio::select! {
        _ = work => false,
        () = org.emulator.wait_for_arrivals(arrived + nth) => true,
    };
    org.emulator.clear_faults();
    killed
}

/// A busy log, and Okta's own limits: the run goes on from event to event.
#[tokio::test]
async fn a_busy_log_is_read_to_its_end() {
    let org = org_of(&[], true).await;
    let user = UserId::from(org.user("user@acme.test").await);
    for n in 0..60 {
        let group = org.okta().add_group(&GroupProfile::new(format!("Department {n}"), "")).await.unwrap();
        org.okta().assign_user_to_group(&group.id, &user).await.unwrap();
        org.okta().unassign_user_from_group(&group.id, &user).await.unwrap();
    }
    let admin = org.user("admin@acme.test").await;
    org.prepare("POST", &format!("/api/v1/users/{admin}/lifecycle/suspend"), Value::Null).await;
    org.advance_clock(Duration::from_secs(2));
    org.emulator.configure(|settings| {
        settings.rate_limits = true;
        settings.rate_limit_window_seconds = 5;
    });
    // Each run is short, and none begins where the one before began.
    let task: Arc<Reconcile> = org.task();
    let mut ended = 0;
    for _ in 0..8 {
        let short = org.run_of(run_kit::Actor::Schedule, Duration::from_secs(12));
        ended += lambda_kit::Task::run(&*task, &short, Value::Null).await.unwrap().ended;
        if ended > 0 {
            break;
        }
    }
    assert_eq!(ended, 1);
    assert_eq!(org.items("revocation#"), [format!("revocation#user#{admin}")]);
}

/// Who changes something again and again does not hide a role for the whole org.
#[tokio::test]
async fn a_role_for_the_whole_org_is_never_hidden() {
    let org = org_of(&[Kind::RoleWithoutTarget], false).await;
    damage(&org, Kind::RoleWithoutTarget).await;
    let parts = Parts::of(&org, Kind::RoleWithoutTarget.as_str()).await;
    parts.record(|_| {}).await;
    let report = reconcile(&org).await;
    assert_eq!(found(&report, true), BTreeSet::from([Kind::RoleWithoutTarget]), "{report:?}");
    assert_eq!(parts.targets().await.len(), 2);
}
