//! Random operations of two tenants, with kills and faults of Okta and of the table, beside
//! a second model of who may do what (`model.rs`).
//!
//! Whatever fails: no request is answered that the model forbids, a request that failed is
//! sent again and succeeds, and then the org is whole. `make chaos` does it for ten minutes
//! with another seed each time; without `CHAOS_SECONDS` it is a few rounds of one seed.

#![expect(clippy::expect_used, clippy::panic, reason = "for tests")]

mod model;
mod whole;

use std::time::{Duration, Instant};

use model::{Deed, Model, TenantId, Token, UserId};
use okta_emulator::{Action, Drop, TenantSeed, UserSeed};
use serde_json::{Value, json};
use tests::{Bearer, Superuser, TestStack};

/// The tenants.
const TENANTS: [&str; 2] = ["north", "south"];

/// Users of each; the first two are admins to begin with.
const USERS: usize = 4;

/// An app that tenants can be entitled to.
const APP: &str = "0oa1umbrella00000001";

/// Rounds without `CHAOS_SECONDS`.
const ROUNDS: u32 = 25;

/// Most tries of one request without a fault.
const TRIES: usize = 8;

fn login((tenant, user): UserId) -> String {
    format!("user{user}@{}.test", TENANTS[tenant])
}

/// A change of the org.
#[derive(Clone, Debug)]
enum Change {
    Assign(UserId),
    Unassign(UserId),
    Revoke(UserId),
    Suspend(TenantId, bool),
    Entitle(TenantId, bool),
    Domain(TenantId, bool),
}

struct Chaos {
    stack: TestStack,
    random: fastrand::Rng,
    model: Model,
    /// Ids of the users in Okta.
    ids: Vec<Vec<String>>,
    idps: Vec<String>,
    tokens: Vec<Token>,
    /// What happened, for whoever reads a failure.
    log: Vec<String>,
    judged: usize,
    forbidden: usize,
    faults: usize,
}

impl Chaos {
    async fn start(seed: u64) -> Self {
        let stack = TestStack::start_as(|options| {
            for (tenant, name) in TENANTS.iter().enumerate() {
                let logins: Vec<String> = (0..USERS).map(|user| login((tenant, user))).collect();
                let template = options.seed.users.iter().find(|user| !user.superuser).cloned();
                let template = template.expect("the demo org has users");
                options
                    .seed
                    .users
                    .extend(logins.iter().map(|login| UserSeed { login: login.clone(), ..template.clone() }));
                options.seed.tenants.push(TenantSeed {
                    name: (*name).to_owned(),
                    admins: logins[..2].to_vec(),
                    users: logins[2..].to_vec(),
                    apps: Vec::new(),
                    domains: vec![format!("{name}.test")],
                    pending_domains: Vec::new(),
                });
            }
        })
        .await;
        let (mut ids, mut idps) = (Vec::new(), Vec::new());
        for (tenant, name) in TENANTS.iter().enumerate() {
            let mut of = Vec::new();
            for user in 0..USERS {
                of.push(stack.user(&login((tenant, user))).await);
            }
            ids.push(of);
            let idp = stack.idp(name).await;
            let id = idp.trim_start_matches("/idps/").into();
            stack.okta_client().activate_identity_provider(&id).await.expect("activated");
            idps.push(idp);
        }
        let mut chaos = Self {
            stack,
            random: fastrand::Rng::with_seed(seed),
            model: Model::new(TENANTS.len()),
            ids,
            idps,
            tokens: Vec::new(),
            log: Vec::new(),
            judged: 0,
            forbidden: 0,
            faults: 0,
        };
        for tenant in 0..TENANTS.len() {
            for user in 0..USERS {
                chaos.issue(Some((tenant, user)));
            }
        }
        chaos
    }

    /// A new token of a user, as the org gives it now.
    fn issue(&mut self, user: Option<UserId>) {
        let text = self.stack.token(&user.map_or("superuser@demo.test".to_owned(), login));
        let admin = user.is_some_and(|(tenant, user)| self.model.admins(tenant).contains(&user));
        let issued = self.model.tick();
        self.tokens.push(Token { text, user, admin, issued });
        if self.tokens.len() > 40 {
            self.tokens.remove(0);
        }
    }

    /// A change that is possible now.
    fn change(&mut self) -> Change {
        let tenant = self.random.usize(..TENANTS.len());
        let admins = self.model.admins(tenant).clone();
        let user = (tenant, self.random.usize(..USERS));
        // A suspended tenant is resumed before anything else becomes of it.
        if self.model.is_suspended(tenant) {
            return Change::Suspend(tenant, false);
        }
        match self.random.u8(..12) {
            0..=2 if !admins.contains(&user.1) => Change::Assign(user),
            0..=4 if admins.len() > 1 && admins.contains(&user.1) => Change::Unassign(user),
            5 => Change::Revoke(user),
            6 | 7 => Change::Suspend(tenant, true),
            8 => Change::Entitle(tenant, true),
            9 => Change::Entitle(tenant, false),
            10 => Change::Domain(tenant, true),
            _ => Change::Domain(tenant, false),
        }
    }

    /// Sends a change as a superuser; gives the status, and what is wrong.
    async fn send(&self, change: &Change) -> (u16, String) {
        let stack = &self.stack;
        let admin = |(tenant, user): UserId| {
            format!("/tenants/{}/admins/{}", TENANTS[tenant], self.ids[tenant][user])
        };
        let answer = match *change {
            Change::Assign(user) => stack.put(&admin(user), Superuser, Value::Null).await,
            Change::Unassign(user) => stack.delete(&admin(user), Superuser).await,
            Change::Revoke((tenant, user)) => {
                let path = format!("/users/{}/revocation", self.ids[tenant][user]);
                stack.post(&path, Superuser, json!({})).await
            }
            Change::Suspend(tenant, on) => {
                let status = if on { "SUSPENDED" } else { "ACTIVE" };
                stack
                    .put(&format!("/tenants/{}", TENANTS[tenant]), Superuser, json!({ "status": status }))
                    .await
            }
            Change::Entitle(tenant, on) => {
                let path = format!("/tenants/{}/apps/{APP}", TENANTS[tenant]);
                match on {
                    true => stack.put(&path, Superuser, Value::Null).await,
                    false => stack.delete(&path, Superuser).await,
                }
            }
            Change::Domain(tenant, on) => {
                let domain = format!("chaos-{}.test", TENANTS[tenant]);
                let path = format!("/tenants/{}/domains", TENANTS[tenant]);
                match on {
                    true => stack.post(&path, Superuser, json!({ "domain": domain })).await,
                    false => stack.delete(&format!("{path}/{domain}"), Superuser).await,
                }
            }
        };
        (answer.status, answer.code().to_owned())
    }

    /// Whether an answer says that the org is as the change wants it.
    fn is_done(change: &Change, status: u16, code: &str) -> bool {
        let already = match change {
            Change::Unassign(_) => code == "admin-not-found",
            Change::Entitle(_, false) => code == "tenant-app-not-found",
            Change::Domain(_, false) => code == "domain-not-found",
            Change::Domain(_, true) => code == "domain-already-verified",
            _ => false,
        };
        (200..300).contains(&status) || already
    }

    /// The model after a change that was done.
    fn learn(&mut self, change: &Change) {
        match *change {
            Change::Assign(user) => self.model.assigned(user),
            Change::Unassign(user) => self.model.unassigned(user),
            Change::Revoke(user) => self.model.revoked(user),
            Change::Suspend(tenant, on) => self.model.set_suspended(tenant, on),
            Change::Entitle(..) | Change::Domain(..) => {}
        }
    }

    /// Orders one fault; `true` if the process of the function is to be killed.
    async fn fault(&mut self) -> bool {
        self.faults += 1;
        let nth = u64::from(self.random.u8(1..14));
        let when = if self.random.bool() { "before" } else { "after" };
        match self.random.u8(..6) {
            0 => {
                let fault =
                    json!({ "service": "dynamodb", "nth": nth, "times": 1, "action": { "drop": when } });
                self.stack.fault(Some(fault)).await;
            }
            1 => {
                let fault = json!({ "service": "dynamodb", "nth": nth, "action": { "drop": when } });
                self.stack.fault(Some(fault)).await;
            }
            2 => self.stack.break_call(nth, 1, Action { drop: Some(Drop::After), ..Action::default() }),
            3 => self.stack.break_call(nth, 4, Action { drop: Some(Drop::Before), ..Action::default() }),
            4 => self.stack.break_call(nth, u64::MAX, Action { status: Some(500), ..Action::default() }),
            _ => {
                // The call hangs until the process is killed.
                self.stack.break_call(nth, u64::MAX, Action { delay_ms: 600_000, ..Action::default() });
                return true;
            }
        }
        false
    }

    /// Sends a change while something fails; then without, until the change is done.
    async fn make(&mut self, change: &Change) {
        let fails = self.random.u8(..3) > 0;
        let kills = if fails { self.fault().await } else { false };
        let (status, code) = match kills {
            true => {
                // Until the call hangs, or the change is done.
                let killed = tokio::time::timeout(Duration::from_millis(700), self.send(change)).await;
                if killed.is_err() {
                    self.stack.kill_functions();
                }
                killed.unwrap_or((502, "killed".to_owned()))
            }
            false => self.send(change).await,
        };
        self.stack.okta().clear_faults();
        self.stack.fault(None).await;
        self.log.push(format!("{change:?} with a fault: {fails}: {status} {code}"));
        if fails {
            // A lock that could not be given back ends a while after its holder's deadline.
            self.stack.end_locks().await;
        }
        if Self::is_done(change, status, &code) {
            return self.learn(change);
        }
        assert!(fails, "without a fault: {status} {code}\n{}", self.story());
        if self.random.bool() {
            // What it cures is no obstacle for the request that stopped half-way.
            whole::reconcile(&self.stack).await;
        }
        for attempt in 1..=TRIES {
            let (status, code) = self.send(change).await;
            self.log.push(format!("{change:?} again, {attempt}: {status} {code}"));
            if Self::is_done(change, status, &code) {
                return self.learn(change);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("the request does not succeed when it is sent again\n{}", self.story());
    }

    /// Requests with any token, which must not be done where the model forbids them.
    async fn judge(&mut self) {
        for _ in 0..6 {
            let token = self.random.choice(&self.tokens).expect("a token").clone();
            // The own tenant more often than not.
            let any = self.random.usize(..TENANTS.len());
            let tenant = token.user.filter(|_| self.random.u8(..4) > 0).map_or(any, |(tenant, _)| tenant);
            let (name, user) = (TENANTS[tenant], &self.ids[tenant][self.random.usize(..USERS)]);
            let bearer = || Bearer(token.text.clone());
            let (deed, answer) = match self.random.u8(..10) {
                0 | 6 | 7 => (Deed::Of(tenant), self.stack.get(&format!("/tenants/{name}"), bearer()).await),
                1 => (Deed::Of(tenant), self.stack.get(&format!("/tenants/{name}/admins"), bearer()).await),
                2 => (Deed::Of(tenant), self.stack.get(&self.idps[tenant], bearer()).await),
                3 | 8 | 9 => {
                    (Deed::Of(tenant), self.stack.get(&format!("/tenants/{name}/domains"), bearer()).await)
                }
                4 => {
                    let path = format!("/users/{user}/revocation");
                    (Deed::Operator, self.stack.post(&path, bearer(), json!({})).await)
                }
                _ => {
                    let status = json!({ "status": "ACTIVE" });
                    (Deed::Operator, self.stack.put(&format!("/tenants/{name}"), bearer(), status).await)
                }
            };
            self.judged += 1;
            self.log
                .push(format!("{deed:?} by {:?}, issued {}: {}", token.user, token.issued, answer.status));
            if let Some(why) = self.model.forbids(&token, deed) {
                self.forbidden += 1;
                assert_eq!(answer.status, 403, "{why}: {answer}\n{}", self.story());
            }
        }
    }

    async fn round(&mut self) {
        let change = self.change();
        self.make(&change).await;
        self.judge().await;
        let user = (self.random.usize(..TENANTS.len()), self.random.usize(..USERS));
        // A moment after a revocation: a token of the same second is one of before.
        self.issue(Some(user));
    }

    fn story(&self) -> String {
        let from = self.log.len().saturating_sub(40);
        self.log[from..].join("\n")
    }
}

/// What `make chaos` asks for.
#[expect(clippy::disallowed_methods, reason = "no setting of the product")]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_more_than_the_model_allows() {
    let seconds = number("CHAOS_SECONDS");
    let seed = number("CHAOS_SEED").unwrap_or_else(|| seconds.map_or(1, |_| fastrand::u64(..)));
    eprintln!("CHAOS_SEED={seed}");
    let (started, mut rounds) = (Instant::now(), 0);
    let mut chaos = Chaos::start(seed).await;
    loop {
        chaos.round().await;
        rounds += 1;
        let over = match seconds {
            Some(seconds) => started.elapsed() >= Duration::from_secs(seconds),
            None => rounds >= ROUNDS,
        };
        if over || rounds % 50 == 0 {
            whole::assert_whole(&chaos.stack, &chaos.model, &chaos.ids, &chaos.story()).await;
        }
        if over {
            break;
        }
    }
    let Chaos { judged, forbidden, faults, .. } = chaos;
    eprintln!(
        "{rounds} changes, {faults} of them with a fault; {judged} requests judged, {forbidden} of them forbidden"
    );
    assert!(forbidden > 0 && faults > 0);
}
