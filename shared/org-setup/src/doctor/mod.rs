//! What is not as it has to be in an org, and its cure.
//!
//! | module | what it has |
//! |---|---|
//! | [`finding`] | the kinds of findings, and what is said of one |
//! | `asked` | what the doctor knows besides the org |
//! | `view` | what the findings follow from, read from the org |
//! | `checks` | the findings of a view: pure |
//! | `tenants` | a walk through the tenants, with the crate `examination` |
//!
//! Nothing is changed unless it is to be fixed. What is fixed gives nobody a right: what lacks is
//! made as by [`setup`](crate::setup), where nothing stands in the way, and of tenants what
//! `reconcile` cures. Everything else is a person's decision: a scope that a connection has beside
//! its preset may be wanted, and whoever administers apps writes the notes that say the preset.

mod asked;
mod checks;
pub mod finding;
mod tenants;
mod view;

use connections::stop::Stop;
use okta_client::Client;

pub use self::asked::{Asked, Tables};
pub use self::finding::{Code, Finding};
use self::view::View;

/// Examines the org; in the order of what is most dangerous.
///
/// # Errors
///
/// The credential may not read, or for a fix is no super admin's; Okta or the table is not
/// available.
pub async fn examine(client: &Client, asked: &Asked) -> Result<Vec<Finding>, Stop> {
    let view = View::read(client).await?;
    let mut findings = checks::all(&view, asked);
    if asked.fix {
        fix(client, &view, asked, &mut findings).await?;
    }
    if let Some(app) = view.seen.apps.first() {
        findings.extend(tenants::walk(client, asked, app.id.clone()).await?);
    }
    findings.sort_by_key(|finding| finding.rank);
    Ok(findings)
}

/// Fixes what is safe, and notes what is fixed.
async fn fix(client: &Client, view: &View, asked: &Asked, findings: &mut [Finding]) -> Result<(), Stop> {
    if findings.iter().any(|finding| finding.is(Code::Lacking) && finding.fixable) {
        let made = crate::setup::setup(client, &view.wanted(asked)).await?.made;
        for finding in findings.iter_mut().filter(|finding| finding.is(Code::Lacking)) {
            finding.fixed = made.contains(&finding.detail);
        }
    }
    Ok(())
}
