//! Lambda: the Runtime API for the functions' processes, and the Invoke API.
//!
//! A function's process is started when a call finds no idle one, up to the
//! configured number; it is kept; a crash fails the call that it was working on
//! and the next call starts another. A process that dies before it asks for its
//! first event fails all waiting calls, or they would start it for ever.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::aws::{ACCOUNT, REGION, now_ms, request_id};
use crate::template::Function;

/// Where the lines go that functions print: the function's binary, the line.
pub type LogSink = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Why there is no answer of a function.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// There is no such function.
    #[error("there is no function `{0}`")]
    Unknown(String),
    /// The function answered with an error, or its process died.
    #[error("the function failed: {0}")]
    Function(serde_json::Value),
    /// All of the function's reserved concurrency is in use.
    #[error("the function is throttled")]
    Throttled,
    /// The function did not answer in time; its process was ended.
    #[error("the function did not answer in time")]
    Timeout,
}

/// All functions.
pub(crate) struct Lambda {
    pools: BTreeMap<String, Arc<Pool>>,
}

impl Lambda {
    pub(crate) fn new(
        functions: &BTreeMap<String, Function>,
        bin_dir: &std::path::Path,
        runtime_api: &str,
        environment: &BTreeMap<String, String>,
        concurrency: usize,
        log: &LogSink,
    ) -> Self {
        let pools = functions.iter().map(|(binary, function)| {
            let pool = Pool {
                binary: binary.clone(),
                program: bin_dir.join(binary),
                function: function.clone(),
                runtime_api: runtime_api.to_owned(),
                environment: environment.clone(),
                concurrency,
                log: Arc::clone(log),
                state: Mutex::default(),
            };
            (binary.clone(), Arc::new(pool))
        });
        Self { pools: pools.collect() }
    }

    /// A function by its binary or its deployed name.
    pub(crate) fn pool(&self, name: &str) -> Result<&Arc<Pool>, InvokeError> {
        self.pools
            .get(name)
            .or_else(|| self.pools.values().find(|pool| pool.function.name == name))
            .ok_or_else(|| InvokeError::Unknown(name.to_owned()))
    }

    /// Ends every process.
    pub(crate) fn stop(&self) {
        for pool in self.pools.values() {
            pool.lock().instances.clear();
        }
    }

    /// Kills the processes that are working on a call.
    pub(crate) fn kill_running(&self) {
        for pool in self.pools.values() {
            let mut state = pool.lock();
            let busy: Vec<u64> = state.running.values().map(|(instance, _)| *instance).collect();
            state.instances.retain(|instance, _| !busy.contains(instance));
        }
    }

    /// Ids of the running processes of a function.
    pub(crate) fn processes(&self, name: &str) -> Vec<u32> {
        let Ok(pool) = self.pool(name) else { return Vec::new() };
        pool.lock().instances.values().filter_map(|instance| instance.process_id).collect()
    }
}

/// The processes of one function.
pub(crate) struct Pool {
    binary: String,
    program: PathBuf,
    function: Function,
    runtime_api: String,
    /// What Lambda itself sets.
    environment: BTreeMap<String, String>,
    concurrency: usize,
    log: LogSink,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Invocation>,
    /// Processes that asked for an event.
    idle: VecDeque<(u64, oneshot::Sender<Invocation>)>,
    /// Calls that are being worked on, by request id.
    running: HashMap<String, (u64, Answer)>,
    instances: HashMap<u64, Instance>,
    next_instance: u64,
}

type Answer = oneshot::Sender<Result<Bytes, InvokeError>>;

struct Instance {
    process_id: Option<u32>,
    has_asked: bool,
    /// Ends the process when dropped.
    _end: oneshot::Sender<()>,
}

/// A call on its way to a process.
pub(crate) struct Invocation {
    pub(crate) id: String,
    pub(crate) payload: Bytes,
    pub(crate) deadline_ms: u64,
    answer: Answer,
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.function.name)
    }

    /// Calls the function and waits for its answer.
    pub(crate) async fn invoke(self: &Arc<Self>, payload: Bytes) -> Result<Bytes, InvokeError> {
        let (answer, result) = oneshot::channel();
        let timeout = Duration::from_secs(self.function.timeout_seconds);
        let id = request_id();
        let deadline_ms = now_ms() + timeout.as_millis() as u64;
        self.dispatch(Invocation { id: id.clone(), payload, deadline_ms, answer })?;
        match tokio::time::timeout(timeout, result).await {
            Ok(Ok(result)) => result,
            Ok(Err(_dropped)) => Err(InvokeError::Function(exit_error("the stack stops"))),
            Err(_elapsed) => {
                let mut state = self.lock();
                state.waiting.retain(|invocation| invocation.id != id);
                // A process that hangs before it asks for an event would keep its place for ever.
                state.instances.retain(|_, instance| instance.has_asked);
                if let Some((instance, _)) = state.running.remove(&id) {
                    state.instances.remove(&instance);
                }
                Err(InvokeError::Timeout)
            }
        }
    }

    /// Gives the call to an idle process, or queues it and starts one. Refuses the call if
    /// as many are under way as the template reserves concurrency for; without a reservation
    /// calls wait for a process: the account's own limit is far away.
    fn dispatch(self: &Arc<Self>, mut invocation: Invocation) -> Result<(), InvokeError> {
        let mut state = self.lock();
        let under_way = state.running.len() + state.waiting.len();
        if self.function.reserved_concurrency.is_some_and(|reserved| under_way >= reserved) {
            return Err(InvokeError::Throttled);
        }
        while let Some((instance, idle)) = state.idle.pop_front() {
            match state.hand_over(instance, idle, invocation) {
                Ok(()) => return Ok(()),
                Err(back) => invocation = back,
            }
        }
        state.waiting.push_back(invocation);
        if state.instances.len() < self.concurrency {
            self.start(&mut state);
        }
        Ok(())
    }

    /// The next call for a process that asks for one.
    pub(crate) fn next(&self, instance: u64) -> oneshot::Receiver<Invocation> {
        let (give, take) = oneshot::channel();
        let mut state = self.lock();
        if let Some(instance) = state.instances.get_mut(&instance) {
            instance.has_asked = true;
        }
        match state.waiting.pop_front() {
            Some(invocation) => {
                if let Err(back) = state.hand_over(instance, give, invocation) {
                    state.waiting.push_front(back);
                }
            }
            None => state.idle.push_back((instance, give)),
        }
        take
    }

    /// The answer of a process; false if nobody waits for it any more.
    pub(crate) fn answer(&self, id: &str, result: Result<Bytes, InvokeError>) -> bool {
        let running = self.lock().running.remove(id);
        running.is_some_and(|(_, answer)| answer.send(result).is_ok())
    }

    fn start(self: &Arc<Self>, state: &mut State) {
        let instance = state.next_instance;
        state.next_instance += 1;
        let spawned = self.command(instance).spawn();
        let (end, ended) = oneshot::channel();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                let reason = format!("{} cannot be started: {error}", self.program.display());
                return state.fail_waiting(&reason);
            }
        };
        state.instances.insert(instance, Instance { process_id: child.id(), has_asked: false, _end: end });
        self.keep_log(child.stdout.take());
        self.keep_log(child.stderr.take());
        tokio::spawn(watch(Arc::downgrade(self), instance, child, ended));
    }

    fn command(&self, instance: u64) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(&self.function.environment)
            .env("AWS_LAMBDA_FUNCTION_NAME", &self.function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", self.function.memory_mib.to_string())
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                format!("http://{}/runtime/{}/{instance}", self.runtime_api, self.binary),
            )
            .envs(self.environment.iter())
            // Whose calls of AWS are whose.
            .env("AWS_ACCESS_KEY_ID", &self.function.logical_id)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    fn keep_log(&self, output: Option<impl AsyncRead + Unpin + Send + 'static>) {
        let Some(output) = output else { return };
        let (log, binary) = (Arc::clone(&self.log), self.binary.clone());
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log(&binary, &line);
            }
        });
    }

    /// A process ended: its call fails, and waiting calls get another process.
    fn instance_ended(self: &Arc<Self>, instance: u64, how: &str) {
        let mut state = self.lock();
        let known = state.instances.remove(&instance);
        state.idle.retain(|(idle, _)| *idle != instance);
        let lost: Vec<String> =
            state.running.iter().filter(|(_, (by, _))| *by == instance).map(|(id, _)| id.clone()).collect();
        for id in lost {
            if let Some((_, answer)) = state.running.remove(&id) {
                let _ = answer.send(Err(InvokeError::Function(exit_error(how))));
            }
        }
        if known.is_some_and(|instance| !instance.has_asked) {
            state.fail_waiting(how);
        } else if !state.waiting.is_empty() && state.instances.len() < self.concurrency {
            self.start(&mut state);
        }
    }
}

impl State {
    /// Gives a call to a process; gives it back if the process is gone.
    fn hand_over(
        &mut self,
        instance: u64,
        give: oneshot::Sender<Invocation>,
        invocation: Invocation,
    ) -> Result<(), Invocation> {
        if give.is_closed() || !self.instances.contains_key(&instance) {
            return Err(invocation);
        }
        let (answer, relay) = (invocation.answer, invocation.id.clone());
        let (unused, _) = oneshot::channel();
        match give.send(Invocation { answer: unused, ..invocation }) {
            Ok(()) => {
                self.running.insert(relay, (instance, answer));
                Ok(())
            }
            Err(back) => Err(Invocation { answer, ..back }),
        }
    }

    fn fail_waiting(&mut self, reason: &str) {
        for invocation in self.waiting.drain(..) {
            let _ = invocation.answer.send(Err(InvokeError::Function(exit_error(reason))));
        }
    }
}

/// Waits until the process ends or is to be ended.
async fn watch(pool: Weak<Pool>, instance: u64, mut child: Child, ended: oneshot::Receiver<()>) {
    let how = tokio::select! {
        status = child.wait() => status.map_or_else(|error| error.to_string(), |status| status.to_string()),
        _ = ended => {
            let _ = child.kill().await;
            "ended".to_owned()
        }
    };
    if let Some(pool) = pool.upgrade() {
        pool.instance_ended(instance, &how);
    }
}

/// Lambda's words for a process that ended.
fn exit_error(how: &str) -> serde_json::Value {
    serde_json::json!({ "errorType": "Runtime.ExitError", "errorMessage": format!("Error: Runtime exited: {how}") })
}
