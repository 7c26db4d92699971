//! The whole state as canonical JSON: equal state, equal bytes.

use serde_json::{Value, json};

use crate::org::Org;

/// Members that hold a time.
const TIMES: &[&str] = &[
    "created",
    "lastUpdated",
    "last_updated",
    "last_membership_updated",
    "activated",
    "status_changed",
    "last_login",
    "password_changed",
];

/// Parts of the state that are secret, or that no call of okta-dac changes.
const LEFT_OUT: &[&str] = &["serial", "api_tokens", "keys", "own_keys", "app_secrets", "schemas"];

/// The state. With `stable`, times are left out and every id is replaced by
/// the kind and name of its object, so that two orgs compare that were made by
/// the same calls at other times or in another order.
pub(crate) fn take(org: &Org, stable: bool) -> Value {
    let mut state = serde_json::to_value(org).unwrap_or_default();
    if let Some(state) = state.as_object_mut() {
        for part in LEFT_OUT {
            state.remove(*part);
        }
        // An app that lost its last group is as one that never had any.
        if let Some(apps) = state.get_mut("app_groups").and_then(Value::as_object_mut) {
            apps.retain(|_, groups| groups.as_object().is_some_and(|groups| !groups.is_empty()));
        }
        // Which keys there are depends on who has asked for one.
        let servers = state.get_mut("authorization_servers").and_then(Value::as_object_mut);
        for server in servers.into_iter().flat_map(|servers| servers.values_mut()) {
            server.as_object_mut().map(|server| server.remove("keys"));
        }
    }
    if stable {
        remove_times(&mut state);
        hide_random_labels(&mut state);
        let mut text = state.to_string();
        for (id, label) in labels(org) {
            text = text.replace(&id, &label);
        }
        state = serde_json::from_str(&text).unwrap_or_default();
    }
    canonical(state, stable)
}

/// Replaces a UUID at the beginning of a pattern of a routing rule: a token,
/// another one each time.
fn hide_random_labels(state: &mut Value) {
    let is_uuid =
        |label: &str| label.len() == 36 && label.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    let rules = state["rules"].as_object_mut().into_iter().flat_map(|policies| policies.values_mut());
    for rule in rules.filter_map(Value::as_object_mut).flat_map(|rules| rules.values_mut()) {
        let patterns = rule.pointer_mut("/conditions/userIdentifier/patterns").and_then(Value::as_array_mut);
        for pattern in patterns.into_iter().flatten() {
            let value = pattern["value"].as_str().unwrap_or_default();
            if let Some((_, domain)) = value.split_once('.').filter(|(label, _)| is_uuid(label)) {
                pattern["value"] = format!("uuid.{domain}").into();
            }
        }
    }
}

fn labels(org: &Org) -> Vec<(String, String)> {
    let text = |object: &serde_json::Map<String, Value>, key: &str| {
        object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let users = org.users.values().map(|user| (user.id.clone(), format!("user:{}", user.login())));
    let groups = org.groups.values().map(|group| (group.id.clone(), format!("group:{}", group.name())));
    let idps = org.idps.values().map(|idp| (text(idp, "id"), format!("idp:{}", text(idp, "name"))));
    let rules = org.rules.values().flat_map(|rules| rules.values());
    let rules = rules.map(|rule| (text(rule, "id"), format!("rule:{}", text(rule, "name"))));
    let mut labels: Vec<_> = users.chain(groups).chain(idps).chain(rules).collect();
    // The audience of an IdP holds its id without the prefix.
    let bare: Vec<_> = labels
        .iter()
        .filter(|(id, _)| id.starts_with("0oa"))
        .map(|(id, label)| (format!("sp{}", &id[3..]), format!("sp:{label}")))
        .collect();
    labels.extend(bare);
    labels
}

fn remove_times(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| !TIMES.contains(&key.as_str()));
            object.values_mut().for_each(remove_times);
        }
        Value::Array(elements) => elements.iter_mut().for_each(remove_times),
        _ => {}
    }
}

/// Keys in order, sets of ids in order; if `stable`, without priorities, which
/// follow from the order of the calls.
fn canonical(value: Value, stable: bool) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> =
                object.into_iter().filter(|(key, _)| !stable || key != "priority").collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().map(|(key, value)| (key, canonical(value, stable))).collect())
        }
        Value::Array(elements) => {
            let mut elements: Vec<Value> =
                elements.into_iter().map(|element| canonical(element, stable)).collect();
            if elements.iter().all(Value::is_string) {
                elements.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
            json!(elements)
        }
        other => other,
    }
}
