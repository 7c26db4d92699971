//! `okta-dac org migrate`: an org of the predecessor, taken over. What is changed is in the crate
//! `org-setup`.

use std::time::Duration;

use org_setup::migrate::{self, Asked, From};
use serde_json::json;

use super::arguments::{Migrate, Predecessor};
use super::{admin, end_token, lines, org_url, runtime};
use crate::api::stop::Stop;
use crate::environment::Environment;
use crate::output::Printing;
use crate::{interrupt, warn};

/// Time to read what the org has.
const READING: Duration = Duration::from_secs(1_800);

/// Changes what okta-dac goes by, or takes everything back.
pub(super) fn migrate(
    arguments: &Migrate,
    printing: Printing,
    environment: &Environment,
) -> Result<(), Stop> {
    let org = org_url(&arguments.org)?;
    let client = admin(&org, &arguments.token.given, environment)?;
    let report = runtime()?.block_on(async {
        let timed = || client.for_request(tokio::time::Instant::now() + READING).patient();
        let from = match arguments.from {
            Predecessor::OktaDac => From::OktaDac,
            Predecessor::OktaManagedaccess => From::OktaManagedaccess,
        };
        let asked = Asked {
            app: arguments.app.as_deref().map(Into::into),
            server: arguments.server.clone(),
            user_type: arguments.user_type.clone(),
            finish: arguments.finish,
        };
        let plan = migrate::plan(&timed(), &asked.complete(&timed(), from).await?).await?;
        if arguments.dry_run {
            return Ok(json!({ "v": 1, "dryRun": true, "steps": plan.steps(), "left": plan.left, "bootstrapToken": "kept" }));
        }
        interrupt::watch();
        interrupt::done("what was changed stays changed, and the bootstrap token lives; the same command goes on");
        let done = migrate::migrate(&client, plan).await?;
        let bootstrap = end_token(&client, &arguments.token).await?;
        Ok(json!({
            "v": 1, "org": org.as_str(), "changed": done.changed, "left": done.left, "bootstrapToken": bootstrap,
        }))
    });
    let report = report.inspect_err(|_: &Stop| warn("this run did not revoke the bootstrap token"))?;
    let text = || {
        lines(&report, "steps", "") + &lines(&report, "changed", "") + &lines(&report, "left", "to decide: ")
    };
    printing.report(&report, text).map_err(Stop::from)
}
