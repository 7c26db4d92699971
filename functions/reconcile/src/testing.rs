//! The kinds of damage, their cures, and a run that is killed.

mod cures;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::{AdminsDescription, Resume, TenantName, TenantStatus, idp_name, subject_filter};
use okta_client::models::{
    AppId, Group, GroupProfile, IdentityProvider, PolicyRule, RoleAssignmentId, UserId,
};
use okta_emulator::{PendingDomainSeed, Seed, TenantAppSeed, TenantSeed};
use operation_testing::TestOrg;
use run_kit::{Actor, Run};
use serde_json::{Value, json};
use state::{EmptyGroup, Suspension};
use tenancy::{ROLE, group_called, idp_of, routing};

use examination::{Finding, Kind};

use crate::{Reconcile, Report};

const APP: &str = "0oa1dynamics00000001";

/// What is cured.
const CURED: [Kind; 6] = [
    Kind::DiedRun,
    Kind::RoleWithoutTarget,
    Kind::SuspendedRoleHeld,
    Kind::SuspendedIdpOn,
    Kind::SuspendedRuleOn,
    Kind::RenamedGroup,
];

/// A tenant of its own for every kind, beside those of the demo org, which are whole.
async fn org() -> TestOrg {
    org_of(&Kind::ALL, true).await
}

/// A tenant of its own for each of these kinds.
async fn org_of(kinds: &[Kind], with_demo_org: bool) -> TestOrg {
    let org = TestOrg::start_with(|seed: &mut Seed| {
        if !with_demo_org {
            seed.tenants.clear();
        }
        for &kind in kinds {
            let name = kind.as_str().to_owned();
            let domains = match kind {
                Kind::SuspendedRuleOn | Kind::HalfChangedDomains => vec![format!("{name}.test")],
                _ => Vec::new(),
            };
            let apps = match kind {
                Kind::HalfMadeEntitlement | Kind::RenamedGroup => {
                    vec![TenantAppSeed { id: APP.to_owned(), all_users: false }]
                }
                _ => Vec::new(),
            };
            let pending_domains = match kind {
                Kind::HalfChangedDomains => vec![PendingDomainSeed {
                    token: "0b0c5a5e-58f5-4a80-b9a2-2f4c3e9a5a01".to_owned(),
                    domain: "pending.test".to_owned(),
                }],
                _ => Vec::new(),
            };
            let (admins, users) = (Vec::new(), Vec::new());
            seed.tenants.push(TenantSeed { name, admins, users, apps, domains, pending_domains });
        }
    })
    .await;
    // What was made a moment ago may be somebody's work.
    org.advance_clock(Duration::from_secs(120));
    org
}

/// Lets so much time pass that nobody can be at work any more, and a run that has not ended
/// is dead.
fn let_time_pass(org: &TestOrg) {
    org.advance_clock(Duration::from_secs(330));
}

/// What is in the org of one tenant.
struct Parts<'o> {
    org: &'o TestOrg,
    admins: Group,
    record: AdminsDescription,
    idp: IdentityProvider,
}

impl<'o> Parts<'o> {
    async fn of(org: &'o TestOrg, name: &str) -> Self {
        let tenant = TenantName::parse(name).unwrap();
        let admins = group_called(org.okta(), &format!("ADMINS_{name}")).await.unwrap().unwrap();
        let record = AdminsDescription::parse(&admins.profile.description).unwrap();
        let idp = idp_of(org.okta(), &tenant).await.unwrap().unwrap();
        Self { org, admins, record, idp }
    }

    async fn record(&self, change: impl FnOnce(&mut AdminsDescription)) {
        let mut record = self.record.clone();
        change(&mut record);
        let profile = GroupProfile { description: record.to_text(), ..self.admins.profile.clone() };
        self.org.okta().replace_group(&self.admins.id, &profile).await.unwrap();
    }

    async fn suspend(&self) {
        self.record(|record| {
            record.status = Some(TenantStatus::Suspended);
            record.resume = Some(Resume::default());
        })
        .await;
        self.keep(None).await;
    }

    /// As the table has a suspended tenant.
    async fn keep(&self, empty: Option<&Group>) {
        let empty_group = empty
            .map(|group| EmptyGroup { name: group.profile.name.clone(), id: Some(group.id.to_string()) });
        let targets = vec![self.users().await.id.to_string(), self.admins.id.to_string()];
        let kept = Suspension { targets, empty_group, members: Vec::new() };
        let task: Arc<Reconcile> = self.org.task();
        task.state.suspend(&run(self.org), self.idp.id.as_str(), &kept).await.unwrap();
    }

    /// An empty group for the role, which the table knows.
    async fn empty_group(&self) -> Group {
        let name = self.admins.profile.name.replace("ADMINS_", "NOBODY_") + "_abcdefgh";
        let empty = self.org.okta().add_group(&GroupProfile::new(name, "")).await.unwrap();
        self.keep(Some(&empty)).await;
        empty
    }

    async fn targets(&self) -> Vec<String> {
        let targets = tenancy::role_targets(self.org.okta(), &self.admins.id).await.unwrap().unwrap();
        let mut names: Vec<String> = targets.into_iter().map(|target| target.profile.name).collect();
        names.sort();
        names
    }

    /// Gives a group another name, as the tenant's admins may.
    async fn rename(&self, from: &str, to: &str) {
        let group = group_called(self.org.okta(), from).await.unwrap().unwrap();
        let profile = GroupProfile { name: to.to_owned(), ..group.profile };
        self.org.okta().replace_group(&group.id, &profile).await.unwrap();
    }

    async fn take_role(&self) {
        let role = RoleAssignmentId::user_admin();
        self.org.okta().unassign_role_from_group(&self.admins.id, &role).await.unwrap();
    }

    async fn users(&self) -> Group {
        let name = self.admins.profile.name.replace("ADMINS_", "USERS_");
        group_called(self.org.okta(), &name).await.unwrap().unwrap()
    }
}

/// Leaves damage of one kind, each in the tenant of that name.
async fn damage(org: &TestOrg, kind: Kind) {
    let (okta, parts) = (org.okta(), Parts::of(org, kind.as_str()).await);
    let role = RoleAssignmentId::user_admin();
    match kind {
        Kind::MissingGroup => {
            let group = group_called(okta, "SUPERUSERS").await.unwrap().unwrap();
            okta.delete_group(&group.id).await.unwrap();
        }
        Kind::DiedRun => org.leave_open(Some(parts.idp.id.as_str()), "update-tenant"),
        Kind::Pretender => {
            let profile = GroupProfile::new("ADMINS_stranger", parts.record.to_text());
            okta.add_group(&profile).await.unwrap();
        }
        Kind::HalfMadeTenant => parts.record(|record| record.creating = Some("run".to_owned())).await,
        Kind::HalfRenamedTenant => parts.record(|record| record.renamed_from = Some("old".to_owned())).await,
        Kind::HalfDeletedTenant => {
            parts.take_role().await;
            okta.delete_group(&parts.admins.id).await.unwrap();
        }
        Kind::MissingPart => okta.delete_identity_provider(&parts.idp.id).await.unwrap(),
        Kind::RoleWithoutTarget => {
            parts.take_role().await;
            okta.assign_role_to_group(&parts.admins.id, ROLE).await.unwrap();
        }
        Kind::SuspendedRoleHeld => {
            parts.suspend().await;
            parts.empty_group().await;
        }
        // As an earlier release left them: without a role.
        Kind::SuspendedIdpOn => {
            parts.suspend().await;
            parts.take_role().await;
            okta.activate_identity_provider(&parts.idp.id).await.unwrap();
        }
        Kind::SuspendedRuleOn => {
            parts.suspend().await;
            parts.take_role().await;
        }
        Kind::UsersInEmptyGroup => {
            let (empty, users) = (parts.empty_group().await, parts.users().await);
            okta.assign_group_target_to_group_admin_role(&parts.admins.id, &role, &empty.id).await.unwrap();
            for target in [&users.id, &parts.admins.id] {
                okta.unassign_group_target_from_group_admin_role(&parts.admins.id, &role, target)
                    .await
                    .unwrap();
            }
            let user = UserId::from(org.user("superuser@demo.test").await);
            okta.assign_user_to_group(&empty.id, &user).await.unwrap();
        }
        Kind::RenamedGroup => parts.rename("USERS_renamed-group", "Our own").await,
        Kind::RuleLeadsNowhere => org.emulator.insert_rule("DAC_nowhere", "0oa1nobody0000000001", true, &[]),
        Kind::GroupLeadsNowhere => {
            let profile = GroupProfile::new(format!("APPUSERS_nowhere_{APP}"), "");
            okta.add_group(&profile).await.unwrap();
        }
        Kind::HalfChangedDomains => parts.record(|record| record.routing_rule_id = None).await,
        Kind::HalfMadeEntitlement => {
            let group = format!("APPUSERS_{}_{APP}", kind.as_str());
            let group = group_called(okta, &group).await.unwrap().unwrap();
            okta.unassign_application_from_group(&AppId::from(APP), &group.id).await.unwrap();
        }
    }
}

/// A run as long as Lambda gives it, without its own reporting to the log.
fn run(org: &TestOrg) -> Run {
    org.run_of(Actor::Schedule, Duration::from_secs(200))
}

async fn reconcile(org: &TestOrg) -> Report {
    let task: Arc<Reconcile> = org.task();
    lambda_kit::Task::run(&*task, &run(org), Value::Null).await.unwrap()
}

/// How often each kind was found.
fn kinds(report: &Report) -> BTreeMap<Kind, usize> {
    let mut kinds = BTreeMap::new();
    for finding in &report.findings {
        *kinds.entry(finding.kind).or_default() += 1;
    }
    kinds
}

/// What was found and is cured, or is not.
fn found(report: &Report, cured: bool) -> BTreeSet<Kind> {
    report.findings.iter().filter(|finding| finding.cured == cured).map(|finding| finding.kind).collect()
}

#[tokio::test]
async fn a_whole_org_has_no_findings() {
    let org = org().await;
    let before = org.emulator.snapshot();
    let report = reconcile(&org).await;
    assert!(report.worked && report.complete, "{report:?}");
    assert_eq!((report.tenants, report.findings), (19, Vec::new()));
    assert_eq!(org.emulator.snapshot(), before);
}

#[tokio::test]
async fn each_kind_is_found_once_and_cured_or_reported() {
    let org = org().await;
    for kind in Kind::ALL {
        damage(&org, kind).await;
    }
    let fresh = reconcile(&org).await;
    let young = [Kind::HalfMadeTenant, Kind::DiedRun];
    let young: Vec<&Finding> =
        fresh.findings.iter().filter(|finding| young.contains(&finding.kind)).collect();
    assert!(young.is_empty(), "somebody may be at work: {young:?}");
    let_time_pass(&org);
    let report = reconcile(&org).await;
    let all = [fresh.findings, report.findings.clone()].concat();
    let of_kind = |kind| all.iter().filter(|finding| finding.kind == kind).collect::<Vec<_>>();
    for kind in Kind::ALL {
        let found = of_kind(kind);
        assert!(
            !found.is_empty() && found.iter().all(|one| one.cured == CURED.contains(&kind)),
            "{kind:?}: {all:#?}"
        );
    }

    let parts = Parts::of(&org, Kind::RoleWithoutTarget.as_str()).await;
    assert_eq!(parts.targets().await, ["ADMINS_role-without-target", "USERS_role-without-target"]);
    let parts = Parts::of(&org, Kind::SuspendedRoleHeld.as_str()).await;
    assert_eq!(parts.targets().await, ["NOBODY_suspended-role-held_abcdefgh"]);
    let parts = Parts::of(&org, Kind::SuspendedIdpOn.as_str()).await;
    assert_eq!(parts.idp.status, "INACTIVE");
    let (_, rules) = routing(org.okta()).await.unwrap();
    let rule = rules.iter().find(|rule| rule.name == "DAC_suspended-rule-on").unwrap();
    assert!(!tenancy::is_active(rule));
    assert!(group_called(org.okta(), "USERS_renamed-group").await.unwrap().is_some());

    // What is not cured is found again, once each, and nothing is changed.
    let (before, tables) = (org.emulator.snapshot(), org.items("revocation#"));
    let again = reconcile(&org).await;
    assert_eq!(
        kinds(&again),
        Kind::ALL.into_iter().filter(|kind| !CURED.contains(kind)).map(|kind| (kind, 1)).collect()
    );
    assert_eq!((again.cured, again.ended), (0, 0));
    assert_eq!((org.emulator.snapshot(), org.items("revocation#")), (before, tables));
    assert_eq!(reconcile(&org).await, again);
}

#[tokio::test]
async fn of_two_at_once_one_works_and_the_other_leaves() {
    let org = org().await;
    org.emulator.configure(|settings| settings.latency_ms = 5);
    let (one, other) = tokio::join!(reconcile(&org), reconcile(&org));
    assert_eq!([one.worked, other.worked].iter().filter(|worked| **worked).count(), 1, "{one:?} {other:?}");
    assert_eq!(one.tenants + other.tenants, 19);
}

#[tokio::test]
async fn a_tenant_that_somebody_changes_is_left_alone() {
    let org = org().await;
    damage(&org, Kind::SuspendedRoleHeld).await;
    org.advance_clock(Duration::from_secs(120));
    let name = TenantName::parse(Kind::SuspendedRoleHeld.as_str()).unwrap();
    let (endpoint, other): (Arc<Reconcile>, _) = (org.task(), run(&org));
    let report = state::holding(&endpoint.state, &other, |locks| async {
        let locks = locks;
        locks.take(state::Change::Tenant(&name)).await.unwrap();
        reconcile(&org).await
    })
    .await;
    assert_eq!(report.findings, Vec::new());
    assert_eq!(kinds(&reconcile(&org).await), BTreeMap::from([(Kind::SuspendedRoleHeld, 1)]));
}

/// The kinds that several things can be wrong in.
#[tokio::test]
async fn every_part_and_every_disagreement_is_noticed() {
    let org = org().await;
    let okta = org.okta();
    // A part is missing: the users group, the role, the assignment of the admins.
    let parts = Parts::of(&org, Kind::HalfMadeTenant.as_str()).await;
    okta.delete_group(&parts.users().await.id).await.unwrap();
    Parts::of(&org, Kind::HalfRenamedTenant.as_str()).await.take_role().await;
    let parts = Parts::of(&org, Kind::HalfDeletedTenant.as_str()).await;
    okta.unassign_application_from_group(&AppId::from("0oa1dacapp0000000001"), &parts.admins.id)
        .await
        .unwrap();
    // A domain is pending and verified.
    let (policy, rules) = routing(okta).await.unwrap();
    let domains = Kind::HalfChangedDomains.as_str();
    let pending = rules.iter().find(|rule| rule.name == format!("DAC_{domains}_unverified")).unwrap();
    let both = PolicyRule::with_patterns(
        pending,
        |_| true,
        Some(&format!("0b0c5a5e-58f5-4a80-b9a2-2f4c3e9a5a02.{domains}.test")),
    );
    okta.replace_policy_rule(&policy.unwrap(), &both).await.unwrap();
    // The IdP may speak of another domain than the rule has.
    let parts = Parts::of(&org, Kind::SuspendedRuleOn.as_str()).await;
    let mut idp = parts.idp.clone();
    idp.other["policy"]["subject"]["filter"] = json!(subject_filter(&["other.test"]));
    okta.replace_identity_provider(&idp).await.unwrap();
    // The app group is no target of the role.
    let parts = Parts::of(&org, Kind::HalfMadeEntitlement.as_str()).await;
    let group = format!("APPUSERS_{}_{APP}", Kind::HalfMadeEntitlement.as_str());
    let group = group_called(okta, &group).await.unwrap().unwrap();
    let role = RoleAssignmentId::user_admin();
    okta.unassign_group_target_from_group_admin_role(&parts.admins.id, &role, &group.id).await.unwrap();
    // The app of an app group is gone.
    okta.add_group(&GroupProfile::new("APPUSERS_acme_0oa1gone0000000000", "")).await.unwrap();
    // An IdP is all that is left of a tenant.
    let parts = Parts::of(&org, Kind::MissingPart.as_str()).await;
    okta.delete_group(&parts.users().await.id).await.unwrap();
    parts.take_role().await;
    okta.delete_group(&parts.admins.id).await.unwrap();
    let left = idp_name(&TenantName::parse(Kind::MissingPart.as_str()).unwrap());

    // Words in a group that is no record hide nothing.
    let words = format!("{{\"tenantId\":\"{}\"}}", parts.idp.id);
    okta.add_group(&GroupProfile::new("Somebody's", &words)).await.unwrap();

    org.advance_clock(Duration::from_secs(120));
    let report = reconcile(&org).await;
    let found = |kind: Kind| -> Vec<(&str, &str)> {
        let of_kind = report.findings.iter().filter(|finding| finding.kind == kind);
        of_kind.map(|finding| (finding.object.as_str(), finding.name.as_str())).collect()
    };
    assert_eq!(
        found(Kind::MissingPart),
        [
            ("appAssignment", "ADMINS_half-deleted-tenant"),
            ("group", "USERS_half-made-tenant"),
            ("role", "USER_ADMIN"),
        ],
        "{report:#?}"
    );
    assert_eq!(found(Kind::HalfDeletedTenant), [("identityProvider", left.as_str())]);
    assert_eq!(found(Kind::GroupLeadsNowhere), [("group", "APPUSERS_acme_0oa1gone0000000000")]);
    assert_eq!(found(Kind::HalfMadeEntitlement).len(), 1);
    assert_eq!(
        found(Kind::HalfChangedDomains),
        [
            ("routingRule", "DAC_half-changed-domains_unverified"),
            ("identityProvider", "DAC_suspended-rule-on")
        ],
        "{report:#?}"
    );
}

/// A piece that Okta cannot show fails the run; after the second time the pass goes on
/// without it.
#[tokio::test]
async fn one_object_that_okta_cannot_show_does_not_hide_the_others() {
    let org = org().await;
    let task: Arc<Reconcile> = org.task();
    let attempt = async || lambda_kit::Task::run(&*task, &run(&org), Value::Null).await;
    org.break_okta("listGroupAssignedRoles", 2, 400);
    // That Okta does not answer at all is no object's fault.
    let report = async {
        org.break_okta("getGroup", 9, 500);
        attempt().await
    };
    assert!(report.await.is_err());
    org.emulator.clear_faults();
    org.break_okta("listGroupAssignedRoles", 2, 400);
    assert!(attempt().await.is_err());
    assert!(attempt().await.is_err());
    let report = attempt().await.unwrap();
    assert_eq!((report.complete, report.tenants, report.skipped), (true, 18, 1));
}

/// Okta's limit is used up for longer than the run lasts: the run ends, and the next
/// one goes on.
#[tokio::test]
async fn a_run_that_has_to_wait_for_too_long_leaves_the_rest_to_the_next() {
    let org = org().await;
    let task: Arc<Reconcile> = org.task();
    org.break_okta("listGroupAssignedRoles", u64::MAX, 429);
    let short = org.run_of(Actor::Schedule, Duration::from_secs(22));
    let report = lambda_kit::Task::run(&*task, &short, Value::Null).await.unwrap();
    assert!(report.worked && !report.complete, "{report:?}");
    org.emulator.clear_faults();
    let next = reconcile(&org).await;
    assert_eq!((report.tenants, next.tenants, next.complete), (0, 19, true));
}

#[tokio::test]
async fn without_the_table_the_run_fails() {
    let org = org().await;
    org.stop_dynamodb();
    let task: Arc<Reconcile> = org.task();
    let failed = lambda_kit::Task::run(&*task, &run(&org), Value::Null).await;
    assert!(failed.is_err());
}
