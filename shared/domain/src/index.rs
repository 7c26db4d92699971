//! The index of domains: whose a domain is, in items of the state table that are read by
//! their keys.
//!
//! | key | content |
//! |---|---|
//! | `domain#<registrable domain>` | [`Holders`]: who has which of the domains that are the registrable one or stand below it |
//! | `domains-of#<tenantId>` | [`TenantDomains`]: what is known of one tenant |
//! | `ending#<ending>` | [`Ending`]: registrable domains with a label that ends so |
//! | `index#domains` | [`IndexState`]: whether the index is complete |
//!
//! Domains that overlap have the same registrable domain, and therefore stand in one item:
//! one conditional write decides between two tenants. Everything here is pure; the crates
//! `state` and `guard` write and read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::EmailDomain;

/// Key of the item that says whether the index is complete.
pub const INDEX_ITEM: &str = "index#domains";

/// Letters of a label that tell endings apart.
const LETTERS: usize = 3;

/// Time for which a claim counts although nothing in Okta says the same, in milliseconds: the
/// request that made the claim may still be at work.
const UNSEEN_MS: i64 = 60_000;

/// Key of the item with the [`Holders`] of a registrable domain.
pub fn holders_item(domain: &EmailDomain) -> String {
    format!("domain#{}", domain.registrable())
}

/// Key of the item with the [`TenantDomains`] of a tenant.
pub fn tenant_domains_item(tenant_id: &str) -> String {
    format!("domains-of#{tenant_id}")
}

/// Key of the item with an [`Ending`].
pub fn ending_item(ending: &str) -> String {
    format!("ending#{ending}")
}

/// How users find the IdP of their tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Discovery {
    /// Okta's routing rules know the tenants' domains.
    #[default]
    RoutingRules,
    /// `find-idp` answers from the index; a verified domain makes no routing rule.
    Webfinger,
}

impl Discovery {
    /// The values of the parameter `DiscoveryBy`; the second is [`Discovery::Webfinger`].
    pub const WORDS: [&'static str; 2] = ["routing-rules", "webfinger"];

    /// By which of [`Discovery::WORDS`] was chosen.
    pub const fn webfinger_if(chosen: bool) -> Self {
        if chosen { Discovery::Webfinger } else { Discovery::RoutingRules }
    }
}

/// Who has a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Id of the tenant; or `rule:<id>` for a routing rule that leads to no tenant.
    pub id: String,
    /// What else says so: a routing rule, or nothing but the index.
    pub by: Discovery,
    /// Since when, ms since 1970.
    pub since: i64,
}

/// What the id of a [`Holder`] begins with that is a routing rule.
const RULE: &str = "rule:";

impl Holder {
    /// The id of a routing rule as a holder's.
    pub fn of_rule(rule_id: &str) -> String {
        format!("{RULE}{rule_id}")
    }

    /// Id of the routing rule, if the holder is no tenant.
    pub fn rule(&self) -> Option<&str> {
        self.id.strip_prefix(RULE)
    }

    /// Whether the claim counts, whatever Okta says: the request that made the claim may still
    /// be at work.
    pub fn is_new(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.since) < UNSEEN_MS
    }
}

/// Who has the domains of one registrable domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Holders(BTreeMap<String, Holder>);

impl Holders {
    /// Whether nobody has any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who has exactly this domain.
    pub fn of(&self, domain: &EmailDomain) -> Option<&Holder> {
        self.0.get(domain.as_str())
    }

    /// The domain, with its holder, whose logins a login of this domain is one of: the domain
    /// itself, or the one above it that somebody has.
    pub fn above(&self, domain: &EmailDomain) -> Option<(&str, &Holder)> {
        let is_its = |held: &&String| EmailDomain::parse(held).is_ok_and(|held| domain.is_within(&held));
        self.0.iter().find(|(held, _)| is_its(held)).map(|(held, holder)| (held.as_str(), holder))
    }

    /// The domain of somebody else that overlaps with this one.
    pub fn taken(&self, domain: &EmailDomain, by: &str) -> Option<(EmailDomain, &Holder)> {
        self.others(by).find(|(held, _)| held.overlaps(domain))
    }

    /// Whether this domain, or a domain of somebody else, ends in the letters of the other.
    fn meets(&self, domain: &EmailDomain, own: &str) -> bool {
        self.others(own).any(|(held, _)| held.hides_behind(domain) || domain.hides_behind(&held))
    }

    fn others(&self, own: &str) -> impl Iterator<Item = (EmailDomain, &Holder)> {
        let others = self.0.iter().filter(move |(_, holder)| holder.id != own);
        others.filter_map(|(held, holder)| Some((EmailDomain::parse(held).ok()?, holder)))
    }

    /// Notes a claim. What the index alone says is not made less by a routing rule that says the
    /// same.
    pub fn claim(&mut self, domain: &EmailDomain, claim: Holder) {
        match self.0.get_mut(domain.as_str()) {
            Some(kept) if kept.id == claim.id && claim.by == Discovery::Webfinger => kept.by = claim.by,
            Some(kept) if kept.id == claim.id => {}
            _ => drop(self.0.insert(domain.as_str().to_owned(), claim)),
        }
    }

    /// Forgets a claim of this holder; `false` if there was none.
    pub fn release(&mut self, domain: &EmailDomain, holder: &str) -> bool {
        let is_its = self.of(domain).is_some_and(|kept| kept.id == holder);
        is_its && self.0.remove(domain.as_str()).is_some()
    }
}

/// What the index knows of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TenantDomains {
    /// Ids of routing rules that lead, or led, to the tenant's IdP.
    pub rules: BTreeSet<String>,
    /// Since when a request may have made a rule whose id is not noted, ms since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsure_since: Option<i64>,
    /// Domains that nothing but the index says are the tenant's: see [`Discovery::Webfinger`].
    pub verified: BTreeSet<String>,
}

/// How complete the index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IndexState {
    /// When the last pass through all routing rules began that noted every one of them, ms since
    /// 1970; none: there was none yet.
    pub complete_since: Option<i64>,
}

impl IndexState {
    /// Ids of the routing rules of a tenant; `None`: the index cannot say, and all rules must be
    /// read.
    pub fn rules_of<'t>(&self, tenant: &'t TenantDomains) -> Option<&'t BTreeSet<String>> {
        let complete = self.complete_since?;
        let is_sure = tenant.unsure_since.is_none_or(|unsure| unsure.saturating_add(UNSEEN_MS) < complete);
        is_sure.then_some(&tenant.rules)
    }
}

/// Registrable domains that have a label with one ending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ending(pub BTreeSet<String>);

/// The endings under which a registrable domain is kept: of each label but the last, the last
/// letters with all that follows. A label that is too short can end in no other.
///
/// ```
/// use domain::{EmailDomain, endings};
/// let endings = |text| endings(&EmailDomain::parse(text).unwrap());
/// assert_eq!(endings("eu.disney.com"), ["ney.com"]);
/// assert_eq!(endings("acme.gov.uk"), ["cme.gov.uk", "gov.uk"]);
/// assert!(endings("ab.com").is_empty());
/// ```
pub fn endings(domain: &EmailDomain) -> Vec<String> {
    let registrable = domain.registrable();
    let starts = std::iter::once(0).chain(registrable.match_indices('.').map(|(dot, _)| dot + 1));
    let ending = |start: usize| {
        let label = registrable.get(start..)?.find('.')?;
        (label >= LETTERS).then(|| registrable.get(start + label - LETTERS..).map(str::to_owned))?
    };
    starts.filter_map(ending).collect()
}

/// What must be read to know whether the letters of a domain and of another one meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    domain: EmailDomain,
    /// Domains that a login of this one ends in, without being below them.
    shorter: Vec<EmailDomain>,
    ending: Option<String>,
}

impl Meeting {
    /// Of a domain. `None`: the index cannot say, because the name is so short that many end in it.
    ///
    /// ```
    /// use domain::{EmailDomain, Meeting};
    /// let keys = |text| Meeting::of(&EmailDomain::parse(text).unwrap()).map(|meeting| meeting.keys());
    /// assert_eq!(keys("acme.com").unwrap(), [
    ///     "domain#acme.com", "domain#cme.com", "domain#me.com", "domain#e.com", "ending#cme.com",
    /// ]);
    /// assert_eq!(keys("ey.com"), None);
    /// ```
    pub fn of(domain: &EmailDomain) -> Option<Self> {
        let registrable = domain.registrable();
        let is_inside = |at: &usize| registrable.as_bytes().get(at - 1).is_some_and(|byte| *byte != b'.');
        let at = (1..registrable.len()).filter(is_inside).filter(|at| registrable.is_char_boundary(*at));
        let shorter = at.filter_map(|at| EmailDomain::parse(registrable.get(at..)?).ok());
        let shorter: Vec<EmailDomain> =
            shorter.filter(|one| !one.is_public_suffix() && one.registrable() == one.as_str()).collect();
        // No domain of another registrable one ends in the letters of a domain below.
        let ending = match registrable == domain.as_str() {
            true => Some(endings(domain).into_iter().next().filter(|_| first_label(registrable) >= LETTERS)?),
            false => None,
        };
        Some(Self { domain: domain.clone(), shorter, ending })
    }

    /// The keys of the items.
    pub fn keys(&self) -> Vec<String> {
        let holders = std::iter::once(&self.domain).chain(&self.shorter).map(holders_item);
        holders.chain(self.ending.as_deref().map(ending_item)).collect()
    }

    /// Whether the letters of the domain and of a domain of another holder meet. The contents are
    /// those of the keys; `own` are the domains of the holder.
    ///
    /// # Errors
    ///
    /// If an item does not hold what its key says.
    pub fn is_met(
        &self,
        contents: &BTreeMap<String, String>,
        holder: &str,
        own: &[EmailDomain],
    ) -> Result<bool, serde_json::Error> {
        let holders = |domain: &EmailDomain| match contents.get(&holders_item(domain)) {
            Some(content) => serde_json::from_str::<Holders>(content),
            None => Ok(Holders::default()),
        };
        if holders(&self.domain)?.meets(&self.domain, holder) {
            return Ok(true);
        }
        for shorter in &self.shorter {
            if holders(shorter)?.of(shorter).is_some_and(|other| other.id != holder) {
                return Ok(true);
            }
        }
        let ending = self.ending.as_deref().and_then(|ending| contents.get(&ending_item(ending)));
        let Ending(longer) =
            ending.map(|content| serde_json::from_str(content)).transpose()?.unwrap_or_default();
        let is_own = |one: &EmailDomain| own.iter().any(|own| own.registrable() == one.as_str());
        let longer = longer.iter().filter_map(|one| EmailDomain::parse(one).ok());
        Ok(longer.filter(|one| !is_own(one)).any(|one| one.hides_behind(&self.domain)))
    }
}

fn first_label(domain: &str) -> usize {
    domain.find('.').unwrap_or(domain.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn domain(text: &str) -> EmailDomain {
        EmailDomain::parse(text).unwrap()
    }

    fn holder(id: &str) -> Holder {
        Holder { id: id.to_owned(), by: Discovery::RoutingRules, since: 0 }
    }

    #[test]
    fn wfd_03_one_item_decides_whose_a_domain_is() {
        let mut holders = Holders::default();
        holders.claim(&domain("acme.test"), holder("acme"));
        assert_eq!(holders.taken(&domain("eu.acme.test"), "globex").unwrap().1.id, "acme");
        assert!(holders.taken(&domain("eu.acme.test"), "acme").is_none());
        assert_eq!(holders.above(&domain("eu.acme.test")).unwrap().0, "acme.test");
        assert!(holders.above(&domain("notacme.test")).is_none());
        assert!(
            !holders.release(&domain("acme.test"), "globex") && holders.release(&domain("acme.test"), "acme")
        );
        // Neighbours below one registrable domain.
        holders.claim(&domain("eu.acme.test"), holder("europe"));
        assert!(holders.taken(&domain("us.acme.test"), "america").is_none());
        assert!(holders.taken(&domain("acme.test"), "america").is_some());
    }

    #[test]
    fn a_rule_makes_no_less_of_the_index() {
        let (mut holders, acme) = (Holders::default(), domain("acme.test"));
        holders.claim(&acme, Holder { by: Discovery::Webfinger, ..holder("acme") });
        holders.claim(&acme, Holder { since: 9, ..holder("acme") });
        assert_eq!(holders.of(&acme).map(|kept| (kept.by, kept.since)), Some((Discovery::Webfinger, 0)));
    }

    #[test]
    fn what_the_index_cannot_say_is_said() {
        let tenant = TenantDomains { unsure_since: Some(5), ..TenantDomains::default() };
        let at = |complete_since| IndexState { complete_since };
        assert!(at(None).rules_of(&TenantDomains::default()).is_none());
        let seen = 5 + UNSEEN_MS + 1;
        assert!(at(Some(6)).rules_of(&tenant).is_none() && at(Some(seen)).rules_of(&tenant).is_some());
    }

    fn meets(held: &[EmailDomain], new: &EmailDomain) -> Option<bool> {
        let mut holders: BTreeMap<String, Holders> = BTreeMap::new();
        let mut ending: BTreeMap<String, Ending> = BTreeMap::new();
        for domain in held {
            holders.entry(holders_item(domain)).or_default().claim(domain, holder("other"));
            for end in endings(domain) {
                ending.entry(ending_item(&end)).or_default().0.insert(domain.registrable().to_owned());
            }
        }
        let holders = holders.iter().map(|(key, of)| (key.clone(), serde_json::to_string(of).unwrap()));
        let endings = ending.iter().map(|(key, of)| (key.clone(), serde_json::to_string(of).unwrap()));
        let meeting = Meeting::of(new)?;
        let keys = meeting.keys();
        let contents = holders.chain(endings).filter(|(key, _)| keys.contains(key)).collect();
        Some(meeting.is_met(&contents, "own", &[]).unwrap())
    }

    proptest! {
        /// The items that are read say the same as a look at all domains.
        #[test]
        fn letters_that_meet_are_found_by_key(
            held in prop::collection::vec("([ab]{1,3}\\.)?[ab]{1,5}\\.(com|co\\.uk|uk|gov\\.uk)", 0..6),
            new in "([ab]{1,3}\\.)?[abcov]{1,5}\\.(com|co\\.uk|uk|gov\\.uk)",
        ) {
            let parse = |text: &String| EmailDomain::parse(text).ok().filter(|one| !one.is_public_suffix());
            let held: Vec<EmailDomain> = held.iter().filter_map(parse).collect();
            let Some(new) = parse(&new) else { return Ok(()) };
            let expected = held.iter().any(|one| one.hides_behind(&new) || new.hides_behind(one));
            if let Some(met) = meets(&held, &new) {
                prop_assert_eq!(met, expected, "{:?} {:?}", held, new);
            } else {
                prop_assert!(first_label(new.as_str()) < LETTERS);
            }
        }
    }
}
