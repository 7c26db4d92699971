//! `ListSecrets`, `BatchGetSecretValue`, and the tags that secrets are found by.
//!
//! Evidence: Secrets Manager API Reference 2017-10-17, `ListSecrets` (`Filters`: `name` and
//! `tag-key` are beginnings, all filters count; `MaxResults` 1 to 100), `BatchGetSecretValue`
//! (at most 20 ids), `TagResource`.

use serde_json::{Value, json};

use crate::error::AwsError;
use crate::secrets::{self, Secret, Secrets, invalid_parameter};

pub(crate) fn tag_resource(state: &mut Secrets, body: &Value) -> Result<Value, AwsError> {
    let (_, secret) = secrets::named(state, body)?;
    secret.tag(body);
    Ok(json!({}))
}

fn fits(name: &str, secret: &Secret, filter: &Value) -> Result<bool, AwsError> {
    let values: Vec<&str> =
        filter["Values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let begins = |text: &str| values.iter().any(|value| text.starts_with(value));
    match filter["Key"].as_str() {
        Some("name") => Ok(begins(name)),
        Some("tag-key") => Ok(secret.tags.keys().any(|key| begins(key))),
        Some("tag-value") => Ok(secret.tags.values().any(|value| begins(value))),
        _ => Err(invalid_parameter("Filters: name, tag-key or tag-value.")),
    }
}

pub(crate) fn list(state: &Secrets, body: &Value) -> Result<Value, AwsError> {
    let most = body["MaxResults"].as_u64().unwrap_or(100);
    if !(1..=100).contains(&most) {
        return Err(invalid_parameter("MaxResults: 1 to 100."));
    }
    let after = body["NextToken"].as_str().unwrap_or_default();
    let filters: Vec<&Value> = body["Filters"].as_array().into_iter().flatten().collect();
    let mut found = Vec::new();
    for (name, secret) in state.iter().filter(|(name, secret)| name.as_str() > after && !secret.is_deleted())
    {
        let mut all = true;
        for filter in &filters {
            all &= fits(name, secret, filter)?;
        }
        if all {
            found.push((name, secret));
        }
    }
    let most = usize::try_from(most).unwrap_or(100);
    let next = (found.len() > most).then(|| found.get(most - 1).map(|(name, _)| (*name).clone())).flatten();
    let entry = |(name, secret): &(&String, &Secret)| {
        let tags: Vec<Value> =
            secret.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let mut entry = json!({ "ARN": secret.arn, "Name": name, "Tags": tags });
        secret.describe_rotation(&mut entry);
        entry
    };
    let entries: Vec<Value> = found.iter().take(most).map(entry).collect();
    let mut answer = json!({ "SecretList": entries });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

pub(crate) fn batch(state: &mut Secrets, body: &Value) -> Result<Value, AwsError> {
    let ids: Vec<String> = body["SecretIdList"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect();
    if ids.is_empty() || ids.len() > 20 {
        return Err(invalid_parameter("SecretIdList: 1 to 20 ids."));
    }
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        match secrets::get(state, &json!({ "SecretId": id })) {
            Ok(value) => values.push(value),
            Err(error) => {
                errors.push(json!({ "SecretId": id, "ErrorCode": error.code, "Message": error.message }))
            }
        }
    }
    Ok(json!({ "SecretValues": values, "Errors": errors }))
}
