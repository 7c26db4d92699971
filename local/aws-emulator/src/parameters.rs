//! Parameter Store of Systems Manager.
//!
//! Evidence: Systems Manager API Reference 2014-11-06: `PutParameter` (4,096 bytes in the
//! standard tier, 8,192 in the advanced one; `ParameterAlreadyExists` without `Overwrite`),
//! `GetParameter`, `DeleteParameter`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::AwsError;

/// All parameters, by name.
pub(crate) type Parameters = BTreeMap<String, Parameter>;

/// A parameter.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) value: String,
    kind: String,
    version: u64,
}

impl Parameter {
    pub(crate) fn new(value: &str) -> Self {
        Self { value: value.to_owned(), kind: "String".to_owned(), version: 1 }
    }
}

fn not_found() -> AwsError {
    AwsError::json("ParameterNotFound", "")
}

pub(crate) fn answer(all: &mut Parameters, operation: &str, body: &Value) -> Result<Value, AwsError> {
    let name = body["Name"].as_str().unwrap_or_default();
    if name.is_empty() {
        return Err(AwsError::json(
            "ValidationException",
            "1 validation error detected: Value null at 'name'",
        ));
    }
    match operation {
        "PutParameter" => put(all, name, body),
        "GetParameter" => {
            let parameter = all.get(name).ok_or_else(not_found)?;
            // Somebody who does not decrypt sees something else.
            let hidden = parameter.kind == "SecureString" && body["WithDecryption"] != true;
            let value = if hidden { "AQICAHencrypted" } else { &parameter.value };
            Ok(json!({ "Parameter": {
                "Name": name, "Type": parameter.kind, "Value": value, "Version": parameter.version,
                "DataType": "text",
            } }))
        }
        "DeleteParameter" => {
            all.remove(name).ok_or_else(not_found)?;
            Ok(json!({}))
        }
        _ => Err(AwsError::json("UnknownOperationException", "")),
    }
}

fn put(all: &mut Parameters, name: &str, body: &Value) -> Result<Value, AwsError> {
    let value = body["Value"].as_str().unwrap_or_default();
    let most = if body["Tier"].as_str().is_none_or(|tier| tier == "Standard") { 4_096 } else { 8_192 };
    if value.is_empty() || value.len() > most {
        let message = format!("The value must have 1 to {most} characters.");
        return Err(AwsError::json("ValidationException", message));
    }
    let before = all.get(name).map(|parameter| (parameter.version, parameter.kind.clone()));
    if before.is_some() && body["Overwrite"] != true {
        let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
        return Err(AwsError::json("ParameterAlreadyExists", message));
    }
    let (version, kind) = before.unwrap_or((0, "String".to_owned()));
    let kind = body["Type"].as_str().map_or(kind, str::to_owned);
    let parameter = Parameter { value: value.to_owned(), kind, version: version + 1 };
    all.insert(name.to_owned(), parameter);
    Ok(json!({ "Version": version + 1, "Tier": if most == 4_096 { "Standard" } else { "Advanced" } }))
}
