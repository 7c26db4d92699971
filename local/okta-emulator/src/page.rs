//! Cursor pagination with `Link` headers.

use serde_json::Value;

use crate::routes::{Call, Reply};

/// One page of `items`, each with the cursor that stands after it.
///
/// One `Link` header per relation; `next` repeats the other query parameters
/// and is also sent when the last page is exactly full, as recordings of
/// `limit=1` searches show.
pub(crate) fn reply(
    call: &Call,
    items: Vec<(String, Value)>,
    default_limit: usize,
    max_limit: usize,
) -> Reply {
    let limit = call
        .query("limit")
        .and_then(|limit| limit.parse::<usize>().ok())
        .filter(|&limit| limit > 0)
        .unwrap_or(default_limit)
        .min(max_limit);
    let limit = call.page_size.map_or(limit, |size| limit.min(size));
    let start = match call.query("after") {
        None => 0,
        Some(after) => items.iter().position(|(cursor, _)| cursor.as_str() > after).unwrap_or(items.len()),
    };
    let page: Vec<(String, Value)> = items.into_iter().skip(start).take(limit).collect();
    let mut links = vec![link(call, call.query("after"), limit, "self")];
    if page.len() == limit
        && let Some((cursor, _)) = page.last()
    {
        links.push(link(call, Some(cursor), limit, "next"));
    }
    let mut reply = Reply::ok(Value::Array(page.into_iter().map(|(_, item)| item).collect()));
    reply.headers.extend(links.into_iter().map(|value| ("link", value)));
    reply
}

fn link(call: &Call, after: Option<&str>, limit: usize, relation: &str) -> String {
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
    format!("<{}{}?{}>; rel=\"{relation}\"", call.org_url, call.path, query.finish())
}
