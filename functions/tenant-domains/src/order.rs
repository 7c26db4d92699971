//! The order of the routing rules, where domains end in the same letters.
//!
//! The first rule that matches a login counts, and Okta compares the ends of logins as
//! text: a rule for `ey.com` also matches `x@disney.com`. Both are domains of their own.
//! The rule of the longer domain therefore stands above the rule of the shorter. Where two
//! rules would each have to stand above the other, no order is right.

use domain::EmailDomain;
use okta_client::models::{PolicyRule, RuleId};
use tenancy::domains_of_rule;

/// A rule that is to be moved, and where to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Move {
    /// The rule; none is the one that is yet to be made.
    pub(crate) rule: Option<RuleId>,
    /// Its place, from 1, when the moves before are done.
    pub(crate) priority: u64,
}

/// No order of the rules is right: this rule and the tenant's would each have to stand
/// above the other.
#[derive(Debug, PartialEq, Eq)]
pub struct NoOrder {
    /// Name of the rule.
    pub(crate) rule: String,
}

/// A rule, as far as the order matters.
struct Place<'r> {
    rule: Option<&'r PolicyRule>,
    domains: Vec<EmailDomain>,
}

impl Place<'_> {
    /// Whether this rule takes what is the other one's, if it stands above.
    fn hides(&self, other: &Place<'_>) -> bool {
        let hides = |shorter: &EmailDomain| other.domains.iter().any(|longer| longer.hides_behind(shorter));
        self.domains.iter().any(hides)
    }
}

/// Whether a domain ends in the letters of another rule's domain, or the other way round.
pub(crate) fn meets(rules: &[PolicyRule], own: Option<&PolicyRule>, domain: &EmailDomain) -> bool {
    let others = rules.iter().filter(|rule| own.is_none_or(|own| own.id != rule.id));
    others.flat_map(domains_of_rule).any(|other| other.hides_behind(domain) || domain.hides_behind(&other))
}

/// What must be moved, so that the rule `own`, which is yet to be made if there is none,
/// can have the domain.
pub(crate) fn moves(
    rules: &[PolicyRule],
    own: Option<&PolicyRule>,
    domain: &EmailDomain,
) -> Result<Vec<Move>, NoOrder> {
    let mut sorted: Vec<&PolicyRule> = rules.iter().filter(|rule| rule.priority().is_some()).collect();
    sorted.sort_by_key(|rule| rule.priority());
    let mut places: Vec<Place<'_>> =
        sorted.into_iter().map(|rule| Place { rule: Some(rule), domains: domains_of_rule(rule) }).collect();
    let at = places
        .iter()
        .position(|place| place.rule.is_some_and(|rule| own.is_some_and(|own| own.id == rule.id)));
    match at {
        Some(at) => places[at].domains.push(domain.clone()),
        None => places.push(Place { rule: own, domains: vec![domain.clone()] }),
    }
    let at = at.unwrap_or(places.len() - 1);
    let mut wanted = Vec::with_capacity(places.len());
    let mut state = vec![Visit::Open; places.len()];
    for index in 0..places.len() {
        visit(index, &places, &mut state, &mut wanted).map_err(|with| {
            let other = if with.0 == at { with.1 } else { with.0 };
            NoOrder { rule: places[other].rule.map(|rule| rule.name.clone()).unwrap_or_default() }
        })?;
    }
    let mut now: Vec<usize> = (0..places.len()).collect();
    let mut moves = Vec::new();
    for (place, index) in wanted.iter().enumerate() {
        let from = now.iter().position(|one| one == index).unwrap_or(place);
        if from == place {
            continue;
        }
        now.remove(from);
        now.insert(place, *index);
        // The places need not be numbered without gaps: take the one of the rule that moves down.
        let below = now.get(place + 1).and_then(|below| places[*below].rule?.priority());
        let priority = below.unwrap_or(place as u64 + 1);
        moves.push(Move { rule: places[*index].rule.map(|rule| rule.id.clone()), priority });
    }
    Ok(moves)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Open,
    Begun,
    Done,
}

/// Puts everything that must stand above a rule before the rule. The rules keep their
/// order otherwise.
fn visit(
    index: usize,
    places: &[Place<'_>],
    state: &mut [Visit],
    wanted: &mut Vec<usize>,
) -> Result<(), (usize, usize)> {
    if state[index] == Visit::Done {
        return Ok(());
    }
    state[index] = Visit::Begun;
    for above in 0..places.len() {
        if above == index || !places[index].hides(&places[above]) {
            continue;
        }
        match state[above] {
            Visit::Begun => return Err((above, index)),
            Visit::Open => visit(above, places, state, wanted)?,
            Visit::Done => {}
        }
    }
    state[index] = Visit::Done;
    wanted.push(index);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rule(name: &str, priority: u64, domains: &[&str]) -> PolicyRule {
        let pattern = |domain: &&str| json!({ "matchType": "SUFFIX", "value": domain });
        serde_json::from_value(json!({
            "id": name, "name": name, "status": "ACTIVE", "priority": priority, "system": false,
            "conditions": { "userIdentifier": { "patterns": domains.iter().map(pattern).collect::<Vec<_>>() } },
        }))
        .unwrap()
    }

    fn domain(text: &str) -> EmailDomain {
        EmailDomain::parse(text).unwrap()
    }

    #[test]
    fn the_longer_domain_stands_above() {
        let rules = [rule("ernst", 1, &["ey.com"]), rule("other", 2, &["other.com"])];
        assert!(meets(&rules, None, &domain("disney.com")) && !meets(&rules, None, &domain("acme.com")));
        assert_eq!(moves(&rules, None, &domain("disney.com")), Ok(vec![Move { rule: None, priority: 1 }]));
        // The shorter one comes last by itself.
        let rules = [rule("mouse", 1, &["disney.com"])];
        assert_eq!(moves(&rules, None, &domain("ey.com")), Ok(vec![]));
        let rules = [rule("ernst", 1, &["acme.com"]), rule("mouse", 2, &["disney.com"])];
        let moved = moves(&rules, Some(&rules[0]), &domain("ey.com"));
        assert_eq!(moved, Ok(vec![Move { rule: Some("mouse".into()), priority: 1 }]));
    }

    #[test]
    fn two_rules_that_each_must_stand_above_the_other_have_no_order() {
        let rules = [rule("ernst", 1, &["ey.com", "mydisney.com"])];
        assert_eq!(moves(&rules, None, &domain("disney.com")), Err(NoOrder { rule: "ernst".to_owned() }));
        // Through a third.
        let rules = [rule("a", 1, &["b.com", "cba.com"]), rule("b", 2, &["ab.com", "a.com"])];
        assert!(moves(&rules, None, &domain("xcba.com")).is_err());
        let rules = [rule("a", 1, &["b.com"]), rule("b", 2, &["ab.com"])];
        let moved = moves(&rules, None, &domain("xab.com"));
        assert_eq!(moved.map(|moves| moves.len()), Ok(2), "the new one above `b`, and `b` above `a`");
    }

    proptest! {
        /// After the moves no login of a domain reaches another tenant's rule.
        #[test]
        fn the_order_is_right(domains in prop::collection::vec("[ab]{1,3}", 2..6)) {
            let names: Vec<String> = domains.iter().map(|name| format!("{name}.com")).collect();
            let mut names = names;
            names.sort();
            names.dedup();
            let mut order: Vec<String> = Vec::new();
            for name in &names {
                let rules: Vec<PolicyRule> = order
                    .iter()
                    .enumerate()
                    .map(|(at, name)| rule(name, at as u64 + 1, &[name.as_str()]))
                    .collect();
                let moves = moves(&rules, None, &domain(name)).unwrap();
                order.push(name.clone());
                for Move { rule, priority } in moves {
                    let id = rule.map_or(name.clone(), |rule| rule.to_string());
                    order.retain(|one| *one != id);
                    order.insert(priority as usize - 1, id);
                }
                for (at, one) in order.iter().enumerate() {
                    let taken = order[..at].iter().any(|above| domain(one).hides_behind(&domain(above)));
                    prop_assert!(!taken, "{order:?}");
                }
            }
        }
    }
}
