//! A pass: a walk through the whole org that can stop and go on anywhere.
//!
//! The place where a pass stands is kept after each piece, with what was found so far.
//! A run that is killed loses one piece, and the next run does that piece again: what
//! is found does not depend on how often a pass was interrupted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Finding;

/// Most findings that are kept; a DynamoDB item holds 400 KB.
const MOST: usize = 1_000;

/// What a pass looks at, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Phase {
    /// Every `ADMINS_` group: each is a tenant.
    #[default]
    Tenants,
    /// Every routing rule of ours.
    Rules,
    /// Every IdP of ours.
    Idps,
    /// Every `USERS_` group.
    UsersGroups,
    /// Every `APPUSERS_` group.
    AppGroups,
    /// Nothing more.
    Complete,
}

impl Phase {
    fn next(self) -> Self {
        match self {
            Phase::Tenants => Phase::Rules,
            Phase::Rules => Phase::Idps,
            Phase::Idps => Phase::UsersGroups,
            Phase::UsersGroups => Phase::AppGroups,
            Phase::AppGroups | Phase::Complete => Phase::Complete,
        }
    }
}

/// Where a pass stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Pass {
    pub(crate) phase: Phase,
    /// Okta's cursor of the page; none: the first.
    pub(crate) page: Option<String>,
    /// Id of the object of this page that was looked at last.
    pub(crate) after: Option<String>,
    /// Whether the next object could not be looked at before.
    pub(crate) failed: bool,
    /// Tenants that were looked at.
    pub(crate) tenants: u32,
    /// Objects that could not be looked at, twice.
    pub(crate) skipped: u32,
    /// What was found.
    pub(crate) findings: BTreeSet<Finding>,
}

impl Pass {
    /// The pass that an earlier run kept; a new one, if there is none, or an earlier
    /// version kept another.
    pub(crate) fn of(kept: Option<&str>) -> Self {
        kept.and_then(|kept| serde_json::from_str(kept).ok()).unwrap_or_default()
    }

    /// As it is kept.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.phase == Phase::Complete
    }

    /// Goes on after an object, with what was found there; gives what was not known.
    pub(crate) fn went_past(&mut self, id: &str, found: Vec<Finding>) -> Vec<Finding> {
        self.after = Some(id.to_owned());
        self.failed = false;
        if self.phase == Phase::Tenants {
            self.tenants += 1;
        }
        let room = MOST.saturating_sub(self.findings.len());
        found.into_iter().filter(|finding| self.findings.insert(finding.clone())).take(room).collect()
    }

    /// Notes that the object could not be looked at, or, without an object, the page not
    /// be read. After the second time the pass goes on without the object: one that
    /// Okta cannot show must not hide the others. A page whose cursor Okta has forgotten
    /// is looked for from the first page on.
    pub(crate) fn failed_at(&mut self, id: Option<&str>) {
        if !std::mem::replace(&mut self.failed, true) {
            return;
        }
        self.failed = false;
        match id {
            Some(id) => {
                self.skipped += 1;
                self.after = Some(id.to_owned());
            }
            None => (self.page, self.after) = (None, None),
        }
    }

    /// Goes on to the next page, or to the next phase.
    pub(crate) fn page_ended(&mut self, next: Option<String>) {
        if next.is_none() {
            self.phase = self.phase.next();
        }
        self.page = next;
        self.after = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_goes_on_where_it_stopped() {
        let mut pass = Pass::default();
        pass.went_past("00g1", Vec::new());
        pass.page_ended(Some("cursor".to_owned()));
        assert_eq!(
            (pass.phase, pass.page.as_deref(), pass.after.as_deref()),
            (Phase::Tenants, Some("cursor"), None)
        );
        let again = Pass::of(Some(&pass.to_text()));
        assert_eq!(again, pass);
        for _ in 0..5 {
            pass.page_ended(None);
        }
        assert!(pass.is_complete());
        assert_eq!(Pass::of(Some("of another version")), Pass::default());
    }

    #[test]
    fn one_object_cannot_stop_a_pass() {
        let mut pass = Pass::default();
        pass.failed_at(Some("00g1"));
        assert_eq!((pass.after.as_deref(), pass.skipped), (None, 0));
        pass.failed_at(Some("00g1"));
        assert_eq!((pass.after.as_deref(), pass.skipped, pass.failed), (Some("00g1"), 1, false));
        pass.page_ended(Some("cursor".to_owned()));
        pass.failed_at(None);
        assert_eq!(pass.page.as_deref(), Some("cursor"));
        pass.failed_at(None);
        assert_eq!(pass.page, None);
    }
}
