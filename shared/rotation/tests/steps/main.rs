//! The four steps of Secrets Manager, against an account and an Okta org on this machine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod world;

use std::sync::atomic::Ordering;
use std::time::Duration;

use okta_emulator::{Action, Drop, Fault};
use rotation::drive::Rotation;
use rotation::end::Code;
use rotation::facts::{Mismatch, Verify};
use rotation::ports::Attempts;
use rotation::steps::{Step, StepError, Stepped};
use rotation::vault::{CURRENT, PENDING};
use serde_json::{Value, json};

use crate::world::{FIRST, LOGIN, NAME, World, code, token};

/// Three calls of Okta for the four steps, and no failed sign-in. Afterwards what is in use is
/// what works, and the label of what was to come is nowhere.
#[tokio::test]
async fn open_rot_1_a_rotation_leaves_no_pending_label() {
    for goes in [false, true] {
        let world = World::start().await;
        world.aws.configure(|settings| settings.pending_goes_with_current = goes);
        world.begin(&token(1)).await;
        world.once(&token(1)).await.unwrap();
        let calls: Vec<_> = world.okta.journal().iter().filter_map(|call| call.operation_id).collect();
        assert_eq!(calls, ["getUser", "changePassword", "authn", "authnCancel"]);
        assert_eq!(world.failed_sign_ins(), 0);
        let now = world.value(CURRENT).await.unwrap();
        assert!(world.works(now["password"].as_str().unwrap()));
        assert_eq!((&now["username"], &now["note"]), (&LOGIN.into(), &"kept".into()));
        // Once more, and the last step alone: nothing changes.
        let labels = world.labels().await;
        world.once(&token(1)).await.unwrap();
        world.step(Step::FinishSecret, &token(1)).await.unwrap();
        assert_eq!(world.labels().await, labels);
        let all: Vec<&String> = labels.iter().flat_map(|(_, labels)| labels).collect();
        assert_eq!(all.iter().filter(|label| label.as_str() == PENDING).count(), 0, "{labels:?}");
        // The next rotation begins.
        world.begin(&token(2)).await;
        world.sequence(&token(2)).await.unwrap();
        assert!(world.works(&world.password(CURRENT).await.unwrap()));
        assert_eq!(world.password("AWSPREVIOUS").await.as_deref(), now["password"].as_str());
    }
}

/// Each step alone, twice, late, or after a later one: an error or nothing, and what is in use
/// always works.
#[tokio::test]
async fn steps_come_in_any_order() {
    let world = World::start().await;
    let mut random = 7_u64;
    for round in 0..60 {
        world.begin_anew(FIRST);
        world.begin(&token(1)).await;
        let mut taken = Vec::new();
        for _ in 0..8 {
            // Numbers that look random, and are the same each time.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let step = Step::ALL[usize::try_from(random >> 33).unwrap() % 4];
            let result = world.alone(step, &token(1)).await;
            taken.push((step.name(), result.is_ok()));
            let current = world.password(CURRENT).await.unwrap();
            let pending = world.password(PENDING).await;
            let works = world.works(&current) || pending.as_ref().is_some_and(|one| world.works(one));
            assert!(works, "round {round}: {taken:?}");
            let finished = step == Step::FinishSecret && result.is_ok();
            assert!(!finished || world.works(&current), "round {round}: {taken:?}");
            // A test before its time is a failed sign-in; the hour passes.
            assert!(world.failed_sign_ins() <= 2, "round {round}: {taken:?}");
        }
        world.attempts.0.store(0, Ordering::SeqCst);
        world.sequence(&token(1)).await.unwrap_or_else(|error| panic!("round {round}: {taken:?}: {error}"));
        assert!(world.works(&world.password(CURRENT).await.unwrap()), "round {round}: {taken:?}");
        assert_eq!(world.status(), "ACTIVE", "{taken:?}");
    }
}

/// A finish in a process that has proven nothing asks Okta, and moves no label before its time.
#[tokio::test]
async fn a_finish_before_its_time_moves_nothing() {
    let world = World::start().await;
    world.begin(&token(1)).await;
    world.step(Step::CreateSecret, &token(1)).await.unwrap();
    let early = world.alone(Step::FinishSecret, &token(1)).await;
    assert_eq!((code(early), world.failed_sign_ins()), (Some(Code::Unverified), 0));
    assert_eq!(world.password(CURRENT).await.as_deref(), Some(FIRST));
    world.step(Step::SetSecret, &token(1)).await.unwrap();
    world.alone(Step::FinishSecret, &token(1)).await.unwrap();
    assert!(world.works(&world.password(CURRENT).await.unwrap()));
}

/// `RotateSecret` with `RotateImmediately` false tests the configuration with one step, and a
/// version without a value.
#[tokio::test]
async fn a_configuration_is_tested_with_what_is_in_use() {
    let world = World::start().await;
    world.begin(&token(1)).await;
    world.step(Step::TestSecret, &token(1)).await.unwrap();
    let early = world.step(Step::FinishSecret, &token(1)).await;
    assert!(matches!(early, Err(StepError::Secret(_))), "{early:?}");
    world.begin_anew("Stale-Passw0rd");
    world.begin(&token(1)).await;
    assert_eq!(code(world.step(Step::TestSecret, &token(1)).await), Some(Code::Unverified));
}

/// Which call, and what happens to it.
type OfOkta<'a> = (u64, &'a Action);
type OfAws<'a> = (u64, &'a Value);

/// Each call of Okta with each fault, each call of Secrets Manager with each fault, alone and
/// together, then once more without faults. Of the pairs it takes every fifth, and none that
/// makes everybody wait; `make rotation-faults` takes all.
#[tokio::test]
async fn every_call_broken_by_every_fault() {
    let action = |change: fn(&mut Action)| {
        let mut action = Action::default();
        change(&mut action);
        action
    };
    let of_okta = [
        action(|a| a.status = Some(500)),
        action(|a| a.status = Some(503)),
        action(|a| a.drop = Some(Drop::Before)),
        action(|a| a.drop = Some(Drop::After)),
        action(|a| a.body = Some("nonsense".to_owned())),
        action(|a| a.rate_limit = true),
        action(|a| a.delay_ms = 2_000),
    ];
    let is_slow = |action: &Action| action.rate_limit || action.delay_ms > 0;
    let of_aws = [
        json!({ "error": { "status": 500, "code": "InternalServiceError", "message": "x" } }),
        json!({ "drop": "after" }),
    ];
    let world = World::start().await;
    world.begin(&token(1)).await;
    world.aws.clear_journal();
    world.once(&token(1)).await.unwrap();
    let (okta_calls, aws_calls) = (world.okta.journal().len() as u64, world.aws.journal().len() as u64);
    let okta_faults: Vec<OfOkta<'_>> =
        (1..=okta_calls).flat_map(|nth| of_okta.iter().map(move |action| (nth, action))).collect();
    let aws_faults: Vec<OfAws<'_>> =
        (1..=aws_calls).flat_map(|nth| of_aws.iter().map(move |action| (nth, action))).collect();
    let mut cases: Vec<(Option<OfOkta<'_>>, Option<OfAws<'_>>)> =
        okta_faults.iter().map(|fault| (Some(*fault), None)).collect();
    cases.extend(aws_faults.iter().map(|fault| (None, Some(*fault))));
    #[expect(clippy::disallowed_methods, reason = "for `make rotation-faults`")]
    let all_pairs = std::env::var_os("ROTATION_FAULTS").is_some();
    let every = if all_pairs { 1 } else { 5 };
    for (index, okta) in okta_faults.iter().filter(|(_, okta)| all_pairs || !is_slow(okta)).enumerate() {
        // Every pair of calls, with one of the faults each in turn.
        let aws = aws_faults.iter().skip(index % every).step_by(every);
        cases.extend(aws.map(|aws| (Some(*okta), Some(*aws))));
    }
    let (mut failed, all) = (0, cases.len());
    for (okta, aws) in cases {
        world.begin_anew(FIRST);
        world.begin(&token(1)).await;
        world.aws.clear_journal();
        let name = format!("{okta:?} {aws:?}");
        if let Some((nth, action)) = okta {
            world.okta.order(Fault::on_call(nth, 1, action.clone()));
        }
        if let Some((nth, action)) = aws {
            let fault = json!({ "service": "secretsManager", "nth": nth, "times": 1, "action": action });
            world.aws.order(serde_json::from_value(fault).unwrap());
        }
        let first = world.once(&token(1)).await;
        world.okta.clear_faults();
        world.aws.clear_faults();
        failed += usize::from(first.is_err());
        let (current, pending) = (world.password(CURRENT).await.unwrap(), world.password(PENDING).await);
        let works = [Some(&current), pending.as_ref()].map(|one| one.is_some_and(|one| world.works(one)));
        assert!(works[0] || works[1], "{name}: neither works");
        // A success says that what is in use works.
        assert!(first.is_err() || works[0], "{name}");
        world.sequence(&token(1)).await.unwrap_or_else(|error| panic!("{name}: {error} {error:?}"));
        let current = world.password(CURRENT).await.unwrap();
        assert!(world.works(&current) && current != FIRST, "{name}");
        assert_eq!((world.status().as_str(), world.password(PENDING).await), ("ACTIVE", None), "{name}");
        assert!(world.failed_sign_ins() <= 2, "{name}: {}", world.failed_sign_ins());
    }
    println!("{all} cases, {failed} first sequences failed");
    assert!(failed > 50, "{failed}");
}

/// An org whose policies let nobody sign in from here: the date of the change is the evidence,
/// also where a step comes again, and where an answer is lost.
#[tokio::test]
async fn where_nobody_can_sign_in_the_steps_go_by_the_date() {
    let mut world = World::start().await;
    world.options.verify = Verify::Change;
    world.okta.configure(|settings| settings.passwords.sign_in_denied = true);
    for call in 0..=3 {
        for drop in [Drop::Before, Drop::After] {
            world.begin_anew(FIRST);
            world.okta.configure(|settings| settings.passwords.sign_in_denied = true);
            world.begin(&token(1)).await;
            if call > 0 {
                let action = Action { drop: Some(drop), ..Action::default() };
                world.okta.order(Fault::on_call(call, 1, action));
            }
            let _ = world.once(&token(1)).await;
            world.okta.clear_faults();
            let name = format!("call {call}, {drop:?}");
            world.sequence(&token(1)).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let current = world.password(CURRENT).await.unwrap();
            assert!(world.works(&current) && current != FIRST, "{name}");
            assert_eq!((world.status().as_str(), world.failed_sign_ins() <= 2), ("ACTIVE", true), "{name}");
        }
    }
    // Set again after it was set: done already, with one failed change and no sign-in.
    world.begin_anew(FIRST);
    world.begin(&token(1)).await;
    for step in [Step::CreateSecret, Step::SetSecret, Step::SetSecret, Step::TestSecret, Step::FinishSecret] {
        world.step(step, &token(1)).await.unwrap();
    }
    assert_eq!(world.failed_sign_ins(), 1);
}

/// hashicorp/vault 28989: a password that the policy refuses is not tried for ever.
#[tokio::test]
async fn open_rot_2_the_next_rotation_uses_another_password() {
    let world = World::start().await;
    world.set_policy("complexity", "minLength", 40.into()).await;
    world.begin(&token(1)).await;
    world.step(Step::CreateSecret, &token(1)).await.unwrap();
    let refused = world.password(PENDING).await.unwrap();
    assert_eq!(code(world.step(Step::SetSecret, &token(1)).await), Some(Code::Policy));
    assert_eq!((world.password(PENDING).await, world.works(FIRST)), (None, true));
    // Secrets Manager repeats the sequence: nothing is asked of Okta any more.
    let calls = world.okta.journal().len();
    assert!(matches!(world.sequence(&token(1)).await, Err(StepError::Secret(_))));
    assert_eq!(world.okta.journal().len(), calls);
    world.set_policy("complexity", "minLength", 20.into()).await;
    world.begin(&token(2)).await;
    world.sequence(&token(2)).await.unwrap();
    let now = world.password(CURRENT).await.unwrap();
    assert!(now != refused && world.works(&now));
}

/// segmentio/aws-okta 124: a stale password, and Secrets Manager's repetitions, lock nobody out.
#[tokio::test]
async fn open_rot_4_repetitions_lock_nobody_out() {
    let world = World::start().await;
    world.set_policy("lockout", "maxAttempts", 3.into()).await;
    let secret = json!({ "username": LOGIN, "password": "Stale-Passw0rd" });
    world.aws.vault().plant_secret(NAME, &secret.to_string());
    world.begin(&token(1)).await;
    let mut ends = Vec::new();
    for _ in 0..3 {
        ends.push(code(world.once(&token(1)).await).unwrap());
    }
    assert_eq!(ends, [Code::OldWrong, Code::Operator, Code::Operator]);
    assert_eq!((world.status().as_str(), world.failed_sign_ins()), ("ACTIVE", 2));
}

/// A vault whose password is stale, where an admin's right may set the next one.
#[tokio::test]
async fn a_stale_secret_is_reconciled_if_asked_for() {
    let mut world = World::start().await;
    world.options.mismatch = Mismatch::Reconcile { admins: false };
    world.begin_anew("Stale-Passw0rd");
    world.begin(&token(1)).await;
    world.once(&token(1)).await.unwrap();
    assert!(world.works(&world.password(CURRENT).await.unwrap()));
}

/// Somebody put a wrong value into the secret: the value of before is Okta's, and the rotation
/// goes on from there, with one failed sign-in.
#[tokio::test]
async fn a_value_that_somebody_put_by_mistake_is_overcome() {
    let world = World::start().await;
    let wrong = json!({ "username": LOGIN, "password": "Mistyped-Passw0rd" }).to_string();
    let put = world.secrets.put_secret_value().secret_id(NAME).secret_string(wrong);
    put.send().await.unwrap();
    world.begin(&token(1)).await;
    world.once(&token(1)).await.unwrap();
    assert!(world.works(&world.password(CURRENT).await.unwrap()));
    assert_eq!(world.failed_sign_ins(), 1);
}

/// Each step may be another process's, and one may be killed after Okta did what it asked for.
#[tokio::test]
async fn a_stale_secret_is_reconciled_by_several_processes() {
    let mut world = World::start().await;
    world.options.mismatch = Mismatch::Reconcile { admins: false };
    for is_killed in [false, true] {
        world.begin_anew("Stale-Passw0rd");
        world.begin(&token(1)).await;
        world.alone(Step::CreateSecret, &token(1)).await.unwrap();
        if is_killed {
            // The answer of the call that sets the password is lost, and so is what was to be
            // noted then.
            let action = Action { drop: Some(Drop::After), ..Action::default() };
            let mut fault = Fault::on_call(1, 1, action);
            fault.operation_id = Some("updateUser".to_owned());
            world.okta.order(fault);
            assert!(world.alone(Step::SetSecret, &token(1)).await.is_err());
        }
        for step in Step::ALL {
            world.alone(step, &token(1)).await.unwrap();
        }
        let password = world.password("AWSCURRENT").await.unwrap();
        assert!(world.works(&password) && password != "Stale-Passw0rd");
        assert_eq!((world.failed_sign_ins(), world.status().as_str()), (2, "ACTIVE"));
    }
}

/// What is not as it should be is said, and nothing is sent to Okta.
#[tokio::test]
async fn a_secret_that_is_not_right_is_refused() {
    let world = World::start().await;
    let message = |result: Result<Stepped, StepError>| match result {
        Err(StepError::Secret(message)) => message,
        other => panic!("{other:?}"),
    };
    let unknown = world.step(Step::CreateSecret, &token(1)).await;
    assert!(message(unknown).contains("not switched on"));
    world.begin(&token(1)).await;
    assert!(message(world.step(Step::CreateSecret, &token(2)).await).contains("no such version"));
    assert!(message(world.step(Step::SetSecret, &token(1)).await).contains("no value yet"));
    assert!(message(world.step(Step::FinishSecret, &token(1)).await).contains("no value yet"));
    for (secret, said) in [
        (json!({ "username": LOGIN }), "no JSON object"),
        (json!({ "username": LOGIN, "password": FIRST, "orgUrl": "https://evil.test" }), "another org"),
    ] {
        world.begin_anew(FIRST);
        world.aws.vault().plant_secret(NAME, &secret.to_string());
        world.begin(&token(1)).await;
        assert!(message(world.step(Step::CreateSecret, &token(1)).await).contains(said), "{secret}");
    }
    // Somebody put another user into what is to come.
    world.begin_anew(FIRST);
    world.begin(&token(1)).await;
    let other = json!({ "username": "admin@acme.test", "password": "Planted-Passw0rd" }).to_string();
    let put = world.secrets.put_secret_value().secret_id(NAME).client_request_token(token(1));
    put.version_stages(PENDING).secret_string(other).send().await.unwrap();
    for step in [Step::CreateSecret, Step::SetSecret] {
        assert!(message(world.step(step, &token(1)).await).contains("different users"));
    }
    assert!(world.okta.journal().is_empty());
}

/// Two runs of the first step at once keep one password.
#[tokio::test]
async fn two_runs_at_once_keep_one_password() {
    let world = World::start().await;
    let token_of_both = token(1);
    world.begin(&token_of_both).await;
    let create = || world.step(Step::CreateSecret, &token_of_both);
    let (one, other) = futures::join!(create(), create());
    one.unwrap();
    other.unwrap();
    world.sequence(&token(1)).await.unwrap();
    assert!(world.works(&world.password(CURRENT).await.unwrap()));
}

/// Okta does not answer for a while: whether the old passwords were right is not known, and the
/// next runs may still try.
#[tokio::test]
async fn an_outage_stops_no_later_rotation() {
    let world = World::start().await;
    world.begin(&token(1)).await;
    let mut fault = Fault::on_call(1, 9, Action::default());
    (fault.operation_id, fault.action.status) = (Some("changePassword".to_owned()), Some(500));
    world.okta.order(fault);
    for _ in 0..3 {
        assert_eq!(code(world.once(&token(1)).await), Some(Code::NotAvailable));
    }
    assert_eq!(world.attempts.left().await.unwrap(), 2);
    world.okta.clear_faults();
    world.once(&token(1)).await.unwrap();
    assert!(world.works(&world.password(CURRENT).await.unwrap()));
}

/// A login that is no e-mail address is looked up before a sign-in: it could be an id.
#[tokio::test]
async fn a_login_need_not_be_an_address() {
    let world = World::start().await;
    world.okta.configure(|settings| settings.any_login = true);
    let user = world.org.client.get_user(LOGIN).await.unwrap().id;
    let login = json!({ "login": "user-of-acme" });
    world.org.client.update_user(&user, login.as_object().unwrap()).await.unwrap();
    let secret = json!({ "username": "user-of-acme", "password": FIRST });
    world.aws.vault().plant_secret(NAME, &secret.to_string());
    world.begin(&token(1)).await;
    world.once(&token(1)).await.unwrap();
    assert!(world.okta.is_password("user-of-acme", &world.password(CURRENT).await.unwrap()));
    assert_eq!(world.failed_sign_ins(), 0);
}

/// A user whom the secret names by id, or by an e-mail address that is no login.
#[tokio::test]
async fn a_user_is_named_by_id_or_by_address() {
    let world = World::start().await;
    let user = world.org.client.get_user(LOGIN).await.unwrap().id;
    let address = json!({ "email": "mail@acme.test" });
    world.org.client.update_user(&user, address.as_object().unwrap()).await.unwrap();
    world.okta.catch_up();
    let mut password = FIRST.to_owned();
    for (number, name) in [user.as_str(), "mail@acme.test", "USER@acme.test"].into_iter().enumerate() {
        let secret = json!({ "username": name, "password": password });
        world.aws.vault().plant_secret(NAME, &secret.to_string());
        world.begin(&token(number)).await;
        world.once(&token(number)).await.unwrap();
        password = world.password(CURRENT).await.unwrap();
        assert!(world.works(&password), "{name}");
    }
}

/// What the log and the person who invokes the function see has no password.
#[tokio::test]
async fn no_error_has_a_password() {
    let world = World::start().await;
    let secret = json!({ "username": LOGIN, "password": "Canary-Stale-1" });
    world.aws.vault().plant_secret(NAME, &secret.to_string());
    world.begin(&token(1)).await;
    let error = world.once(&token(1)).await.unwrap_err();
    let pending = world.password(PENDING).await.unwrap();
    let StepError::Rotation(rotation) = &error else { panic!("{error:?}") };
    let line = serde_json::to_string(&Rotation::line(rotation, Duration::ZERO)).unwrap();
    for text in [format!("{error:?}"), error.to_string(), line] {
        assert!(!text.contains("Canary") && !text.contains(&pending), "{text}");
    }
}
