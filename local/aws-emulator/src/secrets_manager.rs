//! The operations of Secrets Manager.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::AwsError;
use crate::secrets::{self, Secrets};
use crate::settings::Settings;
use crate::{secret_list, secret_rotation};

pub(crate) fn answer(
    state: &mut Secrets,
    operation: &str,
    body: &Value,
    now: Timestamp,
    settings: &Settings,
) -> Result<Value, AwsError> {
    match operation {
        "CreateSecret" => secrets::create(state, body, now),
        "DescribeSecret" => secrets::describe(state, body),
        "GetSecretValue" => secrets::get(state, body),
        "PutSecretValue" => secrets::put(state, body, now),
        "UpdateSecretVersionStage" => secrets::move_label(state, body, settings.pending_goes_with_current),
        "DeleteSecret" => secrets::delete(state, body, now),
        "RestoreSecret" => secrets::restore(state, body),
        "CancelRotateSecret" => secret_rotation::cancel(state, body),
        "ListSecrets" => secret_list::list(state, body),
        "BatchGetSecretValue" => secret_list::batch(state, body),
        "TagResource" => secret_list::tag_resource(state, body),
        "GetRandomPassword" => Ok(json!({ "RandomPassword": secrets::password(body) })),
        _ => Err(AwsError::json("UnknownOperationException", "")),
    }
}
