//! `okta-dac connect` and `okta-dac connection`: integrations of other tools with least
//! privilege. What they do is in the crate `connections`; here are the command line, the
//! bootstrap token, and what is printed.

pub mod arguments;
mod bootstrap;

pub(crate) use bootstrap::{is_token, token as bootstrap_token};

use std::process::ExitCode;
use std::time::Duration;

use okta_client::{Client, OrgUrl};
use serde_json::json;

use ::connections::plan::Wanted;
use ::connections::preset::{Preset, Role};
use ::connections::probes;
use ::connections::service_app::{self, Run};
use ::connections::stop::{Code, Stop};
use ::connections::{api_service, api_token, ending, rotate, upgrade};

use self::arguments::{
    AdminToken, ApiService, ApiToken, Connect, ConnectCommand, Connection, ConnectionCommand, End, List,
    Rotate, ServiceApp, Upgrade, Verify,
};
use crate::environment::Environment;
use crate::output::Printing;
use crate::terminal::Terminal;
use crate::{interrupt, warn};

/// How long rights may take to come into effect.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command of `connect`; says on stderr why it stopped.
pub fn connect(command: &ConnectCommand, printing: Printing, environment: &Environment) -> ExitCode {
    ended(match &command.what {
        Connect::ServiceApp(arguments) => service_app_of(arguments, printing, environment),
        Connect::ApiService(arguments) => api_service_of(arguments, printing, environment),
        Connect::ApiToken(arguments) => api_token_of(arguments, printing, environment),
    })
}

/// Runs a command of `connection`; says on stderr why it stopped.
pub fn connection(command: &ConnectionCommand, printing: Printing, environment: &Environment) -> ExitCode {
    ended(match &command.what {
        Connection::Verify(arguments) => verify(arguments, printing),
        Connection::RotateKey(arguments) => rotated(arguments, true, printing, environment),
        Connection::RotateSecret(arguments) => rotated(arguments, false, printing, environment),
        Connection::Upgrade(arguments) => upgraded(arguments, printing, environment),
        Connection::Revoke(arguments) => ending_of(arguments, false, printing, environment),
        Connection::Uninstall(arguments) => ending_of(arguments, true, printing, environment),
        Connection::List(arguments) => list(arguments, printing, environment),
    })
}

fn ended(result: Result<(), Stop>) -> ExitCode {
    let Err(stop) = result else { return ExitCode::SUCCESS };
    warn(&stop.sentence);
    for left in &stop.left {
        warn(&format!("left behind: {left}"));
    }
    ExitCode::from(stop.code.number())
}

fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Stop::new(Code::Defect, format!("the runtime cannot be started: {error}")))
}

fn service_app_of(arguments: &ServiceApp, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    let preset = match (arguments.preset.as_str(), arguments.custom_role) {
        ("read-only", true) => Preset::parse("read-only-custom")?,
        (name, true) => {
            let sentence = format!("`--custom-role` goes with `--preset read-only`, and not with `{name}`");
            return Err(Stop::new(Code::Usage, sentence));
        }
        (name, false) => Preset::parse(name)?,
    };
    let (org, client) = admin(&arguments.place.org, &arguments.token.given, environment)?;
    let wanted = Wanted {
        label: arguments.name.clone().unwrap_or_else(|| format!("okta-dac {}", preset.name)),
        preset,
        key: arguments.key,
        adopt: arguments.adopt,
        jwks_uri: arguments.jwks_uri.clone(),
        resources: resources(&org, preset, &arguments.users),
    };
    let run = Run {
        client: &client,
        org: &org,
        sink: &arguments.place.to,
        wanted: &wanted,
        keep_token: arguments.token.keep_token,
        patience: PATIENCE,
    };
    let runtime = runtime()?;
    if arguments.dry_run {
        let (owner, steps) = runtime.block_on(service_app::plan(&run))?;
        let plan = service_app::described(&run, &owner, &steps);
        return print(printing, &plan, || {
            plan["steps"].as_array().into_iter().flatten().map(|step| format!("{step}\n")).collect()
        });
    }
    interrupt::watch();
    interrupt::done("what was made stays, and the bootstrap token lives; the same command goes on");
    let result = runtime.block_on(service_app::connect(&run));
    let report = match result {
        Ok(report) => report,
        Err(stop) => {
            if !arguments.token.always_revoke || stop.code == Code::TokenLives {
                warn("the bootstrap token lives, for another try");
            } else if let Err(lives) = runtime.block_on(::connections::bootstrap::revoke(&client)) {
                // What the run left is as important as the token.
                warn(&stop.sentence);
                return Err(Stop { left: stop.left, ..lives });
            }
            return Err(stop);
        }
    };
    if !report.dpop {
        warn("Okta does not bind this app's tokens to a key: whoever has a token can use it");
    }
    let report = json(&report)?;
    print(printing, &report, || table(&report))
}

fn api_service_of(arguments: &ApiService, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    let (org, client) = admin(&arguments.place.org, &arguments.token, environment)?;
    let run = api_service::Run {
        client: &client,
        org: &org,
        sink: &arguments.place.to,
        kind: &arguments.kind,
        preset: Preset::parse(&arguments.preset)?,
        keep_token: arguments.keep_token,
        patience: PATIENCE,
    };
    if arguments.dry_run {
        return planned(printing, run.org, &runtime()?.block_on(api_service::plan(&run))?);
    }
    interrupt::watch();
    interrupt::done("an integration may be installed: the same command goes on from it");
    let report = runtime()?.block_on(api_service::connect(&run)).inspect_err(|stop| {
        if stop.code != Code::TokenLives {
            warn("the bootstrap token lives, for another try");
        }
    })?;
    let report = json(&report)?;
    print(printing, &report, || table(&report))
}

fn api_token_of(arguments: &ApiToken, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    let org = org(&arguments.place.org)?;
    let text = bootstrap::text(&arguments.token, environment)?;
    let checked = api_token::connect(&org, text.as_str().into(), &arguments.place.to);
    let report = json(&runtime()?.block_on(checked)?)?;
    for warning in report["warnings"].as_array().into_iter().flatten().filter_map(|text| text.as_str()) {
        warn(warning);
    }
    print(printing, &report, || table(&report))
}

fn rotated(arguments: &Rotate, key: bool, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    let runtime = runtime()?;
    // Where Okta reads the keys at an address, a new one needs no right in Okta.
    let stored = runtime.block_on(arguments.place.to.read())?;
    let (org, client) = match stored {
        Some(stored) if key && stored.jwks_uri.is_some() => {
            let org = org(&arguments.place.org)?;
            let client = Client::new(org.clone(), stored.credential()?);
            let client = client.map_err(|error| Stop::of("using the credential", &error))?;
            (org, client)
        }
        _ => admin(&arguments.place.org, &arguments.token, environment)?,
    };
    let run = rotate::Run {
        client: &client,
        org: &org,
        sink: &arguments.place.to,
        key: arguments.key,
        patience: PATIENCE,
        overlap: Duration::from_secs(arguments.overlap),
        resume: arguments.resume,
        delete_old: arguments.delete_old,
    };
    if arguments.dry_run {
        return planned(printing, run.org, &runtime.block_on(rotate::plan(&run, key))?);
    }
    interrupt::watch();
    interrupt::done("the credential in use works on; `--resume` finishes what was begun");
    let report =
        if key { runtime.block_on(rotate::key(&run))? } else { runtime.block_on(rotate::secret(&run))? };
    let mut report = json(&report)?;
    report["bootstrapToken"] = "kept".into();
    print(printing, &report, || format!("{report:#}\n"))
}

fn upgraded(arguments: &Upgrade, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    let (org, client) = admin(&arguments.place.org, &arguments.token, environment)?;
    let preset = arguments.preset.as_deref().map(Preset::parse).transpose()?;
    let run = upgrade::Run {
        client: &client,
        org: &org,
        sink: &arguments.place.to,
        preset,
        add: &arguments.add_scope,
        drop: &arguments.drop_scope,
        resources: preset.map(|preset| resources(&org, preset, &arguments.users)).unwrap_or_default(),
        overlap: Duration::from_secs(arguments.overlap),
        patience: PATIENCE,
    };
    if arguments.dry_run {
        let steps: Vec<String> =
            runtime()?.block_on(upgrade::plan(&run))?.iter().map(ToString::to_string).collect();
        return planned(printing, run.org, &steps);
    }
    interrupt::watch();
    interrupt::done("the credential in use works on; the same command goes on");
    let report = json(&runtime()?.block_on(upgrade::upgrade(&run))?)?;
    print(printing, &report, || table(&report))
}

fn ending_of(
    arguments: &End,
    uninstall: bool,
    printing: Printing,
    environment: &Environment,
) -> Result<(), Stop> {
    let (org, client) = admin(&arguments.place.org, &arguments.token, environment)?;
    let sink = &arguments.place.to;
    if arguments.dry_run {
        return planned(printing, &org, &runtime()?.block_on(ending::plan(&client, &org, sink, uninstall))?);
    }
    if !arguments.yes {
        let what = if uninstall { "taken out, with its credential" } else { "stopped" };
        let question = format!("The connection of {sink} is {what}. Go on? Type yes");
        let mut terminal = Terminal::new(true);
        if !terminal.is_there() {
            let sentence = "this is asked first, and there is no terminal: `--yes` is the answer of a script";
            return Err(Stop::new(Code::Usage, sentence));
        }
        let answer = terminal.ask(&question).map_err(|failure| Stop::new(Code::Usage, failure.sentence))?;
        if answer != "yes" {
            return Err(Stop::new(Code::Usage, "nothing was changed"));
        }
    }
    let runtime = runtime()?;
    let id = if uninstall {
        runtime.block_on(ending::uninstall(&client, &org, sink))?
    } else {
        runtime.block_on(ending::revoke(&client, &org, sink))?
    };
    let outcome = if uninstall { "uninstalled" } else { "revoked" };
    let report = json!({ "v": 1, "clientId": id, "outcome": outcome, "bootstrapToken": "kept", "calls": client.calls() });
    print(printing, &report, || format!("{id} {outcome}\n"))
}

fn list(arguments: &List, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    let (_, client) = admin(&arguments.org, &arguments.token, environment)?;
    let all = runtime()?.block_on(ending::list(&client))?;
    let rows = all.iter().map(json).collect::<Result<Vec<_>, _>>()?;
    let printed = printing.list(&rows, || {
        let mut table = comfy_table::Table::new();
        table
            .load_style(comfy_table::TableStyle::new())
            .set_header(["CLIENT", "LABEL", "PRESET", "STATUS", "ROLES"]);
        for one in &all {
            table.add_row([&one.client_id, &one.label, &one.preset, &one.status, &one.roles.join(", ")]);
        }
        format!("{table}\n")
    });
    printed.map_err(|failure| Stop::new(Code::Defect, failure.sentence))
}

/// What a run would do.
fn planned(printing: Printing, org: &OrgUrl, steps: &[impl AsRef<str>]) -> Result<(), Stop> {
    let steps: Vec<&str> = steps.iter().map(AsRef::as_ref).collect();
    let plan = json!({ "v": 1, "org": org.as_str(), "dryRun": true, "steps": steps });
    print(printing, &plan, || steps.iter().map(|step| format!("{step}\n")).collect())
}

/// The org, and a client with a super admin's token.
fn admin(url: &str, token: &AdminToken, environment: &Environment) -> Result<(OrgUrl, Client), Stop> {
    let org = org(url)?;
    let token = bootstrap::token(token, environment)?;
    let client = Client::new(org.clone(), token).map_err(|error| Stop::of("preparing calls", &error))?;
    Ok((org, client))
}

fn json(report: &impl serde::Serialize) -> Result<serde_json::Value, Stop> {
    serde_json::to_value(report)
        .map_err(|error| Stop::new(Code::Defect, format!("the report cannot be written: {error}")))
}

fn verify(arguments: &Verify, printing: Printing) -> Result<(), Stop> {
    let preset = Preset::parse(&arguments.preset)?;
    let org = org(&arguments.place.org)?;
    let runtime = runtime()?;
    let stored = runtime.block_on(arguments.place.to.read())?;
    let nothing = || Stop::new(Code::Usage, format!("there is no credential in {}", arguments.place.to));
    let stored = stored.ok_or_else(nothing)?;
    let client = Client::new(org.clone(), stored.credential()?);
    let client = client.map_err(|error| Stop::of("preparing calls", &error))?;
    if let Some(own) = stored.org.as_ref().filter(|own| *own != org.as_str()) {
        return Err(Stop::new(
            Code::Usage,
            format!("the credential is of {own}, and not of {}", org.as_str()),
        ));
    }
    let probes = runtime.block_on(async {
        match stored.client_id {
            Some(_) => probes::all(&client, &org, preset, &stored, Duration::ZERO).await,
            None => probes::run(&client, preset, &stored.scopes, Duration::ZERO).await,
        }
    })?;
    let report = json!({
        "v": 1, "org": org.as_str(), "clientId": stored.client_id, "keyId": stored.key_id, "scopes": stored.scopes,
        "probes": probes, "calls": client.calls(),
    });
    print(printing, &report, || table(&report))?;
    probes::judge(&probes, preset.role.name())
}

fn org(text: &str) -> Result<OrgUrl, Stop> {
    OrgUrl::parse(text).map_err(|error| Stop::new(Code::Usage, error.to_string()))
}

/// What a custom role is for, as URLs of the org.
pub(crate) fn resources(org: &OrgUrl, preset: &Preset, users: &str) -> Vec<String> {
    let Role::Custom { permissions, .. } = preset.role else { return Vec::new() };
    let url = |path: String| format!("{}/api/v1/{path}", org.as_str());
    let has = |kind: &str| permissions.iter().any(|permission| permission.starts_with(kind));
    let groups = has("okta.groups.");
    match users.strip_prefix("group:") {
        // A group alone gives no right over its members.
        Some(group) => {
            let apps = has("okta.apps.").then(|| url("apps".to_owned()));
            [format!("groups/{group}/users"), format!("groups/{group}")]
                .map(url)
                .into_iter()
                .chain(apps)
                .collect()
        }
        None if has("okta.apps.") => ["users", "groups", "apps"].map(|all| url(all.to_owned())).to_vec(),
        None if groups => vec![url("users".to_owned()), url("groups".to_owned())],
        None => vec![url("users".to_owned())],
    }
}

fn print(printing: Printing, report: &serde_json::Value, text: impl FnOnce() -> String) -> Result<(), Stop> {
    printing.report(report, text).map_err(|failure| Stop::new(Code::Defect, failure.sentence))
}

/// What was tried, for a person.
fn table(report: &serde_json::Value) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::TableStyle::new()).set_header(["PROBE", "EXPECTED", "GOT"]);
    for probe in report["probes"].as_array().into_iter().flatten() {
        table.add_row(["what", "expected", "got"].map(|name| probe[name].as_str().unwrap_or_default()));
    }
    let text = |name: &str| report[name].as_str().unwrap_or("-").to_owned();
    format!(
        "client       {}\nkey          {}\ncredential   {}\ntoken        {}\n{table}\n",
        text("clientId"),
        text("keyId"),
        text("credential"),
        text("bootstrapToken")
    )
}
