//! `okta-dac org remove`: the org without okta-dac. What is taken out is in the crate `org-setup`;
//! here are the questions, the credentials and the token.

use std::time::Duration;

use serde_json::json;

use super::arguments::Remove;
use super::{admin, end_token, lines, org_url, runtime, secrets};
use crate::api::stop::{Code, Stop};
use crate::environment::Environment;
use crate::output::Printing;
use crate::terminal::Terminal;
use crate::{interrupt, warn};

/// Time for all calls of Okta, with their waits for its limit.
const REMOVAL: Duration = Duration::from_secs(1_800);

/// Takes everything out, after it is confirmed.
pub(super) fn remove(arguments: &Remove, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    let org = org_url(&arguments.org)?;
    let client = admin(&org, &arguments.token.given, environment)?;
    let report = runtime()?.block_on(async {
        let timed = || client.for_request(tokio::time::Instant::now() + REMOVAL).patient();
        let plan = org_setup::remove::plan(&timed()).await?;
        let kept = match &arguments.secrets {
            Some(prefix) => Some(secrets::kept(prefix, &org).await?),
            None => None,
        };
        let tenants: Vec<String> = plan.tenants.iter().map(|tenant| tenant.name.to_string()).collect();
        let mut steps = plan.steps();
        steps.extend(kept.iter().flat_map(secrets::Kept::steps));
        if arguments.dry_run {
            return Ok(json!({ "v": 1, "dryRun": true, "steps": steps, "left": plan.left, "bootstrapToken": "kept" }));
        }
        if !tenants.is_empty() && !arguments.with_tenants {
            let sentence =
                format!("there are tenants: {}; `--with-tenants` deletes them, too", tenants.join(", "));
            return Err(Stop::new(Code::Refused, sentence));
        }
        if !arguments.yes {
            confirm(&tenants, &steps, org.as_str())?;
        }
        interrupt::watch();
        interrupt::done(
            "what was taken out is gone, and the bootstrap token lives; the same command goes on",
        );
        let removed = org_setup::remove::remove(&timed(), plan).await?;
        let (mut done, mut left) = (removed.removed, removed.left);
        match &kept {
            Some(kept) => done.extend(kept.take_out(&client, &org).await?),
            None => {
                let connections = ::connections::ending::list(&timed()).await?;
                left.extend(connections.into_iter().map(|one| {
                    format!(
                        "the connection {} ({}): `--secrets PREFIX` takes it out",
                        one.label, one.client_id
                    )
                }));
            }
        }
        let bootstrap = end_token(&client, &arguments.token).await?;
        Ok(json!({ "v": 1, "org": org.as_str(), "removed": done, "left": left, "bootstrapToken": bootstrap }))
    });
    let report = report.inspect_err(|_: &Stop| warn("this run did not revoke the bootstrap token"))?;
    let text = || {
        lines(&report, "steps", "")
            + &lines(&report, "removed", "")
            + &lines(&report, "left", "left behind: ")
    };
    printing.report(&report, text).map_err(Stop::from)
}

/// Asks for each tenant, and for the rest.
fn confirm(tenants: &[String], steps: &[String], org: &str) -> Result<(), Stop> {
    let mut terminal = Terminal::new(true);
    if !terminal.is_there() {
        let sentence = "this is asked first, and there is no terminal: `--yes` is the answer of a script";
        return Err(Stop::new(Code::Usage, sentence));
    }
    for step in steps {
        terminal.show(step);
    }
    let mut ask = |question: String, expected: &str| match terminal.ask(&question)?.as_str() {
        answer if answer == expected => Ok(()),
        _ => Err(Stop::new(Code::Usage, "nothing was changed")),
    };
    for tenant in tenants {
        ask(format!("The tenant {tenant} is deleted; its users stay. Go on? Type {tenant}"), tenant)?;
    }
    ask(format!("okta-dac is taken out of {org}. Go on? Type yes"), "yes")
}
