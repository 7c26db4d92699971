//! Answers and problems, for a person.

use std::fmt::Write;

use comfy_table::{Table, TableStyle};
use serde_json::Value;

/// A value in one line.
fn one(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // What others wrote must not speak to the terminal.
        Value::String(text) => text.replace(|c: char| c.is_control(), "\u{fffd}"),
        other => other.to_string(),
    }
}

/// A table of a list. Columns that no element has are left out.
pub(crate) fn table(columns: &[String], rows: &[Value]) -> String {
    let has = |column: &&String| rows.iter().any(|row| !row[column.as_str()].is_null());
    let columns: Vec<&String> = columns.iter().filter(has).collect();
    if rows.is_empty() {
        return "nothing\n".to_owned();
    }
    if columns.is_empty() {
        return rows.iter().map(|row| format!("{row}\n")).collect();
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(columns.iter().map(|column| column.to_uppercase()));
    for row in rows {
        table.add_row(columns.iter().map(|column| one(&row[column.as_str()])));
    }
    format!("{table}\n").lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The members of one object, a line each.
pub(crate) fn report(body: &Value) -> String {
    let Some(members) = body.as_object() else { return format!("{}\n", one(body)) };
    let width = members.keys().map(String::len).max().unwrap_or_default();
    members.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name:width$}  {}", one(value));
        text
    })
}

/// A problem: what happened, which rules are broken, and the id that support asks for.
pub(crate) fn problem(status: u16, body: &Value, request_id: &str) -> String {
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    let detail = text("detail").or_else(|| text("message")).or_else(|| text("Message"));
    let mut said = detail.map_or_else(|| format!("the API answers {status}"), str::to_owned);
    if let Some(code) = text("code") {
        let _ = write!(said, " ({code})");
    }
    for error in body["errors"].as_array().into_iter().flatten() {
        let _ = write!(said, "\n  {}: {}", one(&error["pointer"]), one(&error["detail"]));
    }
    for left in body["leftBehind"].as_array().into_iter().flatten() {
        let _ = write!(said, "\n  left behind: {left}");
    }
    if !request_id.is_empty() {
        let _ = write!(said, "\n  request {request_id}");
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_what_there_is() {
        let rows = [json!({ "id": "1", "name": "acme", "x": null }), json!({ "id": "22", "on": true })];
        let columns = ["id", "name", "x", "on"].map(str::to_owned);
        assert_eq!(table(&columns, &rows), " ID  NAME  ON\n 1   acme\n 22        true\n");
        assert_eq!(table(&columns, &[]), "nothing\n");
        assert!(!report(&json!({ "name": "\u{1b}[2J" })).contains('\u{1b}'));
        assert_eq!(report(&json!({ "id": "1", "domains": ["a"] })), "id       1\ndomains  [\"a\"]\n");
    }

    #[test]
    fn a_problem_says_everything() {
        let body = json!({
            "detail": "the request is not valid", "code": "invalid-request",
            "errors": [{ "pointer": "/name", "detail": "is too long" }],
        });
        assert_eq!(
            problem(400, &body, "r-1"),
            "the request is not valid (invalid-request)\n  /name: is too long\n  request r-1"
        );
        assert_eq!(problem(403, &json!({ "Message": "no" }), ""), "no");
        assert_eq!(problem(502, &Value::Null, ""), "the API answers 502");
    }
}
