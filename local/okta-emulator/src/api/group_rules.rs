//! Group rules, and the users whom they put into groups.
//!
//! Evidence: Okta Management API 2026.06.3, `createGroupRule` (INACTIVE at first),
//! `activateGroupRule`, `deleteGroupRule`; schema `GroupRule`. Issue 179 of the Terraform
//! provider: a member whom a rule put there and somebody takes out is on the rule's exception
//! list from then on, and comes back by hand alone. Of the expression language two kinds are
//! here: `user.<attribute> == "text"` and `isMemberOfAnyGroup("id", …)`; others are refused. Not
//! in the part of the description that is compared.

use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post};
use crate::error::OktaError;
use crate::json::{Object, lookup, object, stamp, text, texts};
use crate::org::{Org, User};

const GROUPS: Auth = Auth::Admin("groups");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/groups/rules", "listGroupRules", GROUPS, list_rules),
    post("/api/v1/groups/rules", "createGroupRule", GROUPS, create_rule),
    get("/api/v1/groups/rules/{groupRuleId}", "getGroupRule", GROUPS, get_rule),
    delete("/api/v1/groups/rules/{groupRuleId}", "deleteGroupRule", GROUPS, delete_rule),
    post("/api/v1/groups/rules/{groupRuleId}/lifecycle/activate", "activateGroupRule", GROUPS, activate_rule),
    post("/api/v1/groups/rules/{groupRuleId}/lifecycle/deactivate", "deactivateGroupRule", GROUPS, deactivate_rule),
];

/// Whom a rule is for.
enum Condition {
    Attribute(String, String),
    MemberOf(Vec<String>),
}

impl Condition {
    fn parse(expression: &str) -> Option<Self> {
        let quoted = |text: &str| -> Option<String> {
            let text = text.trim();
            let inner = text.strip_prefix('"')?.strip_suffix('"')?;
            (!inner.contains('"')).then(|| inner.to_owned())
        };
        let expression = expression.trim().replace('\'', "\"");
        if let Some(ids) =
            expression.strip_prefix("isMemberOfAnyGroup(").and_then(|rest| rest.strip_suffix(')'))
        {
            return ids.split(',').map(quoted).collect::<Option<_>>().map(Condition::MemberOf);
        }
        let (left, right) = expression.split_once("==")?;
        let attribute = left.trim().strip_prefix("user.")?;
        Some(Condition::Attribute(attribute.to_owned(), quoted(right)?))
    }

    fn is_for(&self, org: &Org, user: &User) -> bool {
        match self {
            Condition::Attribute(name, value) => text(&user.profile, name) == value,
            Condition::MemberOf(groups) => {
                let is_member =
                    |id: &String| org.groups.get(id).is_some_and(|group| group.members.contains(&user.id));
                groups.iter().any(is_member)
            }
        }
    }
}

fn rule<'o>(org: &'o mut Org, call: &Call) -> Result<&'o mut Object, OktaError> {
    let id = call.parameter("groupRuleId");
    org.group_rules.get_mut(id).ok_or_else(|| OktaError::not_found(id, "GroupRule"))
}

fn list_rules(org: &mut Org, _: &Call) -> Outcome {
    Ok(Reply::ok(org.group_rules.values().cloned().map(Value::Object).collect()))
}

fn create_rule(org: &mut Org, call: &Call) -> Outcome {
    let body = call.object()?.clone();
    let name = text(&body, "name").to_owned();
    if name.is_empty() {
        return Err(OktaError::missing("name"));
    }
    let expression =
        lookup(&body, "/conditions/expression/value").and_then(Value::as_str).unwrap_or_default();
    if Condition::parse(expression).is_none() {
        return Err(OktaError::validation("conditions.expression", "Invalid property in expression"));
    }
    let targets = texts(&body, "/actions/assignUserToGroups/groupIds");
    if targets.is_empty() {
        return Err(OktaError::missing("actions.assignUserToGroups.groupIds"));
    }
    for target in &targets {
        org.group(target)?;
    }
    let exclude = texts(&body, "/conditions/people/users/exclude");
    let mut rule = object(json!({
        "type": "group_rule", "name": name,
        "conditions": {
            "people": { "users": { "exclude": exclude }, "groups": { "exclude": [] } },
            "expression": { "value": expression, "type": "urn:okta:expression:1.0" },
        },
        "actions": { "assignUserToGroups": { "groupIds": targets } },
    }));
    let id = org.new_id("0pr");
    stamp(&mut rule, &id, "INACTIVE", call.now);
    org.group_rules.insert(id, rule.clone());
    Ok(Reply::ok(Value::Object(rule)))
}

fn get_rule(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(Value::Object(rule(org, call)?.clone())))
}

fn delete_rule(org: &mut Org, call: &Call) -> Outcome {
    rule(org, call)?;
    org.group_rules.remove(call.parameter("groupRuleId"));
    Ok(Reply::new(202, Value::Null))
}

fn activate_rule(org: &mut Org, call: &Call) -> Outcome {
    rule(org, call)?.insert("status".to_owned(), "ACTIVE".into());
    let users: Vec<String> = org.users.keys().cloned().collect();
    for user in users {
        apply(org, &user);
    }
    Ok(Reply::no_content())
}

fn deactivate_rule(org: &mut Org, call: &Call) -> Outcome {
    rule(org, call)?.insert("status".to_owned(), "INACTIVE".into());
    Ok(Reply::no_content())
}

/// Puts a user into the groups of the active rules that are for them.
pub(crate) fn apply(org: &mut Org, user: &str) {
    let Some(found) = org.users.get(user) else { return };
    let mut targets: Vec<String> = Vec::new();
    for rule in org.group_rules.values().filter(|rule| text(rule, "status") == "ACTIVE") {
        let expression =
            lookup(rule, "/conditions/expression/value").and_then(Value::as_str).unwrap_or_default();
        let is_for = Condition::parse(expression).is_some_and(|condition| condition.is_for(org, found));
        if is_for && !texts(rule, "/conditions/people/users/exclude").contains(&user) {
            targets
                .extend(texts(rule, "/actions/assignUserToGroups/groupIds").into_iter().map(str::to_owned));
        }
    }
    for target in targets {
        if let Some(group) = org.groups.get_mut(&target) {
            group.members.insert(user.to_owned());
        }
    }
}

/// Makes a user whom somebody took out of a group an exception of the rules that had put the
/// user there.
pub(crate) fn except(org: &mut Org, group: &str, user: &str) {
    let rules: Vec<String> = org
        .group_rules
        .iter()
        .filter(|(_, rule)| text(rule, "status") == "ACTIVE")
        .filter(|(_, rule)| texts(rule, "/actions/assignUserToGroups/groupIds").contains(&group))
        .filter(|(_, rule)| {
            let expression = lookup(rule, "/conditions/expression/value").and_then(Value::as_str);
            let condition = expression.and_then(Condition::parse);
            let found = org.users.get(user);
            condition.zip(found).is_some_and(|(condition, found)| condition.is_for(org, found))
        })
        .map(|(id, _)| id.clone())
        .collect();
    for id in rules {
        let exclude = org.group_rules.get_mut(&id).and_then(|rule| rule.get_mut("conditions"));
        if let Some(Value::Array(exclude)) =
            exclude.map(|conditions| &mut conditions["people"]["users"]["exclude"])
            && !exclude.iter().any(|known| known == user)
        {
            exclude.push(user.into());
        }
    }
}
