//! Small helpers for JSON objects as Okta prints them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::okta_time;

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// A member that is text; empty if there is none.
pub(crate) fn text<'v>(object: &'v Object, key: &str) -> &'v str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The text at a JSON pointer; empty if there is none.
pub(crate) fn at<'v>(object: &'v Object, pointer: &str) -> &'v str {
    lookup(object, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The value at a JSON pointer.
pub(crate) fn lookup<'v>(object: &'v Object, pointer: &str) -> Option<&'v Value> {
    let pointer = pointer.strip_prefix('/')?;
    let (first, rest) = pointer.split_once('/').map_or((pointer, None), |(f, r)| (f, Some(r)));
    let value = object.get(first)?;
    rest.map_or(Some(value), |rest| value.pointer(&format!("/{rest}")))
}

/// The value at a JSON pointer, to be changed.
pub(crate) fn lookup_mut<'v>(object: &'v mut Object, pointer: &str) -> Option<&'v mut Value> {
    let pointer = pointer.strip_prefix('/')?;
    let (first, rest) = pointer.split_once('/').map_or((pointer, None), |(f, r)| (f, Some(r)));
    let value = object.get_mut(first)?;
    match rest {
        None => Some(value),
        Some(rest) => value.pointer_mut(&format!("/{rest}")),
    }
}

/// The texts of an array at a JSON pointer.
pub(crate) fn texts<'v>(object: &'v Object, pointer: &str) -> Vec<&'v str> {
    let array = lookup(object, pointer).and_then(Value::as_array);
    array.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The object in a `json!` literal.
pub(crate) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// `{"href": url}`.
pub(crate) fn href(url: impl Into<String>) -> Value {
    json!({ "href": url.into() })
}

/// `{"href": url}` with the verbs that Okta hints at.
pub(crate) fn hinted(url: impl Into<String>, verbs: &[&str]) -> Value {
    json!({ "href": url.into(), "hints": { "allow": verbs } })
}

/// Gives an object what it lacks of `defaults`, at every depth. A null counts as lacking.
pub(crate) fn fill(object: &mut Object, defaults: Value) {
    let Value::Object(defaults) = defaults else { return };
    for (name, default) in defaults {
        match object.get_mut(&name) {
            Some(Value::Object(own)) if default.is_object() => fill(own, default),
            None | Some(Value::Null) => {
                object.insert(name, default);
            }
            Some(_) => {}
        }
    }
}

/// Takes the members at JSON pointers out, if they are there.
pub(crate) fn without(object: &mut Object, pointers: &[&str]) {
    for pointer in pointers {
        let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
        let parent = if parent.is_empty() { Some(&mut *object) } else { lookup_object(object, parent) };
        if let Some(parent) = parent {
            parent.remove(name);
        }
    }
}

fn lookup_object<'v>(object: &'v mut Object, pointer: &str) -> Option<&'v mut Object> {
    lookup_mut(object, pointer).and_then(Value::as_object_mut)
}

/// Adds what Okta gives a new object: id, status, both times.
pub(crate) fn stamp(object: &mut Object, id: &str, status: &str, now: Timestamp) {
    let time = okta_time(now);
    for (key, value) in [("id", id), ("status", status), ("created", &time), ("lastUpdated", &time)] {
        object.insert(key.to_owned(), value.into());
    }
}

/// Carries over what a PUT cannot change, and notes the time.
pub(crate) fn keep(new: &mut Object, old: &Object, keys: &[&str], now: Timestamp) {
    for key in keys {
        if let Some(value) = old.get(*key) {
            new.insert((*key).to_owned(), value.clone());
        }
    }
    new.insert("lastUpdated".to_owned(), okta_time(now).into());
}

/// Sets `status` and notes the time.
pub(crate) fn turn(object: &mut Object, status: &str, now: Timestamp) {
    object.insert("status".to_owned(), status.into());
    object.insert("lastUpdated".to_owned(), okta_time(now).into());
}

/// The object with these `_links`.
pub(crate) fn with_links(object: &Object, links: Value) -> Value {
    let mut rendered = object.clone();
    rendered.insert("_links".to_owned(), links);
    Value::Object(rendered)
}
