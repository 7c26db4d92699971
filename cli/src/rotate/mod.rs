//! `okta-dac rotate`: a new password for a user of Okta, started by Keeper or by a person.
//! What is done is in the crate `rotation`; here are the command line, Keeper's protocol, and
//! the line that says how it ended.

pub mod arguments;
mod batch;
mod doctor;
mod keeper;
mod secrets;
mod verify;

use std::process::ExitCode;
use std::time::Duration;

use okta_client::models::UserId;
use okta_client::{Client, Credential, OrgUrl};
use rotation::drive::{self, Rotation, Wanted};
use rotation::end::{Code, End, Outcome};
use rotation::facts::Options;
use rotation::okta::Org;
use rotation::ports::{Account, PerRun};
use serde_json::{Map, Value};

use self::arguments::{How, Keeper, OnUnverified, Revoke, Rotate, RotateCommand, User};

/// Time of a rotation, waits for Okta's limits included.
const DEADLINE: Duration = Duration::from_secs(60);

/// Reads what Keeper hands over; gives the sentence of a refusal.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzzed(stdin: &[u8]) -> Result<(), String> {
    keeper::Payload::decode(stdin).map(drop).map_err(|stop| stop.message)
}

/// Why nothing was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// The exit code.
    pub(crate) code: Code,
    /// What to do. It repeats nothing of the input.
    pub(crate) message: String,
}

impl Stop {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Runs a command of `rotate`; says on stdout, in one line for each password, how it ended.
pub fn run(command: &RotateCommand) -> ExitCode {
    let began = std::time::Instant::now();
    let ended = match &command.what {
        Rotate::Keeper(arguments) => of_keeper(arguments),
        Rotate::User(arguments) => of_user(arguments),
        Rotate::Verify(arguments) => match (&arguments.all, &arguments.secret_id) {
            (Some(prefix), _) => {
                match runtime().and_then(|runtime| runtime.block_on(verify::all(arguments, prefix))) {
                    Ok(code) => return ExitCode::from(code),
                    Err(stop) => Err(stop),
                }
            }
            (None, id) => {
                let id = id.as_deref().unwrap_or_default();
                runtime().and_then(|runtime| runtime.block_on(verify::one(arguments, id)))
            }
        },
        Rotate::Batch(arguments) => {
            match runtime().and_then(|runtime| runtime.block_on(batch::run(arguments))) {
                Ok(code) => return ExitCode::from(code),
                Err(stop) => Err(stop),
            }
        }
        Rotate::Doctor(arguments) => {
            match runtime().and_then(|runtime| runtime.block_on(doctor::run(arguments))) {
                Ok((report, code)) => return printed(&report, code),
                Err(stop) => Err(stop),
            }
        }
    };
    let (code, line) = line_of(ended, began.elapsed());
    printed(&Value::Object(line), code)
}

/// One line on stdout: Keeper keeps what is there, and reads the code alone.
fn printed(line: &Value, code: Code) -> ExitCode {
    match crate::print(format!("{line}\n").as_bytes()) {
        Ok(()) => ExitCode::from(code.number()),
        Err(failure) => failure.code(),
    }
}

/// The line, and the code in it.
fn line_of(ended: Result<Ended, Stop>, took: Duration) -> (Code, Map<String, Value>) {
    let (rotation, would, message) = match ended {
        Ok(Ended::Rotated(rotation)) => (rotation, None, None),
        Ok(Ended::Looked(rotation, would)) => (rotation, Some(would), None),
        Err(stop) => (ended_with(None, End::refused(stop.code)), None, Some(stop.message)),
    };
    let code = rotation.end.code;
    let message = message.or_else(|| advice(&rotation.end).map(str::to_owned));
    let mut line = match serde_json::to_value(rotation.line(took)) {
        Ok(Value::Object(line)) => line,
        _ => Map::new(),
    };
    if let Some(would) = would {
        line.insert("dryRun".to_owned(), true.into());
        line.insert("would".to_owned(), would.into());
        line.remove("outcome");
    }
    if let Some(message) = message {
        line.insert("message".to_owned(), message.into());
    }
    (code, line)
}

/// How a command ended.
enum Ended {
    /// A rotation.
    Rotated(Rotation),
    /// A look at the user, and the call that a run would make first.
    Looked(Rotation, Option<&'static str>),
}

fn ended_with(user: Option<Account>, end: End) -> Rotation {
    Rotation { user, ..Rotation::begun(end) }
}

/// What to do, in one sentence, where the code does not say so.
const fn advice(end: &End) -> Option<&'static str> {
    Some(match end.code {
        Code::NotFound => "no user has this login or, alone, this e-mail address",
        Code::Ambiguous => "several users have this e-mail address: give the login, or the id",
        Code::OldWrong => {
            "Okta has another password than the vault: set one of them by hand, or use `--on-mismatch reconcile`"
        }
        Code::Policy => "the policy refuses the new password: `policy` says why",
        Code::State => "the user's status or directory does not allow it: look at the user in Okta",
        Code::Unverified => {
            "the new password was set and could not be tried: run the same again, or use `--verify change`"
        }
        Code::RolledBack => "the old password is in use again",
        Code::Operator if matches!(end.outcome, Outcome::Refused) => {
            "nothing was changed: the user may have an admin role, whose password is set with `--allow-admins` alone, or too many sign-ins have failed: look at the user in Okta"
        }
        Code::Operator => "nobody can tell which password is in use: look at the user in Okta",
        Code::NotAvailable => "Okta is not available: run the same again",
        Code::NotPermitted => "the credential may not do it: `okta-dac connection verify --preset rotation`",
        _ => return None,
    })
}

fn of_keeper(arguments: &Keeper) -> Result<Ended, Stop> {
    let input = keeper::input(std::io::stdin().lock())?;
    let payload = keeper::Payload::decode(&input)?;
    drop(input);
    let api = payload.api(&keeper::Selection::of(arguments))?;
    let client = client(&api.org, api.credential, arguments.how.pace.share)?;
    let wanted = Wanted {
        user: &payload.user,
        old: payload.old.as_ref(),
        former: None,
        new: &payload.new,
        intent: None,
        options: Options {
            rollback: arguments.on_unverified == OnUnverified::Rollback,
            ..arguments.how.options()
        },
    };
    runtime()?.block_on(async {
        Ok(match arguments.dry_run {
            true => looked(&org(client, &arguments.how), &wanted).await,
            false => Ended::Rotated(rotated(client, &arguments.how, &wanted).await),
        })
    })
}

fn of_user(arguments: &User) -> Result<Ended, Stop> {
    runtime()?.block_on(async {
        let access = secrets::access(&arguments.org, arguments.how.pace.share).await?;
        let recipe = arguments.drawn.recipe();
        match arguments.dry_run {
            true => secrets::looked(&access, &arguments.how, &recipe, &arguments.secret_id).await,
            false => secrets::rotate(&access, &arguments.how, &recipe, &arguments.secret_id, None)
                .await
                .map(Ended::Rotated),
        }
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Stop::new(Code::Operator, format!("the runtime cannot be started: {error}")))
}

fn client(url: &OrgUrl, credential: Credential, share: u8) -> Result<Client, Stop> {
    let client = Client::new(url.clone(), credential);
    let client =
        client.map_err(|error| Stop::new(Code::Record, format!("the record cannot be used: {error}")))?;
    // Nobody else waits for this process.
    Ok(client.with_share(share).patient().for_request(tokio::time::Instant::now() + DEADLINE))
}

fn org(client: Client, how: &How) -> Org {
    Org { client, strict: how.strict, revoke_sessions: how.revoke != Revoke::None }
}

/// Rotates, and ends tokens if that was asked for.
async fn rotated(client: Client, how: &How, wanted: &Wanted<'_>) -> Rotation {
    let org = org(client, how);
    let mut rotation = drive::rotate(&org, &PerRun::default(), wanted).await;
    rotated_tokens(&org.client, how, &mut rotation).await;
    rotation
}

/// Ends tokens, if that was asked for, and sessions where the change itself could not: an
/// admin's right ends none.
async fn rotated_tokens(client: &Client, how: &How, rotation: &mut Rotation) {
    let tokens = how.revoke == Revoke::SessionsAndTokens;
    let sessions = how.revoke == Revoke::Sessions && rotation.end.outcome == Outcome::Reconciled;
    if let (Code::Verified, true, Some(user)) = (rotation.end.code, tokens || sessions, &rotation.user) {
        // The password is changed and proven, whatever becomes of this.
        let ended = client.revoke_user_sessions(&UserId::from(user.id.as_str()), tokens, false).await;
        rotation.steps.push(if ended.is_ok() { "revoke" } else { "revoke-failed" });
    }
}

/// Looks for the user, and changes nothing.
async fn looked(org: &Org, wanted: &Wanted<'_>) -> Ended {
    let mut steps = Vec::new();
    let found = drive::find(org, wanted.user, &mut steps).await;
    let (rotation, would) = match found {
        Ok(user) => match drive::first(&user, wanted) {
            Ok(would) => (ended_with(Some(user), End::verified(Outcome::Refused)), Some(would)),
            Err(end) => (ended_with(Some(user), end), None),
        },
        Err(trouble) => {
            let rotation = ended_with(None, End::refused(trouble.code));
            (Rotation { error_id: trouble.error_id, ..rotation }, None)
        }
    };
    Ended::Looked(Rotation { steps, ..rotation }, would)
}
