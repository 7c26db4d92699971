//! A rotation as Keeper starts it, against an Okta org on this machine: broken at every call,
//! and every end that a user's state or an org's policy leads to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use okta_client::{ApiToken, Client, OrgUrl};
use okta_emulator::{Action, DEMO_ORG, Drop, Emulator, Fault, Options as Start, Seed, UserSettings};
use rotation::drive::{Rotation, Wanted, rotate};
use rotation::end::{Code, Outcome};
use rotation::facts::{Mismatch, Options, Verify};
use rotation::okta::Org;
use rotation::policy::Reason;
use rotation::ports::PerRun;
use secrecy::SecretString;
use serde_json::json;

const LOGIN: &str = "user@acme.test";
const OLD: &str = "Demo-Passw0rd";
const NEW: &str = "Other+Passw0rd-of-the-vault";
const THIRD: &str = "Third+Passw0rd-of-somebody";

struct World {
    emulator: Emulator,
    org: Org,
}

/// What somebody asks for.
struct Asked {
    user: &'static str,
    old: Option<&'static str>,
    new: &'static str,
    options: Options,
}

const fn asked() -> Asked {
    let options = Options {
        verify: Verify::SignIn,
        later: false,
        mismatch: Mismatch::Fail,
        rollback: false,
        unlock: false,
    };
    Asked { user: LOGIN, old: Some(OLD), new: NEW, options }
}

const RECONCILE: Options = Options { mismatch: Mismatch::Reconcile { admins: false }, ..asked().options };

impl World {
    async fn start() -> Self {
        let seed = Seed::parse(DEMO_ORG).unwrap();
        let token = ApiToken::from(seed.api_token.token.clone());
        let emulator = Emulator::start(Start { port: 0, seed, state_file: None }).await.unwrap();
        let client = Client::new(OrgUrl::parse(&emulator.url()).unwrap(), token).unwrap();
        Self { emulator, org: Org { client, strict: false, revoke_sessions: true } }
    }

    async fn rotate(&self, asked: &Asked) -> Rotation {
        let (old, new) = (asked.old.map(SecretString::from), SecretString::from(asked.new));
        let wanted = Wanted {
            user: asked.user,
            old: old.as_ref(),
            former: None,
            new: &new,
            intent: None,
            options: asked.options,
        };
        let deadline = tokio::time::Instant::now() + Duration::from_secs(8);
        let org = Org { client: self.org.client.for_request(deadline), ..self.org.clone() };
        rotate(&org, &PerRun::default(), &wanted).await
    }

    /// The password that works.
    fn works(&self) -> &'static str {
        let works: Vec<&str> =
            [OLD, NEW, THIRD].into_iter().filter(|one| self.emulator.is_password(LOGIN, one)).collect();
        let [one] = works[..] else { panic!("not one of them works: {works:?}") };
        one
    }

    fn status(&self) -> String {
        let users = self.emulator.snapshot()["users"].clone();
        let user = users.as_object().unwrap().values().find(|user| user["profile"]["login"] == LOGIN);
        user.unwrap()["status"].as_str().unwrap().to_owned()
    }

    /// Failed sign-ins in the journal, with those by a wrong old password.
    fn failed_sign_ins(&self) -> usize {
        let journal = self.emulator.journal();
        let failed = journal.iter().filter(|call| {
            (call.operation_id == Some("authn") && call.status == 401)
                || (call.operation_id == Some("changePassword") && call.status == 403)
        });
        failed.count()
    }

    async fn set(&self, password: &str, status: Option<&str>) {
        let user = self.org.client.get_user(LOGIN).await.unwrap().id;
        self.org.client.set_password(&user, &password.into(), false).await.unwrap();
        if let Some(step) = status {
            let path = ["api", "v1", "users", user.as_str(), "lifecycle", step];
            self.org.client.probe(http::Method::POST, &path, &[("sendEmail", "false")], None).await.unwrap();
        }
        self.emulator.clear_journal();
    }
}

impl World {
    /// Changes a part of the org's password policy.
    async fn set_policy(&self, part: &str, settings: serde_json::Value) {
        let policies = self.emulator.snapshot()["policies"].clone();
        let mut policies = policies.as_object().unwrap().values();
        let mut policy = policies.find(|policy| policy["type"] == "PASSWORD").unwrap().clone();
        policy["settings"]["password"][part] = settings;
        let id = policy["id"].as_str().unwrap().to_owned();
        let path = ["api", "v1", "policies", &id];
        self.org.client.probe(http::Method::PUT, &path, &[], Some(&policy)).await.unwrap();
    }
}

/// KEE-02, KEE-09: the code is 0 where the new password works, and there alone. A normal
/// rotation is three calls, and no failed sign-in.
#[tokio::test]
async fn kee_09_a_normal_rotation_is_three_calls_and_proven() {
    let world = World::start().await;
    let done = world.rotate(&asked()).await;
    assert_eq!((done.end.code, done.end.outcome), (Code::Verified, Outcome::Rotated), "{done:?}");
    assert_eq!(done.steps, ["lookup", "change", "verify"]);
    assert_eq!((world.works(), world.failed_sign_ins()), (NEW, 0));
    // The user has a second factor: the sign-in that this leads to is cancelled.
    let calls: Vec<_> = world.emulator.journal().iter().filter_map(|call| call.operation_id).collect();
    assert_eq!(calls, ["getUser", "changePassword", "authn", "authnCancel"]);
    // KEE-10: the same again.
    let again = world.rotate(&asked()).await;
    assert_eq!(again.end.outcome, Outcome::Already);
    assert_eq!((again.wrong_attempts, world.works()), (1, NEW));
    let line = serde_json::to_string(&again.line(Duration::from_millis(5))).unwrap();
    assert!(line.contains("\"code\":0") && !line.contains('@') && !line.contains("Passw0rd"), "{line}");
}

/// Each call of a rotation, each fault, then once more without faults.
#[tokio::test]
async fn kee_10_every_call_broken_by_every_fault() {
    let action = |change: fn(&mut Action)| {
        let mut action = Action::default();
        change(&mut action);
        action
    };
    let faults = [
        action(|a| a.status = Some(500)),
        action(|a| a.status = Some(503)),
        action(|a| a.rate_limit = true),
        action(|a| a.drop = Some(Drop::Before)),
        action(|a| a.drop = Some(Drop::After)),
        action(|a| a.delay_ms = 200),
        action(|a| a.body = Some("nonsense".to_owned())),
    ];
    let world = World::start().await;
    let mut ends = std::collections::BTreeMap::new();
    for reconcile in [false, true] {
        let asked = || Asked { options: if reconcile { RECONCILE } else { asked().options }, ..asked() };
        for fault in &faults {
            for call in 1..=4 {
                world.emulator.reset();
                world.emulator.order(Fault::on_call(call, 1, fault.clone()));
                let first = world.rotate(&asked()).await;
                world.emulator.clear_faults();
                let name = format!("call {call}, {fault:?}: {first:?}");
                let works = world.works();
                assert!(works == OLD || works == NEW, "{name}");
                assert!(first.end.code != Code::Verified || works == NEW, "{name}");
                assert!(first.end.outcome != Outcome::Refused || works == OLD, "{name}");
                assert!(world.failed_sign_ins() <= 2, "{name}");
                *ends.entry(format!("{:?}", first.end.code)).or_insert(0) += 1;
                let second = world.rotate(&asked()).await;
                assert_eq!((second.end.code, world.works()), (Code::Verified, NEW), "{name}; {second:?}");
                assert!(world.failed_sign_ins() <= 2, "{name}");
                assert_eq!(world.status(), "ACTIVE", "{name}");
            }
        }
    }
    println!("first runs: {ends:?}");
    let codes: Vec<&str> = ends.keys().map(String::as_str).collect();
    assert!(["NotAvailable", "Verified"].iter().all(|code| codes.contains(code)), "{ends:?}");
}

/// The same where the old password is stale, and Okta locks a user out after three: two failed
/// sign-ins in a run, whatever is lost.
#[tokio::test]
async fn a_stale_password_broken_at_every_call_locks_nobody_out() {
    let world = World::start().await;
    for drop in [Drop::Before, Drop::After] {
        for call in 1..=4 {
            world.emulator.reset();
            world.set_policy("lockout", json!({ "maxAttempts": 3 })).await;
            world.emulator.clear_journal();
            let action = Action { drop: Some(drop), ..Action::default() };
            world.emulator.order(Fault::on_call(call, 1, action));
            let stale = world.rotate(&Asked { old: Some("Stale-Passw0rd"), ..asked() }).await;
            world.emulator.clear_faults();
            assert!(stale.end.code != Code::Verified, "{call}: {stale:?}");
            assert_eq!(
                (world.status().as_str(), world.works()),
                ("ACTIVE", OLD),
                "{call}, {drop:?}: {stale:?}"
            );
        }
    }
}

/// Okta counts every call, and an org's own policies may say nothing for a while: what was just
/// set is asked about again.
#[tokio::test]
async fn a_sign_in_that_says_nothing_once_is_tried_again() {
    let world = World::start().await;
    let mut fault = Fault::on_call(1, 1, Action { status: Some(503), ..Action::default() });
    fault.operation_id = Some("authn".to_owned());
    world.emulator.order(fault);
    let done = world.rotate(&asked()).await;
    assert_eq!((done.end.code, world.works()), (Code::Verified, NEW), "{done:?}");
}

/// KEE-03: however many users there are, one call finds a login, and three an e-mail address.
#[tokio::test]
async fn kee_03_a_user_is_found_in_one_call_among_many() {
    let world = World::start().await;
    world.emulator.configure(|all| all.page_size = Some(5));
    for number in 0..300 {
        let login = format!("many{number}@acme.test");
        let user = json!({
            "profile": { "login": login, "email": login, "firstName": "M", "lastName": number.to_string() },
            "credentials": { "password": { "value": OLD } },
        });
        world.org.client.probe(http::Method::POST, &["api", "v1", "users"], &[], Some(&user)).await.unwrap();
    }
    let last = world.org.client.get_user("many299@acme.test").await.unwrap().id;
    let address = json!({ "email": "last@acme.test" });
    world.org.client.update_user(&last, address.as_object().unwrap()).await.unwrap();
    world.emulator.catch_up();
    for (user, new, calls) in [("many299@acme.test", NEW, 1), ("last@acme.test", THIRD, 3)] {
        world.emulator.clear_journal();
        let old = if new == NEW { OLD } else { NEW };
        let done = world.rotate(&Asked { user, old: Some(old), new, ..asked() }).await;
        assert_eq!(done.end.code, Code::Verified, "{done:?}");
        let journal = world.emulator.journal();
        let lookups =
            journal.iter().filter(|call| matches!(call.operation_id, Some("getUser" | "listUsers")));
        assert_eq!(lookups.count(), calls, "{user}");
    }
}

/// KEE-04: a login in any case, and an e-mail address of one user alone.
#[tokio::test]
async fn kee_04_the_user_is_found_by_login_or_by_an_address_of_one_user() {
    let world = World::start().await;
    let found = world.rotate(&Asked { user: "USER@Acme.TEST", ..asked() }).await;
    assert_eq!(found.end.code, Code::Verified, "{found:?}");
    let nobody = world.rotate(&Asked { user: "nobody@acme.test", ..asked() }).await;
    assert_eq!((nobody.end.code, nobody.end.retryable), (Code::NotFound, false), "{nobody:?}");
    assert_eq!(nobody.steps, ["lookup", "search"]);
    let user = world.org.client.get_user(LOGIN).await.unwrap().id;
    let address = json!({ "email": "shared@acme.test" });
    world.org.client.update_user(&user, address.as_object().unwrap()).await.unwrap();
    world.emulator.catch_up();
    let by_address = Asked { user: "shared@acme.test", old: Some(NEW), new: THIRD, ..asked() };
    let found = world.rotate(&by_address).await;
    assert_eq!((found.end.code, &found.steps[..3]), (Code::Verified, &["lookup", "search", "lookup"][..]));
    let other = world.org.client.get_user("admin@acme.test").await.unwrap().id;
    world.org.client.update_user(&other, address.as_object().unwrap()).await.unwrap();
    world.emulator.catch_up();
    let ambiguous = world.rotate(&by_address).await;
    assert_eq!(ambiguous.end.code, Code::Ambiguous, "{ambiguous:?}");
}

/// KEE-11: what the status says, before anything is changed.
#[tokio::test]
async fn kee_11_every_status_has_its_end() {
    for (step, code, steps) in [
        ("suspend", Code::State, &["lookup"][..]),
        ("deactivate", Code::State, &["lookup"]),
        ("expire_password", Code::Verified, &["lookup", "change", "verify"]),
        ("reset_password", Code::Verified, &["lookup", "change", "verify"]),
    ] {
        let world = World::start().await;
        world.set(OLD, Some(step)).await;
        let end = world.rotate(&asked()).await;
        assert_eq!((end.end.code, &end.steps[..]), (code, steps), "{step}: {end:?}");
        assert_eq!(end.ended_recovery, step == "reset_password", "{step}");
    }
    let world = World::start().await;
    for (settings, code) in [
        (
            UserSettings { provider: Some("ACTIVE_DIRECTORY".to_owned()), ..UserSettings::default() },
            Code::State,
        ),
        (UserSettings { provider: Some("LDAP".to_owned()), ..UserSettings::default() }, Code::State),
        (UserSettings { provider: Some("FEDERATION".to_owned()), ..UserSettings::default() }, Code::State),
        (
            UserSettings { transitioning_to: Some("DEPROVISIONED".to_owned()), ..UserSettings::default() },
            Code::NotAvailable,
        ),
        (UserSettings { provider: Some("IMPORT".to_owned()), ..UserSettings::default() }, Code::Verified),
    ] {
        world.emulator.configure(|all| {
            all.users.insert(LOGIN.to_owned(), settings.clone());
        });
        let end = world.rotate(&asked()).await;
        assert_eq!(end.end.code, code, "{settings:?}: {end:?}");
        assert_eq!(end.steps.len() == 1, code != Code::Verified, "{end:?}");
    }
}

/// A user who is locked out is not tried; unlocked if somebody wants that.
#[tokio::test]
async fn a_locked_user_is_unlocked_only_if_asked_for() {
    let world = World::start().await;
    for _ in 0..10 {
        let _ = world.org.client.sign_in(LOGIN, &"wrong".into()).await;
    }
    assert_eq!(world.status(), "LOCKED_OUT");
    world.emulator.clear_journal();
    let end = world.rotate(&asked()).await;
    assert_eq!((end.end.code, world.emulator.journal().len()), (Code::State, 1), "{end:?}");
    let unlock = Asked { options: Options { unlock: true, ..Options::default() }, ..asked() };
    let end = world.rotate(&unlock).await;
    assert_eq!((end.end.code, &end.steps[1]), (Code::Verified, &"unlock"), "{end:?}");
}

/// KEE-12: what the policy refuses is told from a wrong old password.
#[tokio::test]
async fn kee_12_a_refusal_of_the_policy_says_why() {
    for as_validation in [false, true] {
        let world = World::start().await;
        world.emulator.configure(|all| all.passwords.refused_as_validation = as_validation);
        for (new, reason) in [("Short1", Reason::MinLength), ("no-capital-letters1", Reason::Complexity)] {
            let end = world.rotate(&Asked { new, ..asked() }).await;
            assert_eq!((end.end.code, &end.end.policy[..]), (Code::Policy, &[reason][..]), "{end:?}");
            assert_eq!((world.works(), end.wrong_attempts), (OLD, 0));
        }
        world.set(THIRD, None).await;
        world.set(NEW, None).await;
        let end = world.rotate(&Asked { old: Some(NEW), new: THIRD, ..asked() }).await;
        assert_eq!((end.end.code, &end.end.policy[..]), (Code::Policy, &[Reason::History][..]), "{end:?}");
        let wrong = world.rotate(&Asked { old: Some("Wr0ng-one"), new: "N0t-that-either", ..asked() }).await;
        assert_eq!((wrong.end.code, wrong.wrong_attempts), (Code::OldWrong, 2), "{wrong:?}");
    }
}

/// The vault and Okta do not agree: an admin's right makes them, if asked for, and not for
/// admins.
#[tokio::test]
async fn a_mismatch_is_reconciled_only_if_asked_for_and_never_unasked_for_admins() {
    let world = World::start().await;
    world.set(THIRD, None).await;
    let end = world.rotate(&asked()).await;
    assert_eq!((end.end.code, world.works()), (Code::OldWrong, THIRD), "{end:?}");
    let end = world.rotate(&Asked { options: RECONCILE, ..asked() }).await;
    assert_eq!((end.end.code, end.end.outcome, world.works()), (Code::Verified, Outcome::Reconciled, NEW));
    assert_eq!(world.failed_sign_ins(), 4, "two of each run");
    let user = world.org.client.get_user(LOGIN).await.unwrap().id;
    world.org.client.assign_role_to_user(&user, "READ_ONLY_ADMIN").await.unwrap();
    world.set(THIRD, None).await;
    let end = world.rotate(&Asked { options: RECONCILE, ..asked() }).await;
    assert_eq!((end.end.code, world.works()), (Code::Operator, THIRD), "{end:?}");
    let admins = Options { mismatch: Mismatch::Reconcile { admins: true }, ..Options::default() };
    let end = world.rotate(&Asked { options: admins, ..asked() }).await;
    assert_eq!((end.end.code, world.works()), (Code::Verified, NEW), "{end:?}");
    // No old password: a first rotation.
    let first = world.rotate(&Asked { old: None, ..asked() }).await;
    assert_eq!((first.end.outcome, first.wrong_attempts), (Outcome::Already, 0), "{first:?}");
}

/// An admin's set of a former password: `strict` refuses it, and without `strict` it is done
/// (okta-sdk-nodejs 207).
#[tokio::test]
async fn open_rot_3_a_former_password_is_refused_only_if_strict() {
    for strict in [true, false] {
        let mut world = World::start().await;
        world.org.strict = strict;
        world.set(NEW, None).await;
        world.set(THIRD, None).await;
        let end = world.rotate(&Asked { old: Some("Wr0ng-one"), options: RECONCILE, ..asked() }).await;
        match strict {
            true => {
                assert_eq!(
                    (end.end.code, &end.end.policy[..]),
                    (Code::Policy, &[Reason::History][..]),
                    "{end:?}"
                );
                assert_eq!(world.works(), THIRD);
            }
            false => assert_eq!(
                (end.end.code, end.end.outcome, world.works()),
                (Code::Verified, Outcome::Reconciled, NEW),
                "{end:?}"
            ),
        }
    }
    // A rollback to the former password.
    let rollback = Options { rollback: true, ..Options::default() };
    for strict in [false, true] {
        let mut world = World::start().await;
        world.org.strict = strict;
        world.emulator.configure(|all| all.passwords.sign_in_denied = true);
        let end = world.rotate(&Asked { options: rollback, ..asked() }).await;
        assert_eq!((end.end.code, world.works()), (Code::RolledBack, OLD), "{strict}: {end:?}");
    }
}

/// Where nobody can sign in from here, the date of the last change is the evidence.
#[tokio::test]
async fn where_nobody_can_sign_in_the_date_is_the_evidence() {
    let world = World::start().await;
    world.emulator.configure(|all| all.passwords.sign_in_denied = true);
    let end = world.rotate(&asked()).await;
    assert_eq!((end.end.code, end.end.retryable, world.works()), (Code::Unverified, true, NEW), "{end:?}");
    world.emulator.reset();
    world.emulator.configure(|all| all.passwords.sign_in_denied = true);
    let by_date = Options { verify: Verify::Change, ..Options::default() };
    let end = world.rotate(&Asked { options: by_date, ..asked() }).await;
    assert_eq!((end.end.code, world.works()), (Code::Verified, NEW), "{end:?}");
    assert_eq!((end.steps, end.wrong_attempts), (vec!["lookup", "change", "read"], 0));
    // Nor is a sign-in believed where a wrong password gets as far.
    world.emulator.reset();
    world.emulator.configure(|all| all.passwords.factor_first = true);
    let stale = Asked { old: Some("Stale-Passw0rd"), options: by_date, ..asked() };
    let end = world.rotate(&stale).await;
    assert_eq!((end.end.code, world.works()), (Code::OldWrong, OLD), "{end:?}");
}

/// `strict` looks at the age of the present password: the same call is taken later.
#[tokio::test]
async fn a_password_that_is_too_young_is_taken_later() {
    let mut world = World::start().await;
    world.org.strict = true;
    world.set_policy("age", json!({ "minAgeMinutes": 60, "historyCount": 4 })).await;
    world.set(OLD, None).await;
    let end = world.rotate(&asked()).await;
    assert_eq!((end.end.code, &end.end.policy[..]), (Code::Policy, &[Reason::MinAge][..]), "{end:?}");
    assert!(end.end.retryable);
    world.emulator.configure(|all| all.clock_offset_ms = 61 * 60 * 1_000);
    assert_eq!(world.rotate(&asked()).await.end.code, Code::Verified);
}

/// Somebody else is changing the user: nothing was done, and the same is taken later.
#[tokio::test]
async fn a_user_whom_somebody_else_changes_is_taken_later() {
    for status in [409, 423] {
        let world = World::start().await;
        let mut fault = Fault::on_call(1, 9, Action::default());
        (fault.operation_id, fault.action.status) = (Some("changePassword".to_owned()), Some(status));
        world.emulator.order(fault);
        let end = world.rotate(&asked()).await;
        let is = (end.end.code, end.end.outcome, end.end.retryable, world.works());
        assert_eq!(is, (Code::NotAvailable, Outcome::Refused, true, OLD), "{end:?}");
        world.emulator.clear_faults();
        assert_eq!(world.rotate(&asked()).await.end.code, Code::Verified);
    }
}

/// A credential that may not is said so, and nothing is tried with the passwords.
#[tokio::test]
async fn a_credential_that_may_not_is_refused() {
    let mut world = World::start().await;
    let reader = world.emulator.api_token("admin@acme.test").unwrap();
    let org = OrgUrl::parse(&world.emulator.url()).unwrap();
    for token in [reader, "00nothing".to_owned()] {
        world.org.client = Client::new(org.clone(), ApiToken::from(token)).unwrap();
        let end = world.rotate(&Asked { user: "superuser@demo.test", ..asked() }).await;
        assert_eq!((end.end.code, end.wrong_attempts), (Code::NotPermitted, 0), "{end:?}");
    }
    assert!(world.emulator.journal().iter().all(|call| call.operation_id != Some("authn")));
}
