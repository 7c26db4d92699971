//! `okta-dac org doctor`: what is not as it has to be. The findings are in the crate `org-setup`;
//! here are the credential, the deployment and the table.

use std::time::Duration;

use okta_client::Client;
use org_setup::doctor::{Asked, Finding, examine};
use serde_json::json;

use ::connections::stop::Stop as Stopped;

use super::arguments::Doctor;
use super::stack::Stack;
use super::{admin, end_token, org_url, runtime, secrets};
use crate::api::stop::{Code, Stop};
use crate::environment::Environment;
use crate::output::Printing;
use crate::warn;

/// Time to read what the org has; each tenant has time of its own.
const EXAMINATION: Duration = Duration::from_secs(1_800);

/// Examines; there are findings: [`Code::Refused`].
pub(super) fn doctor(arguments: &Doctor, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    let org = org_url(&arguments.org)?;
    let given = match &arguments.secrets {
        Some(_) => None,
        None => Some(admin(&org, &arguments.token.given, environment)?),
    };
    let has_token = given.is_some();
    let (findings, bootstrap) = runtime()?
        .block_on(async {
            let client = match (given, &arguments.secrets) {
                (Some(client), _) => client,
                (None, prefix) => {
                    let credential = secrets::doctor(prefix.as_deref().unwrap_or_default()).await?;
                    Client::new(org, credential).map_err(|error| Stopped::of("preparing calls", &error))?
                }
            };
            let mut asked = Asked {
                fix: arguments.fix,
                adopt: arguments.adopt,
                operator: environment.text("USER").unwrap_or("unknown").to_owned(),
                ..Asked::default()
            };
            let mut of_api = Vec::new();
            match &arguments.stack {
                Some(name) => {
                    let stack = Stack::read(name).await?;
                    asked.tables = Some(stack.tables().await?);
                    of_api = stack.other_stages().await?;
                    asked.api = Some(stack.api_id()?.to_owned());
                    asked.parameters = stack.parameters;
                }
                None => warn("the deployment is not examined: `--stack NAME` names it"),
            }
            let timed = client.for_request(tokio::time::Instant::now() + EXAMINATION).patient();
            let mut findings = examine(&timed, &asked).await?;
            findings.extend(of_api);
            findings.sort_by_key(|finding| finding.rank);
            let bootstrap = match has_token {
                true => Some(end_token(&client, &arguments.token).await?),
                false => None,
            };
            Ok::<_, Stop>((findings, bootstrap))
        })
        .inspect_err(|_| {
            if has_token {
                warn("this run did not revoke the token");
            }
        })?;
    let mut report = json!({ "findings": findings });
    if let Some(bootstrap) = bootstrap {
        report["bootstrapToken"] = bootstrap.into();
    }
    printing.report(&report, || text(&findings))?;
    let left = findings.iter().filter(|finding| !finding.fixed).count();
    match left {
        0 => Ok(()),
        1 => Err(Stop::new(Code::Refused, "one finding is left")),
        left => Err(Stop::new(Code::Refused, format!("{left} findings are left"))),
    }
}

/// A line for each finding, with its cure.
fn text(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "nothing is wrong\n".to_owned();
    }
    let line = |finding: &Finding| {
        let Finding { code, object, detail, cure, fixable, fixed, .. } = finding;
        let cure = match (fixed, fixable) {
            (true, _) => "fixed".to_owned(),
            (false, true) => format!("`--fix` fixes it; or: {cure}"),
            (false, false) => cure.clone(),
        };
        format!("{code}: {object}: {detail}\n  {cure}\n")
    };
    findings.iter().map(line).collect()
}
