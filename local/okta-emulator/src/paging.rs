//! Cursor pagination with `Link` headers.

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::filter::Properties;
use crate::json::href;

/// Default and maximum size of a page.
#[derive(Clone, Copy)]
pub(crate) struct Limits(pub(crate) usize, pub(crate) usize);

/// One page of `items`, each with the cursor that stands for it; only the
/// page is rendered.
///
/// One `Link` header per relation; `next` repeats the other query parameters
/// and is also sent when the last page is exactly full, as recordings of
/// `limit=1` searches show.
pub(crate) fn reply<T>(
    call: &Call,
    items: impl IntoIterator<Item = T>,
    limits: Limits,
    cursor: impl Fn(&T) -> String,
    render: impl Fn(T) -> Value,
) -> Reply {
    let page = page(call, items, limits, cursor);
    let mut reply = Reply::ok(Value::Array(page.items.into_iter().map(render).collect()));
    let own = link(call, call.query("after"), page.limit, "self");
    let next = page.next.map(|last| link(call, Some(&last), page.limit, "next"));
    reply.headers.extend([own].into_iter().chain(next).map(|value| ("link", value)));
    reply
}

/// A list without pages: whole, with the `Link` to itself, which repeats the query.
pub(crate) fn whole(call: &Call, items: Vec<Value>) -> Reply {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&call.query).finish();
    let mark = if query.is_empty() { "" } else { "?" };
    let own = format!("<{}{}{mark}{query}>; rel=\"self\"", call.org_url, call.path);
    Reply::ok(items.into()).with("link", own)
}

/// The same as an object: the list under `name`, and the next page in `_links`.
pub(crate) fn object<T>(
    call: &Call,
    items: impl IntoIterator<Item = T>,
    limits: Limits,
    name: &str,
    cursor: impl Fn(&T) -> String,
    render: impl Fn(T) -> Value,
) -> Reply {
    let page = page(call, items, limits, cursor);
    let mut links = json!({});
    if let Some(last) = page.next {
        links["next"] = href(url(call, Some(&last), page.limit));
    }
    let items: Vec<Value> = page.items.into_iter().map(render).collect();
    Reply::ok(json!({ name: items, "_links": links }))
}

struct Page<T> {
    items: Vec<T>,
    limit: usize,
    /// The cursor of the next page.
    next: Option<String>,
}

fn page<T>(
    call: &Call,
    items: impl IntoIterator<Item = T>,
    limits: Limits,
    cursor: impl Fn(&T) -> String,
) -> Page<T> {
    let limit = call
        .query("limit")
        .and_then(|limit| limit.parse::<usize>().ok())
        .filter(|&limit| limit > 0)
        .unwrap_or(limits.0)
        .min(limits.1);
    let limit = call.settings.page_size.map_or(limit, |size| limit.min(size));
    let mut items = items.into_iter().peekable();
    if let Some(after) = call.query("after") {
        // An element that is gone does not lose the place: lists are in the
        // order of their cursors, but for those that a search has sorted.
        let sorted = call.query("sortBy").is_some();
        while let Some(item) = items.peek() {
            let at = cursor(item);
            if !sorted && at.as_str() > after {
                break;
            }
            items.next();
            if at == after {
                break;
            }
        }
    }
    let items: Vec<T> = items.take(limit).collect();
    let next = items.last().filter(|_| items.len() == limit).map(cursor);
    Page { items, limit, next }
}

fn link(call: &Call, after: Option<&str>, limit: usize, relation: &str) -> String {
    format!("<{}>; rel=\"{relation}\"", url(call, after, limit))
}

fn url(call: &Call, after: Option<&str>, limit: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &call.query {
        if name != "after" && name != "limit" {
            query.append_pair(name, value);
        }
    }
    if let Some(after) = after {
        query.append_pair("after", after);
    }
    query.append_pair("limit", &limit.to_string());
    format!("{}{}?{}", call.org_url, call.path, query.finish())
}

/// `sortBy` and `sortOrder` of a search.
pub(crate) fn sort<T: Properties>(found: &mut [&T], call: &Call) {
    if let Some(by) = call.query("sortBy") {
        found.sort_by_cached_key(|object| {
            object.property(by).map(|value| value.as_str().unwrap_or_default().to_lowercase())
        });
        if call.query("sortOrder") == Some("desc") {
            found.reverse();
        }
    }
}
