//! `okta-dac org`: an Okta org, prepared for okta-dac. What is made in the org is in the crate
//! `org-setup`; here are the command line, the credentials of the functions, the hook secret and
//! the file of the deployment.

pub mod arguments;
mod deployment;
mod doctor;
mod migrate;
mod remove;
mod secrets;
pub(crate) mod stack;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ::connections::stop::{Code as Of, Stop as Stopped};
use okta_client::{Client, OrgUrl};
use org_setup::hooks;
use org_setup::plan::Wanted;
use serde_json::{Value, json};

use self::arguments::{Org, OrgCommand, Setup, Token};
use self::deployment::Parameters;
use crate::api::show::report;
use crate::api::stop::{Code, Stop};
use crate::connections::arguments::AdminToken;
use crate::environment::Environment;
use crate::output::Printing;
use crate::{interrupt, warn};

/// Time for the calls of one part.
const PART: Duration = Duration::from_secs(120);

impl From<Stopped> for Stop {
    fn from(stopped: Stopped) -> Self {
        let code = match stopped.code {
            Of::Usage => Code::Usage,
            Of::NotAvailable => Code::NotAvailable,
            Of::NotPermitted | Of::Ambiguous | Of::State => Code::Refused,
            _ => Code::Failed,
        };
        let left: String = stopped.left.iter().map(|left| format!("\n  left behind: {left}")).collect();
        Self::new(code, stopped.sentence + &left)
    }
}

/// Runs a command of `org`; says on stderr why it did not succeed.
pub fn run(command: &OrgCommand, printing: Printing, environment: &Environment) -> ExitCode {
    crate::api::ended(match &command.what {
        Org::Setup(arguments) => setup(arguments, printing, environment),
        Org::Doctor(arguments) => doctor::doctor(arguments, printing, environment),
        Org::Remove(arguments) => remove::remove(arguments, printing, environment),
        Org::Migrate(arguments) => migrate::migrate(arguments, printing, environment),
        Org::Flush(arguments) => {
            runtime().and_then(|runtime| runtime.block_on(stack::flush(arguments, printing)))
        }
    })
}

fn org_url(text: &str) -> Result<OrgUrl, Stop> {
    OrgUrl::parse(text).map_err(|error| Stop::new(Code::Usage, format!("`--org`: {error}")))
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Stop::new(Code::Failed, format!("the runtime: {error}")))
}

/// The lines of a list of a report, for a person.
fn lines(report: &Value, name: &str, before: &str) -> String {
    let all = report[name].as_array().into_iter().flatten();
    all.map(|line| format!("{before}{}\n", line.as_str().unwrap_or_default())).collect()
}

/// A call of AWS failed; the innermost cause says why.
pub(crate) fn aws_failed(doing: &str, error: &dyn std::error::Error) -> Stop {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    Stop::new(Code::NotAvailable, format!("{doing}: {cause}"))
}

/// A client with the token of a super admin.
fn admin(org: &OrgUrl, given: &AdminToken, environment: &Environment) -> Result<Client, Stop> {
    let token = crate::connections::bootstrap_token(given, environment)?;
    Client::new(org.clone(), token).map_err(|error| Stopped::of("preparing calls", &error).into())
}

/// Revokes the bootstrap token, unless it is to be kept.
async fn end_token(client: &Client, token: &Token) -> Result<&'static str, Stop> {
    if token.keep_token {
        return Ok("kept");
    }
    ::connections::bootstrap::revoke(client).await?;
    Ok("revoked")
}

fn setup(arguments: &Setup, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    let began = Instant::now();
    let org = org_url(&arguments.org)?;
    let deployment = deployment::prepare(&arguments.samconfig)?;
    let client = admin(&org, &arguments.token.given, environment)?;
    let runtime = runtime()?;
    interrupt::watch();
    interrupt::done("what was made stays, and the bootstrap token lives; the same command goes on");
    let report_of = runtime.block_on(async {
        let timed = || client.for_request(tokio::time::Instant::now() + PART);
        let wanted = wanted(&timed(), arguments).await?;
        if arguments.dry_run {
            let steps = org_setup::setup::plan(&timed(), &wanted).await?;
            return Ok::<Value, Stop>(
                json!({ "v": 1, "dryRun": true, "steps": steps, "bootstrapToken": "kept" }),
            );
        }
        let prepared = org_setup::setup::setup(&timed(), &wanted).await?;
        for text in &prepared.made {
            warn(text);
        }
        let mut parameters = Parameters::of(&org, arguments, &prepared, &deployment);
        let (mut credentials, mut hook_secret) = (Vec::new(), None);
        if let Some(prefix) = &arguments.secrets {
            credentials = secrets::credentials(&client, &org, arguments, prefix).await?;
            let (arn, secret) = secrets::hook_secret(prefix).await?;
            parameters.add_secrets(&credentials, arn);
            hook_secret = Some(secret);
        }
        // Before the hooks: an API that Okta does not reach may lack the very parameters.
        let file = deployment.write(&parameters)?;
        let mut hooks = Value::Null;
        if let (Some(api), Some(secret)) = (&arguments.api, hook_secret) {
            let (api, delegation, adopt) = (api.clone(), arguments.delegation, arguments.adopt);
            let (secret, rewrite) = (secret.current, secret.has_previous);
            let wanted = hooks::Wanted { api, secret, delegation, rewrite, adopt };
            hooks = json!(hooks::finish(&timed(), &wanted).await?);
        }
        let bootstrap = end_token(&client, &arguments.token).await?;
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(json!({
            "v": 1, "org": org.as_str(), "made": prepared.made, "credentials": credentials,
            "hooks": hooks,
            "parameters": parameters.to_json(), "samconfig": file, "bootstrapToken": bootstrap, "ms": ms,
        }))
    });
    let report_of = report_of.inspect_err(|_| warn("this run did not revoke the bootstrap token"))?;
    printing.report(&report_of, || text(&report_of)).map_err(Stop::from)
}

/// The report, for a person.
fn text(of: &Value) -> String {
    if let Some(steps) = of["steps"].as_array() {
        return steps.iter().map(|step| format!("{}\n", step.as_str().unwrap_or_default())).collect();
    }
    let has_credentials = of["credentials"].as_array().is_some_and(|all| !all.is_empty());
    let next = match (has_credentials, of["hooks"].is_null()) {
        (false, _) => {
            "the credentials of the functions lack: run again with `--secrets` (docs/deploying.md)\n"
        }
        (true, true) => {
            "`make deploy` deploys; then run again with `--api` for the hooks (docs/deploying.md)\n"
        }
        (true, false) => "",
    };
    let hooks = if of["hooks"].is_null() { String::new() } else { report(&of["hooks"]) };
    report(&of["parameters"]) + &hooks + next
}

/// What the command line wants, with the ids of superusers.
async fn wanted(client: &Client, arguments: &Setup) -> Result<Wanted, Stop> {
    let mut superusers = Vec::new();
    for login in &arguments.superusers {
        let user = client.get_user(login).await.map_err(|error| match error.is_not_found() {
            true => Stop::new(Code::Usage, format!("`--superuser {login}`: there is no such user")),
            false => Stopped::of("looking for a superuser", &error).into(),
        })?;
        superusers.push(user.id.to_string());
    }
    Ok(Wanted {
        origins: arguments.origins.clone(),
        superusers,
        audience: arguments.audience.clone(),
        delegation: arguments.delegation || arguments.user_type.is_some(),
        user_type: arguments.user_type.clone(),
        adopt: arguments.adopt,
    })
}
