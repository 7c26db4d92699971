//! `RotateSecret` and `CancelRotateSecret`: what they do to a secret. What follows is in
//! [`crate::rotations`].
//!
//! Evidence: Secrets Manager API Reference 2017-10-17, `RotateSecret` (parameters; "if the
//! `AWSPENDING` staging label is present but not attached to the same version as `AWSCURRENT`,
//! then any later invocation of `RotateSecret` assumes that a previous rotation request is
//! still in progress and returns an error").

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::AwsError;
use crate::secrets::{self, Rotation, Secrets, invalid_parameter, invalid_request, text};

/// A rotation that was begun, and has its invocations before it.
pub(crate) struct Begun {
    pub(crate) secret: String,
    pub(crate) arn: String,
    pub(crate) function: String,
    pub(crate) token: String,
    /// Only `testSecret`, to test the configuration.
    pub(crate) test_only: bool,
}

/// `RotateSecret`.
pub(crate) fn rotate(state: &mut Secrets, body: &Value, now: Timestamp) -> Result<(Value, Begun), AwsError> {
    let (name, secret) = secrets::named(state, body)?;
    let rules = rules(&body["RotationRules"])?;
    let token = secrets::version_id(body)?;
    let before = secret.rotation.clone();
    let function = text(body, "RotationLambdaARN").map(str::to_owned);
    let function = function.or_else(|| before.as_ref().map(|rotation| rotation.function.clone()));
    let function = function
        .ok_or_else(|| invalid_request("No Lambda rotation function ARN is associated with this secret."))?;
    secret.rotation = Some(Rotation {
        function: function.clone(),
        rules: rules.or_else(|| before.as_ref().map(|rotation| rotation.rules.clone())).unwrap_or_default(),
        enabled: true,
        last: before.and_then(|rotation| rotation.last),
    });
    let has = |label: &str| secret.holder(label);
    if has(secrets::PENDING).is_some_and(|pending| Some(&pending) != has(secrets::CURRENT).as_ref()) {
        return Err(invalid_request(
            "A previous rotation isn't complete. That rotation will be reattempted.",
        ));
    }
    secret.make_empty(&token, now);
    let answer = json!({ "ARN": secret.arn, "Name": name, "VersionId": token });
    let (arn, test_only) = (secret.arn.clone(), body["RotateImmediately"] == false);
    Ok((answer, Begun { secret: name, arn, function, token, test_only }))
}

/// The rotation that is not complete, to be tried again.
pub(crate) fn unfinished(state: &mut Secrets, body: &Value) -> Option<Begun> {
    let (name, secret) = secrets::named(state, body).ok()?;
    let token = secret.holder(secrets::PENDING)?;
    let function = secret.rotation.as_ref()?.function.clone();
    Some(Begun { secret: name, arn: secret.arn.clone(), function, token, test_only: false })
}

fn rules(given: &Value) -> Result<Option<Value>, AwsError> {
    if given.is_null() {
        return Ok(None);
    }
    let days = given["AutomaticallyAfterDays"].as_u64();
    let schedule = given["ScheduleExpression"].as_str();
    if days.is_some() == schedule.is_some() {
        return Err(invalid_parameter("Give AutomaticallyAfterDays or ScheduleExpression, and not both."));
    }
    let is_schedule = |text: &str| text.starts_with("rate(") || text.starts_with("cron(");
    if days.is_some_and(|days| !(1..=1_000).contains(&days))
        || schedule.is_some_and(|text| !is_schedule(text))
    {
        return Err(invalid_parameter("RotationRules: 1 to 1000 days, or rate(…) or cron(…)."));
    }
    Ok(Some(given.clone()))
}

/// `CancelRotateSecret`: off, and what is pending stays.
pub(crate) fn cancel(state: &mut Secrets, body: &Value) -> Result<Value, AwsError> {
    let (name, secret) = secrets::named(state, body)?;
    if let Some(rotation) = &mut secret.rotation {
        rotation.enabled = false;
    }
    Ok(json!({ "ARN": secret.arn, "Name": name }))
}
