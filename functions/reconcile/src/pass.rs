//! A pass: a walk through the whole org that can stop and go on anywhere.
//!
//! The place where a pass stands is kept after each piece, with what was found so far.
//! A run that is killed loses one piece, and the next run does that piece again: in an
//! org that nobody changes, a pass finds the same however often it was interrupted, but
//! for what was cured in the piece that was lost; the tenant's records tell of that.

use std::collections::{BTreeMap, BTreeSet};

use examination::{Finding, Kind, Phase};
use serde::{Deserialize, Serialize};

/// Most findings that are kept; a DynamoDB item holds 400 KB.
const MOST: usize = 1_000;

/// Where a pass stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Pass {
    pub(crate) phase: Phase,
    /// When it began, ms since 1970; 0: not yet.
    pub(crate) began: i64,
    /// Id of the routing rule that was noted in the index of domains last.
    pub(crate) indexed: Option<String>,
    /// Whether the index has all rules that were there when the pass began.
    pub(crate) is_indexed: bool,
    /// Okta's cursor of the page; none: the first.
    pub(crate) page: Option<String>,
    /// Id of the object of this page that was looked at last.
    pub(crate) after: Option<String>,
    /// Id of the object that could not be looked at before; empty: the page.
    pub(crate) failed: Option<String>,
    /// Tenants that were looked at.
    pub(crate) tenants: u32,
    /// Objects that could not be looked at, twice.
    pub(crate) skipped: u32,
    /// How many damages were found, by kind.
    pub(crate) counts: BTreeMap<Kind, u32>,
    /// How many of them are cured, by kind.
    pub(crate) cured: BTreeMap<Kind, u32>,
    /// The damages, at most [`MOST`].
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
        self.failed = None;
        if self.phase == Phase::Tenants {
            self.tenants += 1;
        }
        let mut new = Vec::new();
        for finding in found {
            if self.findings.contains(&finding) {
                continue;
            }
            *self.counts.entry(finding.kind).or_default() += 1;
            *self.cured.entry(finding.kind).or_default() += u32::from(finding.cured);
            if self.findings.len() < MOST {
                self.findings.insert(finding.clone());
            }
            new.push(finding);
        }
        new
    }

    /// Notes that the object could not be looked at, or, without an object, the page not
    /// be read. After the second time the pass goes on without the object, and this is
    /// `true`: an object that Okta cannot show must not hide the others. A page whose
    /// cursor Okta has forgotten is looked for from the first page on; without a first
    /// page the phase ends.
    pub(crate) fn failed_at(&mut self, id: Option<&str>) -> bool {
        let place = id.unwrap_or_default();
        if self.failed.as_deref() != Some(place) {
            self.failed = Some(place.to_owned());
            return false;
        }
        self.failed = None;
        match id {
            Some(id) => {
                self.skipped += 1;
                self.after = Some(id.to_owned());
            }
            None if self.page.is_some() => (self.page, self.after) = (None, None),
            None => {
                self.skipped += 1;
                self.page_ended(None);
            }
        }
        true
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
            (Phase::Org, Some("cursor"), None)
        );
        let again = Pass::of(Some(&pass.to_text()));
        assert_eq!(again, pass);
        for _ in 0..6 {
            pass.page_ended(None);
        }
        assert!(pass.is_complete());
        assert_eq!(Pass::of(Some("of another version")), Pass::default());
    }

    #[test]
    fn one_object_cannot_stop_a_pass() {
        let mut pass = Pass::default();
        assert!(!pass.failed_at(Some("00g1")));
        assert!(!pass.failed_at(Some("00g2")), "another one");
        assert!(pass.failed_at(Some("00g2")));
        assert_eq!((pass.after.as_deref(), pass.skipped, pass.failed.as_deref()), (Some("00g2"), 1, None));
        pass.page_ended(Some("cursor".to_owned()));
        assert!(!pass.failed_at(None) && pass.failed_at(None));
        assert_eq!((pass.page.as_deref(), pass.phase), (None, Phase::Org));
        assert!(!pass.failed_at(None) && pass.failed_at(None));
        assert_eq!((pass.phase, pass.skipped), (Phase::Tenants, 2));
    }

    #[test]
    fn more_than_are_kept_are_counted() {
        let mut pass = Pass::default();
        let object = |n: usize| run_kit::Object::new("group", format!("ADMINS_{n}"), n);
        let found = (0..MOST + 5).map(|n| Finding::new(Kind::MissingPart, None, object(n))).collect();
        assert_eq!(pass.went_past("00g1", found).len(), MOST + 5);
        assert_eq!((pass.findings.len(), pass.counts[&Kind::MissingPart] as usize), (MOST, MOST + 5));
    }
}
