//! The guardrails against a second model, which was written from the words of the
//! specification alone, on random orgs and requests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use containment::{
    Action, Admin, Facts, Group, Limits, Order, Refusal, Request, Rights, Settings, SuperAdmins, Who, decide,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A user of a random org.
#[derive(Clone, Debug)]
struct User {
    status: &'static str,
    roles: Vec<&'static str>,
    groups: Vec<usize>,
}

/// A random org: users, and groups with their types and roles.
#[derive(Clone, Debug)]
struct Org {
    users: Vec<User>,
    kinds: Vec<&'static str>,
    group_roles: Vec<Option<&'static str>>,
    protected: Option<usize>,
    quarantine: Option<usize>,
    superusers: usize,
    /// Okta says who has which role.
    says_roles: bool,
    /// Okta says who has any role.
    says_assignees: bool,
    /// Whose API token the functions use.
    token: Option<usize>,
    allowed: BTreeSet<Action>,
}

#[derive(Clone, Debug)]
struct Asked {
    actions: Vec<Action>,
    groups: Vec<usize>,
    confirm: Option<usize>,
    /// 0: a superuser, 1: a responder, 2: an admin of a tenant, 3: a job.
    who: u8,
    caller: usize,
    target: usize,
    is_of_tenant: bool,
}

const GROUPS: usize = 6;

fn org() -> impl Strategy<Value = Org> {
    let status = select(vec![
        "ACTIVE",
        "ACTIVE",
        "ACTIVE",
        "SUSPENDED",
        "DEPROVISIONED",
        "PASSWORD_EXPIRED",
        "LOCKED_OUT",
    ]);
    let role = || select(vec!["SUPER_ADMIN", "SUPER_ADMIN", "USER_ADMIN"]);
    let user = (status, vec(role(), 0..2), vec(0..GROUPS, 0..3)).prop_map(|(status, roles, groups)| User {
        status,
        roles,
        groups,
    });
    let kinds = vec(select(vec!["OKTA_GROUP", "OKTA_GROUP", "APP_GROUP", "BUILT_IN"]), GROUPS);
    let group_roles = vec(proptest::option::weighted(0.2, role()), GROUPS);
    let one = || proptest::option::weighted(0.5, 0..GROUPS);
    let allowed = vec(select(Action::ALL.to_vec()), 5..30).prop_map(|actions| actions.into_iter().collect());
    let say = || prop::bool::weighted(0.9);
    (
        vec(user, 2..6),
        kinds,
        group_roles,
        (one(), one(), 0..GROUPS),
        (say(), say()),
        proptest::option::weighted(0.2, 0..6_usize),
        allowed,
    )
        .prop_map(|(users, kinds, group_roles, groups, says, token, allowed)| Org {
            users,
            kinds,
            group_roles,
            protected: groups.0,
            quarantine: groups.1,
            superusers: groups.2,
            says_roles: says.0,
            says_assignees: says.1,
            token,
            allowed,
        })
}

fn asked() -> impl Strategy<Value = Asked> {
    (
        vec(select(Action::ALL.to_vec()), 1..4),
        vec(0..GROUPS, 0..3),
        proptest::option::of(0..6_usize),
        0..4_u8,
        0..6_usize,
        0..6_usize,
        any::<bool>(),
    )
        .prop_map(|(actions, groups, confirm, who, caller, target, is_of_tenant)| Asked {
            actions,
            groups,
            confirm,
            who,
            caller,
            target,
            is_of_tenant,
        })
}

fn group_id(group: usize) -> String {
    format!("00g{group}")
}

/// All roles of a user, own and inherited.
fn roles(org: &Org, user: &User) -> Vec<&'static str> {
    let inherited = user.groups.iter().filter_map(|group| org.group_roles[*group]);
    user.roles.iter().copied().chain(inherited).collect()
}

/// The model: what the specification says, in its own words and order. `None`: nothing is
/// done. Otherwise a word for each step: `do`, `already` or `skip`.
fn model(org: &Org, asked: &Asked, order: &Order) -> Option<Vec<(Action, Option<String>, &'static str)>> {
    let target = &org.users[asked.target];
    let own = roles(org, target);
    // Never the caller, the owner of the token, a member of the protected group.
    if (asked.who != 3 && asked.caller == asked.target) || org.token == Some(asked.target) {
        return None;
    }
    if org.protected.is_some_and(|group| target.groups.contains(&group)) {
        return None;
    }
    // A tenant's admin: the user must be of this tenant, and of no other.
    if asked.who == 2 && !asked.is_of_tenant {
        return None;
    }
    // Not determinable is refused. Administrators: superusers alone.
    if !org.says_roles {
        return None;
    }
    if (!own.is_empty() || target.groups.contains(&org.superusers)) && asked.who != 0 {
        return None;
    }
    // What is switched off; a group for quarantine; nothing to do for who is ended.
    if order.actions.iter().any(|action| !org.allowed.contains(action)) {
        return None;
    }
    if order.actions.contains(&Action::Quarantine) && org.quarantine.is_none() {
        return None;
    }
    if target.status == "DEPROVISIONED" {
        return None;
    }
    if order.actions.contains(&Action::Deactivate) && (asked.who != 0 || asked.confirm != Some(asked.target))
    {
        return None;
    }
    // Never the last super admin who can sign in.
    let harmless = [Action::ClearSessions, Action::RevokeGrants];
    if own.contains(&"SUPER_ADMIN") && order.actions.iter().any(|action| !harmless.contains(action)) {
        let others = org.users.iter().enumerate().filter(|(n, _)| *n != asked.target);
        let left =
            others.filter(|(_, user)| user.status == "ACTIVE" && roles(org, user).contains(&"SUPER_ADMIN"));
        if !org.says_assignees || left.count() == 0 {
            return None;
        }
    }
    let mut words = Vec::new();
    for action in &order.actions {
        let mut one = |word| words.push((*action, None, word));
        match (action, target.status) {
            (Action::Suspend, "ACTIVE") => one("do"),
            (Action::Suspend, "SUSPENDED") => one("already"),
            (Action::Suspend, _) => one("skip"),
            (Action::ExpirePassword, "PASSWORD_EXPIRED") => one("already"),
            (Action::ExpirePassword | Action::ResetPassword, "SUSPENDED") => one("skip"),
            (Action::RemoveFromGroups, _) => {
                let all: BTreeSet<usize> = target.groups.iter().copied().collect();
                let wanted: Vec<usize> = match order.groups.is_empty() {
                    true => all.iter().copied().filter(|group| org.quarantine != Some(*group)).collect(),
                    false => order.groups.iter().map(|id| id[3..].parse().unwrap()).collect(),
                };
                for group in wanted {
                    let word = match (all.contains(&group), org.kinds[group]) {
                        (false, _) => "already",
                        (true, "OKTA_GROUP") => "do",
                        (true, _) => "skip",
                    };
                    words.push((*action, Some(group_id(group)), word));
                }
            }
            (Action::Quarantine, _) => {
                let group = org.quarantine.unwrap();
                let word = if target.groups.contains(&group) { "already" } else { "do" };
                words.push((*action, Some(group_id(group)), word));
            }
            (Action::RemoveAdminRoles, _) if own.is_empty() => one("already"),
            (Action::RemoveAdminRoles, _) => {
                target.roles.iter().for_each(|_| one("do"));
                (target.roles.len()..own.len()).for_each(|_| one("skip"));
            }
            _ => one("do"),
        }
    }
    Some(words)
}

/// What the functions would read of this org.
fn facts(org: &Org, asked: &Asked) -> Facts {
    let target = &org.users[asked.target];
    let inherited = target.groups.iter().filter_map(|group| org.group_roles[*group]);
    let own = target.roles.iter().map(|kind| (*kind, true));
    let admins = own.chain(inherited.map(|kind| (kind, false)));
    let admins =
        admins.map(|(kind, own)| Admin { id: kind.to_owned(), kind: kind.to_owned(), own }).collect();
    let ids: BTreeSet<usize> = target.groups.iter().copied().collect();
    let groups = ids.into_iter().map(|group| Group {
        id: group_id(group),
        kind: org.kinds[group].to_owned(),
        administers: group == org.superusers,
    });
    let is_other = |n: usize| n != asked.target;
    let working = |user: &User| user.status == "ACTIVE" && roles(org, user).contains(&"SUPER_ADMIN");
    let others = org.users.iter().enumerate().filter(|(n, user)| is_other(*n) && working(user)).count();
    Facts {
        user: format!("00u{}", asked.target),
        login: format!("user{}@acme.test", asked.target),
        status: target.status.to_owned(),
        groups: groups.collect(),
        rights: if org.says_roles { Rights::Known(admins) } else { Rights::Unknown },
        super_admins: if org.says_assignees { SuperAdmins::Others(others) } else { SuperAdmins::Unknown },
        owns_token: org.token == Some(asked.target),
        is_of_tenant: asked.is_of_tenant,
        is_risky: false,
    }
}

fn order(asked: &Asked) -> Option<Order> {
    let has = |action| asked.actions.contains(&action);
    let groups: BTreeSet<usize> = asked.groups.iter().copied().collect();
    let groups: Vec<String> = groups.into_iter().map(group_id).collect();
    let request = Request {
        user: format!("00u{}", asked.target),
        actions: asked.actions.clone(),
        reason: "seen elsewhere".to_owned(),
        groups: (has(Action::RemoveFromGroups) && !groups.is_empty()).then_some(groups),
        confirm: asked.confirm.filter(|_| has(Action::Deactivate)).map(|n| format!("USER{n}@acme.test")),
        ..Request::default()
    };
    request.check(if asked.who == 3 { Limits::Job } else { Limits::None }).ok()
}

fn run(
    cases: u32,
    decide_it: impl Fn(&Order, Who<'_>, &Facts, &Settings) -> Result<containment::Plan, Refusal>,
) -> (u32, u32) {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_global_rejects: 1_000_000,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let seen = std::cell::Cell::new((0, 0));
    let result = runner.run(&(org(), asked()), |(mut org, mut asked)| {
        asked.target %= org.users.len();
        asked.caller %= org.users.len();
        org.token = org.token.map(|token| token % org.users.len());
        let Some(order) = order(&asked) else { return Err(TestCaseError::reject("no order")) };
        let caller = format!("00u{}", asked.caller);
        let who = match asked.who {
            0 => Who::Superuser(&caller),
            1 => Who::Responder(&caller),
            2 => Who::TenantAdmin(&caller),
            _ => Who::Job,
        };
        let settings = Settings {
            actions: org.allowed.clone(),
            quarantine: org.quarantine.map(group_id),
            protected: org.protected.map(group_id),
        };
        let plan = decide_it(&order, who, &facts(&org, &asked), &settings).ok().map(|plan| {
            let word = |will: &containment::Will| match will {
                containment::Will::Do => "do",
                containment::Will::Already => "already",
                containment::Will::Skip(_) => "skip",
            };
            plan.steps
                .iter()
                .map(|step| (step.action, step.group.clone(), word(&step.will)))
                .collect::<Vec<_>>()
        });
        let (planned, refused) = seen.get();
        seen.set(if plan.is_some() { (planned + 1, refused) } else { (planned, refused + 1) });
        prop_assert_eq!(plan, model(&org, &asked, &order));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    seen.get()
}

#[test]
fn the_guardrails_agree_with_a_naive_model_on_10_000_orgs() {
    let (planned, refused) = run(10_000, decide);
    assert!(planned > 1_000 && refused > 1_000, "{planned} planned, {refused} refused");
}

/// The comparison finds a guardrail that is missing.
#[test]
fn a_missing_guardrail_is_found() {
    let without_the_last = |order: &Order, who: Who<'_>, facts: &Facts, settings: &Settings| {
        let facts = Facts { super_admins: SuperAdmins::Others(1), ..facts.clone() };
        decide(order, who, &facts, settings)
    };
    let without_protection = |order: &Order, who: Who<'_>, facts: &Facts, settings: &Settings| {
        decide(order, who, facts, &Settings { protected: None, ..settings.clone() })
    };
    let everybody_is_superuser = |order: &Order, _: Who<'_>, facts: &Facts, settings: &Settings| {
        decide(order, Who::Superuser("00u9"), facts, settings)
    };
    assert!(std::panic::catch_unwind(|| run(20_000, without_the_last)).is_err());
    assert!(std::panic::catch_unwind(|| run(20_000, without_protection)).is_err());
    assert!(std::panic::catch_unwind(|| run(20_000, everybody_is_superuser)).is_err());
}
