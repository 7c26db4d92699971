//! Runs an operation against the Okta emulator in process, and breaks it at
//! every call.
//!
//! ```no_run
//! # use operation_testing::{TestOrg, TestRequest};
//! # async fn example<GetTenant: lambda_kit::Endpoint>() {
//! let org = TestOrg::start().await;
//! let tenant = org.call::<GetTenant>(&TestRequest::tenant("acme")).await.unwrap();
//! assert_eq!(tenant["name"], "acme");
//! # }
//! ```
//!
//! Everything here panics when it does not get what it needs: it is for tests.

#![expect(clippy::expect_used, clippy::panic, reason = "for tests")]

mod aws;
mod costs;
mod faults;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Caller;
use futures::TryStreamExt;
use lambda_kit::{Context, Decode, Endpoint, Hook, Problem, Request, RequestParts, Task};
use okta_client::{ApiToken, Client, ListGroups, OrgUrl};
use okta_emulator::{Action, DEMO_ORG, Emulator, Fault, Options, Seed};
use operations::EnvVar;
use run_kit::{Actor, Clock, Environment, Run, UNDO};
use serde_json::Value;
use tokio::time::Instant;

use crate::aws::{Aws, RECORDS, RESPONSES, TABLE};
pub use crate::costs::{Traffic, cost, cost_as, traffic};
pub use crate::faults::{assert_same, converges_after_being_killed, fails_cleanly_at_every_step};

/// The demo org, and a superuser who calls.
pub struct TestOrg {
    /// The emulator, for looking behind the operation.
    pub emulator: Emulator,
    okta: Client,
    seed: Seed,
    requests: AtomicU64,
    aws: Aws,
    clock: Clock,
    /// Variables that differ from those of the demo org.
    configured: Mutex<Variables>,
    /// Operations, made once for an environment as in a function.
    prepared: Mutex<HashMap<(TypeId, Variables), Arc<dyn Any + Send + Sync>>>,
}

/// Environment variables.
type Variables = Vec<(&'static str, String)>;

/// A request, free of Lambda's types.
#[derive(Clone, Debug, Default)]
pub struct TestRequest {
    parts: RequestParts,
    /// Who sends it; a superuser unless given.
    caller: Option<Caller>,
}

impl TestRequest {
    /// A request without path parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// A request whose path names a tenant.
    pub fn tenant(name: &str) -> Self {
        let mut request = Self::new();
        request.parts.path.insert("tenant".to_owned(), name.to_owned());
        request
    }

    /// With one more parameter of the path.
    #[must_use]
    pub fn path(mut self, name: &str, value: &str) -> Self {
        self.parts.path.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.parts.query.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sent by this caller.
    #[must_use]
    pub fn by(mut self, caller: Caller) -> Self {
        self.caller = Some(caller);
        self
    }

    fn caller(&self) -> Caller {
        self.caller.clone().unwrap_or_else(superuser)
    }

    /// With a body of another type.
    #[must_use]
    pub fn text(mut self, media_type: &str, body: &str) -> Self {
        self.parts.content_type = Some(media_type.to_owned());
        self.parts.body = body.as_bytes().to_vec();
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn body(mut self, body: &Value) -> Self {
        self.parts.content_type = Some("application/json".to_owned());
        self.parts.body = body.to_string().into_bytes();
        self
    }
}

impl TestOrg {
    /// Starts an emulator with the demo org.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts an emulator with another org, made from the demo org.
    pub async fn start_with(change: impl FnOnce(&mut Seed)) -> Self {
        let mut seed = Seed::parse(DEMO_ORG).expect("the demo org is a seed");
        change(&mut seed);
        let options = Options { port: 0, seed: seed.clone(), state_file: None };
        let emulator = Emulator::start(options).await.expect("the emulator starts");
        let org = OrgUrl::parse(&emulator.url()).expect("an origin");
        let okta = Client::new(org, ApiToken::from(seed.api_token.token.clone())).expect("a client");
        let aws = Aws::start().await;
        for (delegator, agents) in emulator.delegations() {
            aws.grant(&delegator, &agents);
        }
        Self {
            emulator,
            okta,
            seed,
            requests: AtomicU64::new(1),
            aws,
            clock: Clock::system(),
            configured: Mutex::default(),
            prepared: Mutex::default(),
        }
    }

    /// Puts the org back to what it was when it started, and empties the index of its domains.
    pub fn reset(&self) {
        self.emulator.reset();
        self.aws.forget_domains();
    }

    /// A client of the org, for preparing it.
    pub fn okta(&self) -> &Client {
        &self.okta
    }

    /// Makes a call that the product never makes, for preparing the org.
    pub async fn prepare(&self, method: &str, path: &str, body: Value) -> Value {
        let http = run_kit::http_client(Duration::from_secs(5)).expect("a client");
        let method = method.parse().expect("a method");
        let answer = http
            .request(method, format!("{}{path}", self.emulator.url()))
            .header("authorization", format!("SSWS {}", self.seed.api_token.token))
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap_or_default()
    }

    /// The org without times and ids, and without the letters that the names of empty
    /// groups end with.
    pub fn snapshot(&self) -> Value {
        let text = self.emulator.stable_snapshot().to_string();
        let mut parts = text.split("NOBODY_");
        let mut plain = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_at(part.find(['"', '\\']).unwrap_or(part.len()));
            let kept = name.rsplit_once('_').map_or(name, |(kept, _letters)| kept);
            plain.push_str(&format!("NOBODY_{kept}_{rest}"));
        }
        serde_json::from_str(&plain).expect("JSON")
    }

    /// Id of the user with this login.
    pub async fn user(&self, login: &str) -> String {
        self.okta.get_user(login).await.expect("the user").id.to_string()
    }

    /// Id of the group with this name.
    pub async fn group(&self, name: &str) -> String {
        let expression = okta_client::search::eq("profile.name", name);
        let found: Vec<_> =
            self.okta.list_groups(&ListGroups::search(expression)).try_collect().await.expect("groups");
        found.first().expect("the group").id.to_string()
    }

    /// The environment of the functions that run against this org.
    pub fn environment(&self) -> Environment {
        let app = self.seed.apps.iter().find(|app| app.label == "okta-dac").expect("the okta-dac app");
        // One resolver that answers, and one where nobody listens.
        let resolvers = format!("{}/dns-query,http://127.0.0.1:1/dns-query", self.emulator.url());
        let values = [
            (EnvVar::OKTA_ORG_URL.name, self.emulator.url()),
            (EnvVar::OKTA_DAC_APP_ID.name, app.id.clone()),
            (EnvVar::PLACEHOLDER_KEY_ID.name, self.seed.placeholder_key.kid.clone()),
            (EnvVar::DNS_RESOLVERS.name, resolvers),
            (EnvVar::STATE_TABLE.name, TABLE.to_owned()),
            (EnvVar::DELEGATION_EVENTS_TABLE.name, RECORDS.to_owned()),
            (EnvVar::RESPONSES_TABLE.name, RESPONSES.to_owned()),
            (EnvVar::RESPONSE_MODE.name, "act".to_owned()),
            (EnvVar::RESPONDERS_GROUP_ID.name, okta_emulator::RESPONDERS.to_owned()),
            (EnvVar::RESPONSE_QUARANTINE_GROUP.name, okta_emulator::QUARANTINE.to_owned()),
            (EnvVar::RESPONSE_PROTECTED_GROUP.name, okta_emulator::EMERGENCY.to_owned()),
            (EnvVar::AWS_REGION.name, "us-east-1".to_owned()),
            (EnvVar::AWS_ACCESS_KEY_ID.name, "local".to_owned()),
            (EnvVar::AWS_SECRET_ACCESS_KEY.name, "local".to_owned()),
            (EnvVar::AWS_ENDPOINT_URL_DYNAMODB.name, self.aws.dynamodb_url.clone()),
            // Nobody listens there: what a secret does is tested in the crate `rotation`.
            (EnvVar::AWS_ENDPOINT_URL_SECRETS_MANAGER.name, "http://127.0.0.1:1".to_owned()),
        ];
        let configured = self.configured.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Environment::of(values.into_iter().chain(configured))
    }

    /// Configures the functions: these variables differ, and no others.
    pub fn configure(&self, variables: &[(&'static str, &str)]) {
        let variables = variables.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        *self.configured.lock().unwrap_or_else(PoisonError::into_inner) = variables;
    }

    /// Something that a function makes of its environment when it starts; the same
    /// value until the environment changes.
    fn prepared<T: Send + Sync + 'static>(&self, prepare: impl FnOnce(&Environment) -> T) -> Arc<T> {
        let configured = self.configured.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = prepared.entry((TypeId::of::<T>(), configured));
        let kept = kept.or_insert_with(|| Arc::new(prepare(&self.environment())));
        Arc::clone(kept).downcast::<T>().expect("kept by its type")
    }

    /// An operation, as its function prepares it.
    pub fn endpoint<E: Endpoint>(&self) -> Arc<E> {
        self.prepared(|environment| E::prepare(environment).expect("a configuration"))
    }

    /// A task, as its function prepares it.
    pub fn task<T: Task>(&self) -> Arc<T> {
        self.prepared(|environment| T::prepare(environment).expect("a configuration"))
    }

    /// A new run of somebody, as long as a request may take.
    pub fn run(&self, actor: Actor) -> Run {
        self.run_of(actor, Duration::from_secs(28))
    }

    /// A new run of somebody, of this length.
    pub fn run_of(&self, actor: Actor, length: Duration) -> Run {
        let deadline = Instant::now() + length;
        let id = format!("request-{}", self.requests.fetch_add(1, Ordering::Relaxed));
        // Nobody waits for a task.
        let okta = if actor == Actor::Schedule { self.okta.patient() } else { self.okta.clone() };
        let run = Run::new(&okta, deadline, UNDO, actor, id);
        Run { clock: self.clock.clone(), ..run }
    }

    /// The clock of the functions.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The surroundings of a new request of `caller`.
    pub fn context_of(&self, caller: Caller) -> Context {
        let actor = Actor::Caller { uid: caller.uid.clone(), client: caller.client.clone() };
        Context {
            run: self.run(actor),
            caller,
            base_url: "https://api.example.test/v1".to_owned(),
            source_ip: Some("192.0.2.1".to_owned()),
        }
    }

    /// The surroundings of a new request of a superuser.
    pub fn context(&self) -> Context {
        self.context_of(superuser())
    }

    /// What an operation makes of a request that it accepts.
    pub fn input<E: Endpoint>(&self, request: &TestRequest) -> E::Input {
        let request = Request { parts: request.parts.clone(), caller: request.caller() };
        E::Input::decode(&request).unwrap_or_else(|failure| panic!("{}", failure.detail()))
    }

    /// Sends a request to an operation; gives the body of the answer, or null.
    ///
    /// # Errors
    ///
    /// The operation's problem.
    pub async fn call<E: Endpoint>(&self, request: &TestRequest) -> Result<Value, Problem> {
        self.call_as::<E>(request.caller(), request).await
    }

    /// Sends a request in the name of `caller`.
    ///
    /// # Errors
    ///
    /// The operation's problem.
    pub async fn call_as<E: Endpoint>(
        &self,
        caller: Caller,
        request: &TestRequest,
    ) -> Result<Value, Problem> {
        let context = self.context_of(caller.clone());
        let request = Request { parts: request.parts.clone(), caller };
        let input = E::Input::decode(&request)?;
        let success = self.endpoint::<E>().call(&context, input).await.map_err(Into::into)?;
        Ok(serde_json::to_value(success.body()).expect("an answer serialises"))
    }

    /// Sends a request to a list operation; gives the page, and the cursor in
    /// its link `next`.
    pub async fn call_with_links<E: Endpoint>(
        &self,
        context: &Context,
        request: &TestRequest,
    ) -> (Value, Option<String>) {
        let request = Request { parts: request.parts.clone(), caller: request.caller() };
        let problem = |problem: Problem| -> ! { panic!("{}", problem.document("id")) };
        let input = E::Input::decode(&request).unwrap_or_else(|failure| problem(failure.into()));
        let success = self.endpoint::<E>().call(context, input).await;
        let success = success.unwrap_or_else(|error| problem(Problem::from(error.into())));
        let next = success.headers().find(|(name, value)| *name == "link" && value.ends_with("rel=\"next\""));
        let next = next.map(|(_, link)| {
            let after = link.split("after=").nth(1).expect("a cursor");
            let cursor = after.split(['&', '>']).next().expect("a cursor");
            percent_encoding::percent_decode_str(cursor).decode_utf8().expect("text").into_owned()
        });
        (serde_json::to_value(success.body()).expect("an answer serialises"), next)
    }

    /// All pages of a list, with `limit` elements each.
    pub async fn pages<E: Endpoint>(&self, request: &TestRequest, limit: usize) -> Vec<Vec<Value>> {
        let (context, mut pages) = (self.context_of(request.caller()), Vec::new());
        let mut request = request.clone().query("limit", &limit.to_string());
        loop {
            let (page, next) = self.call_with_links::<E>(&context, &request).await;
            pages.push(page.as_array().expect("a list").clone());
            match next {
                Some(after) => request = request.query("after", &after),
                None => return pages,
            }
        }
    }

    /// Sends a request, and kills it when it makes its `nth` call to Okta, which
    /// is not done.
    pub async fn kill_at<E: Endpoint>(&self, request: &TestRequest, nth: u64) {
        self.kill(nth, self.call::<E>(request)).await;
    }

    /// Does work, and kills it when it makes its `nth` call to Okta, which is not done.
    pub async fn kill<T>(&self, nth: u64, work: impl Future<Output = T>) {
        let hang = Action { delay_ms: 600_000, ..Action::default() };
        self.emulator.order(Fault::on_call(nth, u64::MAX, hang));
        let arrived = self.emulator.arrivals();
        tokio::select! {
            _ = work => panic!("the work ended before call {nth}"),
            () = self.emulator.wait_for_arrivals(arrived + nth) => {}
        }
        self.emulator.clear_faults();
    }

    /// Lets the next `times` calls of this operation of Okta's answer with a status.
    pub fn break_okta(&self, operation_id: &str, times: u64, status: u16) {
        let action = Action { status: Some(status), ..Action::default() };
        let operation_id = Some(operation_id.to_owned());
        let mut fault = Fault::on_call(1, times, action);
        fault.operation_id = operation_id;
        self.emulator.order(fault);
    }

    /// The items of the table whose keys begin so, by key.
    pub fn items(&self, prefix: &str) -> Vec<String> {
        self.aws.items(prefix)
    }

    /// Revokes everybody's rights over a tenant for ever, as an earlier release did with
    /// one that it suspended.
    pub fn revoke_for_ever(&self, tenant_id: &str) {
        self.aws.put(&format!("revocation#{tenant_id}"), "before", i64::MAX);
    }

    /// Leaves the record of a run that has just begun and will not end. The record is a
    /// tenant's, or the org's.
    pub fn leave_open(&self, tenant_id: Option<&str>, operation: &str) {
        let partition = domain::event_partition(tenant_id);
        self.aws.begin_record(&partition, &self.clock.time(), operation);
    }

    /// Ends DynamoDB: it cannot be reached any more.
    pub fn stop_dynamodb(&self) {
        self.aws.stop();
    }

    /// Lets `times` calls of DynamoDB fail, beginning with the `nth` from now on;
    /// `after` they were done, or before.
    pub fn break_dynamodb(&self, nth: u64, times: u64, after: bool) {
        self.aws.break_calls(nth, times, after);
    }

    /// Lets `times` transactions of DynamoDB be canceled for this reason, from now on.
    pub fn cancel_transactions(&self, code: &'static str, times: u64) {
        self.aws.cancel_transactions(code, times);
    }

    /// Everything in DynamoDB, as text.
    pub fn tables(&self) -> String {
        self.aws.everything()
    }

    /// Calls an operation as Okta does.
    pub async fn hook<H: Hook>(&self, payload: Value) -> Value {
        if let Some(answer) = H::unasked(&payload) {
            return answer;
        }
        let hook = self.prepared(|environment| H::prepare(environment).expect("a configuration"));
        match hook.call(&self.run(Actor::OktaHook), payload).await {
            Ok(answer) => answer,
            Err(_) => hook.doubt(),
        }
    }

    /// Moves Okta's clock and the functions'; and, as if that time had passed, ends all
    /// locks.
    pub fn advance_clock(&self, by: Duration) {
        self.aws.end_locks();
        self.clock.advance(by);
        let by = i64::try_from(by.as_millis()).expect("a short time");
        self.emulator.configure(|settings| settings.clock_offset_ms += by);
    }
}

/// An admin of these tenants, by the ids that the org gave them.
pub async fn tenant_admin(org: &TestOrg, tenants: &[&str]) -> Caller {
    let mut claims = Vec::new();
    for name in tenants {
        let name = domain::TenantName::parse(name).expect("a name");
        let tenants = tenancy::Tenants::prepare(&org.environment()).expect("the okta-dac app");
        let (want, depth) = (tenancy::Want::Tenant, tenancy::Depth::Read);
        let tenant = tenants.find(org.okta(), &name, want, depth, org.context().run.deadline);
        let tenant = tenant.await.expect("the tenant");
        let users = &tenant.require_users().expect("a users group").id;
        claims.push(format!("{}:{name}:{users}", tenant.id));
    }
    let groups: Vec<String> = tenants.iter().map(|name| format!("ADMINS_{name}")).collect();
    Caller::new("00u1", &claims, &groups, false)
}

fn superuser() -> Caller {
    Caller::new("00u1", &[], &[domain::SUPERUSERS.to_owned()], false)
}
