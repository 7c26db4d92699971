//! AWS's JSON protocol, version 1.1: the operation is in `X-Amz-Target`, errors have a
//! `__type`.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::account::{Principal, State};
use crate::call::Call;
use crate::error::AwsError;
use crate::faults::Service;
use crate::random::request_id;
use crate::secret_rotation::{self, Begun};
use crate::{function_rights, parameters, secrets_manager, signature};

/// The service and the operation that a call is for, if it is one of this protocol.
pub(crate) fn target(call: &Call) -> Option<(Service, String)> {
    let (service, operation) = call.header("x-amz-target")?.split_once('.')?;
    let service = match service {
        "secretsmanager" => Service::SecretsManager,
        "AmazonSSM" => Service::Ssm,
        _ => return None,
    };
    Some((service, operation.to_owned()))
}

/// Answers a call; `principal` becomes who signed it, `begun` a rotation that follows.
pub(crate) fn answer(
    state: &mut State,
    call: &Call,
    service: Service,
    operation: &str,
    principal: &mut Option<String>,
    begun: &mut Option<Begun>,
) -> Result<Value, AwsError> {
    let name = if service == Service::Ssm { "ssm" } else { "secretsmanager" };
    let who: Principal = signature::principal(state, call, name)?;
    *principal = Some(who.arn().to_string());
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|_| AwsError::json("SerializationException", "The body is not JSON."))?;
    if let (Principal::Function(function, arn), Service::SecretsManager) = (&who, service) {
        let secret = body["SecretId"].as_str().and_then(|id| state.secrets.find(id));
        let rights = state.functions.rights.get(function).map_or(&[][..], Vec::as_slice);
        function_rights::check(rights, &arn.to_string(), operation, secret)?;
    }
    match service {
        Service::SecretsManager if operation == "RotateSecret" => {
            let rotated = secret_rotation::rotate(&mut state.secrets, &body, call.now);
            let (answer, rotation) = rotated.inspect_err(|error| {
                if error.message.contains("reattempted") {
                    *begun = secret_rotation::unfinished(&mut state.secrets, &body);
                }
            })?;
            *begun = Some(rotation);
            Ok(answer)
        }
        Service::Ssm => parameters::answer(&mut state.parameters, operation, &body),
        _ => secrets_manager::answer(&mut state.secrets, operation, &body, call.now, &state.settings),
    }
}

/// As the protocol has it.
pub(crate) fn response(answer: Result<Value, AwsError>, code: &mut Option<String>) -> Response {
    match answer {
        Ok(body) => (StatusCode::OK, [("content-type", "application/x-amz-json-1.1")], body.to_string())
            .into_response(),
        Err(error) => {
            *code = Some(error.code.clone());
            error_response(error.status(), &error.code, &error.message)
        }
    }
}

/// An error of a service of this protocol.
pub(crate) fn error_response(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "__type": code, "Message": message, "message": message });
    let headers = [
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("x-amzn-errortype", code.to_owned()),
        ("x-amzn-requestid", request_id()),
    ];
    (status, headers, body.to_string()).into_response()
}
