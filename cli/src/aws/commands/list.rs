//! `list`: roles, profiles and accounts.

use std::process::ExitCode;

use serde_json::json;

use crate::aws::arguments::List;
use crate::aws::context::Base;
use crate::aws::credentials;
use crate::aws::session::{self, Freshness};
use crate::aws::state::State;
use crate::failure::Failure;

/// Runs the command.
///
/// # Errors
///
/// By the table of exit codes.
pub fn run(mut base: Base<'_>, arguments: &List) -> Result<ExitCode, Failure> {
    let name = base.org_name().to_owned();
    let aliases = base.org()?.aliases.clone();
    let profiles = super::profile_file(&base).own()?;
    let (place, printing) = (base.place.clone(), base.printing);
    if arguments.online {
        let vault = base.vault()?;
        let mut context = base.online(vault)?;
        credentials::runtime()?.block_on(session::identity(&mut context, Freshness::New))?;
    }
    let state = State::read(&place)?;
    let roles = state.roles.get(&name).cloned().unwrap_or_default();
    let rows: Vec<_> = roles
        .iter()
        .map(|known| {
            let account = known.role.split(':').nth(4).unwrap_or_default();
            let alias = aliases.get(account).or_else(|| state.aliases.get(account));
            let profile = profiles.iter().find(|(_, owner)| owner.role == known.role).map(|(name, _)| name);
            json!({ "role": known.role, "provider": known.provider, "account": account, "alias": alias, "profile": profile })
        })
        .collect();
    if rows.is_empty() {
        crate::warn("no role is known; `okta-dac aws list --online` asks Okta");
    }
    printing.list(&rows, || {
        if rows.is_empty() {
            return String::new();
        }
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::TableStyle::new()).set_header(["PROFILE", "ACCOUNT", "ROLE"]);
        for row in &rows {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let account =
                Some(text("alias")).filter(|alias| !alias.is_empty()).unwrap_or_else(|| text("account"));
            table.add_row([text("profile"), account, text("role")]);
        }
        format!("{table}\n")
    })?;
    Ok(ExitCode::SUCCESS)
}
