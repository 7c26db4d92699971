//! One tenant's traffic is not another's.

use std::sync::atomic::{AtomicBool, Ordering};

use okta_emulator::{DEMO_ORG, Seed, TenantAppSeed};
use tests::{Superuser, TenantAdmin, TestStack};

/// A tenant's admin in eight loops, with Okta's own limits: the neighbour notices nothing,
/// and Okta has to refuse nobody.
#[tokio::test]
async fn eight_loops_of_one_tenant_leave_another_alone() {
    let stack = TestStack::start().await;
    let (own, neighbours) = (stack.idp("acme").await, stack.idp("globex").await);
    stack.okta().configure(|settings| settings.rate_limits = true);
    let (over, refused) = (AtomicBool::new(false), AtomicBool::new(false));
    let greedy = async |n: usize| {
        let path = if n.is_multiple_of(2) { own.as_str() } else { "/tenants/acme" };
        let mut answers = Vec::new();
        // Until the neighbour is done and somebody was refused, however slow the machine is;
        // at most so many.
        let done = || over.load(Ordering::Relaxed) && refused.load(Ordering::Relaxed);
        while !done() && answers.len() < 2_000 {
            let answer = stack.get(path, TenantAdmin("acme")).await;
            refused.fetch_or(answer.status == 429, Ordering::Relaxed);
            answers.push(answer);
        }
        answers
    };
    let neighbour = async {
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(stack.get(&neighbours, TenantAdmin("globex")).await.status);
        }
        let operator = stack.get("/tenants/acme", Superuser).await.status;
        over.store(true, Ordering::Relaxed);
        (statuses, operator)
    };
    let loops = futures::future::join_all((0..8).map(greedy));
    let (answers, (statuses, operator)) = futures::join!(loops, neighbour);
    assert_eq!((statuses, operator), (vec![200; 60], 200));
    let answers: Vec<_> = answers.into_iter().flatten().collect();
    let limited: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(!limited.is_empty(), "of {} requests none was refused", answers.len());
    for answer in &limited {
        assert_eq!(answer.code(), "rate-limited", "{answer}");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=61).contains(&wait), "{answer}");
    }
    let others = answers.iter().filter(|answer| ![200, 429].contains(&answer.status));
    assert_eq!(others.map(|answer| answer.status).collect::<Vec<_>>(), Vec::<u16>::new());
    let refused = stack.okta().journal().iter().filter(|call| call.status == 429).count();
    assert_eq!(refused, 0, "Okta refused");
}

/// Whoever asks for little gets everything: a page of thirty apps, with Okta's own limits.
#[tokio::test]
async fn a_long_list_fits_into_a_tenants_part() {
    let mut seed = Seed::parse(DEMO_ORG).expect("the demo org is a seed");
    let template = seed.apps.iter().find(|app| app.label.starts_with("DAC_")).expect("an app").clone();
    for n in 0..30 {
        let mut app = template.clone();
        (app.id, app.label) = (format!("0oa1app{n:013}"), format!("DAC_App {n}"));
        seed.tenants[0].apps.push(TenantAppSeed { id: app.id.clone(), all_users: false });
        seed.apps.push(app);
    }
    let stack = TestStack::start_with(seed, None).await;
    stack.okta().catch_up();
    stack.okta().configure(|settings| settings.rate_limits = true);
    for _ in 0..2 {
        let list = stack.get("/tenants/acme/apps?limit=30", TenantAdmin("acme")).await;
        assert_eq!((list.status, list.body.as_array().map(Vec::len)), (200, Some(30)), "{list}");
    }
}
