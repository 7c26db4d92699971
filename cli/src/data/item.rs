//! Items as DynamoDB writes them in JSON: in its exports to S3, and in its imports from there.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

/// An item.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A line of a file.
pub(super) fn line(item: &Item) -> Option<Value> {
    let members = item.iter().map(|(name, value)| Some((name.clone(), to_json(value)?)));
    Some(json!({ "Item": members.collect::<Option<Map<_, _>>>()? }))
}

/// The item of a line.
pub(super) fn parse(line: &str) -> Option<Item> {
    let line: Value = serde_json::from_str(line).ok()?;
    let members = line.get("Item")?.as_object()?;
    members.iter().map(|(name, value)| Some((name.clone(), from_json(value)?))).collect()
}

fn to_json(value: &AttributeValue) -> Option<Value> {
    let binary = |blob: &Blob| BASE64_STANDARD.encode(blob);
    Some(match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::B(blob) => json!({ "B": binary(blob) }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(blobs) => json!({ "BS": blobs.iter().map(binary).collect::<Vec<_>>() }),
        AttributeValue::L(values) => {
            json!({ "L": values.iter().map(to_json).collect::<Option<Vec<_>>>()? })
        }
        AttributeValue::M(members) => {
            let members = members.iter().map(|(name, value)| Some((name.clone(), to_json(value)?)));
            json!({ "M": members.collect::<Option<Map<_, _>>>()? })
        }
        // A type that is newer than this program.
        _ => return None,
    })
}

fn from_json(value: &Value) -> Option<AttributeValue> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (kind, value) = members.iter().next()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts = |value: &Value| value.as_array()?.iter().map(text).collect::<Option<Vec<_>>>();
    let binary = |value: &Value| Some(Blob::new(BASE64_STANDARD.decode(value.as_str()?).ok()?));
    Some(match kind.as_str() {
        "S" => AttributeValue::S(text(value)?),
        "N" => AttributeValue::N(text(value)?),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(value.as_bool()?),
        "B" => AttributeValue::B(binary(value)?),
        "SS" => AttributeValue::Ss(texts(value)?),
        "NS" => AttributeValue::Ns(texts(value)?),
        "BS" => AttributeValue::Bs(value.as_array()?.iter().map(binary).collect::<Option<_>>()?),
        "L" => AttributeValue::L(value.as_array()?.iter().map(from_json).collect::<Option<_>>()?),
        "M" => {
            let members = value.as_object()?.iter();
            let members = members.map(|(name, value)| Some((name.clone(), from_json(value)?)));
            AttributeValue::M(members.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_comes_back_as_it_was() {
        let item = json!({ "Item": {
            "id": { "S": "tenant#0oa1" }, "until": { "N": "1.5" }, "suspended": { "BOOL": true }, "none": { "NULL": true },
            "bytes": { "B": "AAE=" }, "ids": { "SS": ["a", "b"] }, "numbers": { "NS": ["1"] }, "blobs": { "BS": ["AA=="] },
            "targets": { "L": [{ "S": "00g1" }, { "M": { "id": { "S": "x" } } }] },
        } });
        let parsed = parse(&item.to_string()).unwrap();
        assert_eq!(line(&parsed), Some(item));
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"Item":{"id":"x"}}"#,
            r#"{"Item":{"id":{"S":1}}}"#,
            r#"{"Item":{"id":{"S":"x","N":"1"}}}"#,
            r#"{"Item":{"id":{"X":"x"}}}"#,
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
