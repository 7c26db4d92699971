//! Hooks: the call, and what a token hook may change.
//!
//! Evidence: schema `TokenPayLoad` and its examples; reference page "Token
//! inline hook" 2024-09 (reserved claims, all or nothing, error object);
//! concept page "Inline hooks" (3 seconds, no redirects, fail open).

use std::time::Duration;

use serde_json::{Value, json};

use crate::call::{Continuation, HookAnswer, HookCall, Outcome};
use crate::error::OktaError;
use crate::json::{Object, at, lookup, text};
use crate::org::Org;
use crate::org::live::Tokens;

/// How long a hook may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);

/// Largest answer that is read.
pub(crate) const MAX_ANSWER: usize = 256 * 1024;

impl HookCall {
    /// The call of a hook that exists and is active.
    pub(crate) fn new(org: &Org, hook: &str, payload: Value, then: Continuation) -> Option<Self> {
        let hook = org.inline_hooks.get(hook).filter(|hook| text(hook, "status") == "ACTIVE")?;
        let (uri, headers) = address(hook);
        Some(Self { uri, headers, payload: Some(payload), then })
    }
}

/// Where a hook is, and the headers that it is called with.
pub(crate) fn address(hook: &Object) -> (String, Vec<(String, String)>) {
    let uri = at(hook, "/channel/config/uri").to_owned();
    let mut headers: Vec<(String, String)> = Vec::new();
    if let Some(Value::Array(pairs)) = lookup(hook, "/channel/config/headers") {
        let text = |pair: &Value, key: &str| pair[key].as_str().unwrap_or_default().to_owned();
        headers.extend(pairs.iter().map(|pair| (text(pair, "key"), text(pair, "value"))));
    }
    let scheme = |member: &str| at(hook, &format!("/channel/config/authScheme/{member}")).to_owned();
    if !scheme("key").is_empty() {
        // The value is sent as it is: no scheme is put before it.
        headers.push((scheme("key"), scheme("value")));
    }
    (uri, headers)
}

/// Whether Okta calls this address: HTTPS, or this machine itself.
pub(crate) fn may_be_called(uri: &str) -> bool {
    let local = |uri: &url::Url| matches!(uri.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url::Url::parse(uri).is_ok_and(|uri| uri.scheme() == "https" || (uri.scheme() == "http" && local(&uri)))
}

/// Calls a hook: `POST` with a payload, `GET` without.
pub(crate) async fn fire(
    http: &reqwest::Client,
    uri: &str,
    headers: Vec<(String, String)>,
    payload: Option<&Value>,
) -> HookAnswer {
    let mut request = match payload {
        Some(payload) => http.post(uri).json(payload),
        None => http.get(uri),
    };
    for (name, value) in headers {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            match response.bytes().await {
                Ok(body) => HookAnswer::Answer(status, body.to_vec()),
                Err(error) if error.is_timeout() => HookAnswer::Timeout,
                Err(_) => HookAnswer::Failed,
            }
        }
        Err(error) if error.is_timeout() => HookAnswer::Timeout,
        Err(_) => HookAnswer::Failed,
    }
}

/// Claims that no hook may touch. `aud` and `sub` of an access token are not
/// among them.
const RESERVED_ACCESS: &[&str] = &[
    "acr",
    "as_uri",
    "auth_time",
    "authorization_details",
    "cid",
    "cnf",
    "exp",
    "groups",
    "iat",
    "iss",
    "jti",
    "rpt",
    "rsi",
    "scp",
    "sid",
    "token_type",
    "uid",
    "username",
    "ver",
];

#[rustfmt::skip] // A list.
const RESERVED_IDENTITY: &[&str] = &[
    "acr", "active", "aid", "amr", "app_id", "app_type", "at_hash", "aud", "auth_time", "c_hash", "cid",
    "client_id", "client_ip", "client_req_id", "client_type", "client_user_agent", "cnf", "did", "dst", "exp",
    "group", "groups", "hotk", "iat", "idp", "idp_iss", "iss", "jti", "mac_key", "may_act", "nonce", "oid",
    "okta_emailVerified", "okta_lastUpdated", "orig", "permissions", "purpose", "pwd_exp_days", "pwd_exp_time",
    "rid", "role", "scope", "scopes", "sid", "sub", "term", "token_type", "user_ip", "ver",
];

/// What a token hook's answer does.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The tokens as they are now; if it says why, they are unchanged although
    /// the hook wanted something else, and only the system log shows it.
    Issue(Option<String>),
    /// No token: `server_error` with this description.
    Refuse(String),
}

/// Applies the answer of a token hook, wholly or not at all. A hook that does
/// not answer as it should changes nothing (Okta fails open).
pub(crate) fn apply(tokens: &mut Tokens, answer: &HookAnswer) -> Verdict {
    let unchanged = |why: &str| Verdict::Issue(Some(why.to_owned()));
    let body = match answer {
        HookAnswer::Timeout => return unchanged("the hook did not answer in time"),
        HookAnswer::Failed => return unchanged("the hook could not be reached"),
        HookAnswer::Answer(204, _) => return Verdict::Issue(None),
        HookAnswer::Answer(200, body) if body.len() <= MAX_ANSWER => body,
        HookAnswer::Answer(200, _) => return unchanged("the answer is too long"),
        HookAnswer::Answer(status, _) => return unchanged(&format!("the hook answered {status}")),
    };
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(body) else {
        return unchanged("the answer is not a JSON object");
    };
    if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
        let summary = error["errorSummary"].as_str().unwrap_or("The callback service returned an error");
        return Verdict::Refuse(summary.to_owned());
    }
    let mut changed = tokens.clone();
    let commands = match body.get("commands") {
        None | Some(Value::Null) => return Verdict::Issue(None),
        Some(Value::Array(commands)) => commands,
        Some(_) => return unchanged("`commands` is not an array"),
    };
    for command in commands {
        let Some(operations) = command["value"].as_array() else {
            return unchanged("a command has no array `value`");
        };
        for operation in operations {
            let done = match command["type"].as_str().unwrap_or_default() {
                "com.okta.access.patch" => {
                    patch(&mut changed.access, &mut changed.access_lifetime, RESERVED_ACCESS, operation)
                }
                "com.okta.identity.patch" => match &mut changed.identity {
                    None => Err("there is no ID token to patch".to_owned()),
                    Some(identity) => {
                        patch(identity, &mut changed.identity_lifetime, RESERVED_IDENTITY, operation)
                    }
                },
                other => Err(format!("unknown command type `{other}`")),
            };
            if let Err(why) = done {
                return Verdict::Issue(Some(why));
            }
        }
    }
    *tokens = changed;
    Verdict::Issue(None)
}

/// One operation of a patch.
fn patch(
    claims: &mut Object,
    lifetime: &mut i64,
    reserved: &[&str],
    operation: &Value,
) -> Result<(), String> {
    let (op, path) =
        (operation["op"].as_str().unwrap_or_default(), operation["path"].as_str().unwrap_or_default());
    let value = operation.get("value").filter(|value| !value.is_null());
    if path == "/token/lifetime/expiration" {
        let seconds = value.and_then(Value::as_i64).filter(|seconds| (300..=86_400).contains(seconds));
        return match (op, seconds) {
            ("replace", Some(seconds)) => {
                *lifetime = seconds;
                Ok(())
            }
            _ => Err("the lifetime can only be replaced, by 300 to 86400 seconds".to_owned()),
        };
    }
    let unescape = |segment: &str| segment.replace("~1", "/").replace("~0", "~");
    let Some(segments) = path.strip_prefix("/claims/") else { return Err(format!("no such path `{path}`")) };
    let segments: Vec<String> = segments.split('/').map(unescape).collect();
    let claim = &segments[0];
    if claim.is_empty() || reserved.contains(&claim.as_str()) || claim.starts_with("device_") {
        return Err(format!("the claim `{claim}` cannot be changed"));
    }
    let missing = || format!("`{path}` is not in the token");
    let Some((last, parents)) = segments.split_last() else { return Err(missing()) };
    let value = match (op, value) {
        ("add" | "replace", Some(value)) => Some(value.clone()),
        ("remove", None) => None,
        ("add" | "replace", None) => return Err(format!("`{op}` needs a value")),
        ("remove", Some(_)) => return Err("`remove` takes no value".to_owned()),
        _ => return Err(format!("unknown operation `{op}`")),
    };
    if parents.is_empty() {
        let present = claims.contains_key(last);
        match value {
            Some(_) if op == "replace" && !present => return Err(missing()),
            Some(value) => drop(claims.insert(last.clone(), value)),
            None if !present => return Err(missing()),
            None => drop(claims.remove(last)),
        }
        return Ok(());
    }
    let mut parent = claims.get_mut(&parents[0]).ok_or_else(missing)?;
    for segment in &parents[1..] {
        parent = match parent {
            Value::Object(object) => object.get_mut(segment),
            Value::Array(array) => segment.parse::<usize>().ok().and_then(|index| array.get_mut(index)),
            _ => None,
        }
        .ok_or_else(missing)?;
    }
    match parent {
        Value::Object(object) => {
            let present = object.contains_key(last);
            match value {
                Some(_) if op == "replace" && !present => Err(missing()),
                Some(value) => {
                    object.insert(last.clone(), value);
                    Ok(())
                }
                None => object.remove(last).map(drop).ok_or_else(missing),
            }
        }
        Value::Array(array) => {
            let index = if last == "-" { Some(array.len()) } else { last.parse::<usize>().ok() };
            let index = index.ok_or_else(missing)?;
            match value {
                Some(value) if op == "add" && index <= array.len() => array.insert(index, value),
                Some(value) if op == "replace" && index < array.len() => array[index] = value,
                None if index < array.len() => drop(array.remove(index)),
                _ => return Err(missing()),
            }
            Ok(())
        }
        _ => Err(missing()),
    }
}

/// The answer of `executeInlineHook`: the hook's own, or why there is none.
pub(crate) fn executed(answer: HookAnswer) -> Outcome {
    match answer {
        HookAnswer::Answer(200, body) => match serde_json::from_slice(&body) {
            Ok(body) => Ok(crate::call::Reply::ok(body)),
            Err(_) => Err(OktaError::new(400, "E0000135", "The inline hook returned an error.")),
        },
        HookAnswer::Answer(..) => Err(OktaError::new(400, "E0000135", "The inline hook returned an error.")),
        HookAnswer::Timeout => Err(OktaError::new(400, "E0000137", "The inline hook timed out.")),
        HookAnswer::Failed => {
            Err(OktaError::new(400, "E0000134", "There was a bad communication with the inline hook."))
        }
    }
}

/// The wrapper of every hook request.
pub(crate) fn envelope(kind: &str, source: &str, id: &str, time: &str, data: Value) -> Value {
    json!({
        "source": source, "eventId": id, "eventTime": time, "eventTypeVersion": "1.0",
        "cloudEventVersion": "0.1", "contentType": "application/json", "eventType": kind, "data": data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::object;

    fn tokens() -> Tokens {
        Tokens {
            access: object(json!({"sub": "a@b.test", "uid": "00u1", "list": [1, 2], "deep": {"x": 1}})),
            access_lifetime: 3_600,
            identity: None,
            identity_lifetime: 3_600,
        }
    }

    fn access(operations: Value) -> HookAnswer {
        let body = json!({"commands": [{"type": "com.okta.access.patch", "value": operations}]});
        HookAnswer::Answer(200, body.to_string().into_bytes())
    }

    #[test]
    fn a_patch_is_applied() {
        let mut tokens = tokens();
        let answer = access(json!([
            {"op": "add", "path": "/claims/on_behalf", "value": "boss"},
            {"op": "replace", "path": "/claims/sub", "value": "boss@b.test"},
            {"op": "add", "path": "/claims/list/-", "value": 3},
            {"op": "remove", "path": "/claims/list/0"},
            {"op": "add", "path": "/claims/deep/y", "value": 2},
            {"op": "replace", "path": "/token/lifetime/expiration", "value": 600},
        ]));
        assert_eq!(apply(&mut tokens, &answer), Verdict::Issue(None));
        let expected = json!({"sub": "boss@b.test", "uid": "00u1", "list": [2, 3], "deep": {"x": 1, "y": 2}, "on_behalf": "boss"});
        assert_eq!((Value::Object(tokens.access), tokens.access_lifetime), (expected, 600));
    }

    #[test]
    fn one_bad_operation_voids_the_patch() {
        let good = json!({"op": "add", "path": "/claims/x", "value": 1});
        for bad in [
            json!({"op": "replace", "path": "/claims/absent", "value": 1}),
            json!({"op": "add", "path": "/claims/uid", "value": "00u2"}),
            json!({"op": "add", "path": "/claims/absent/y", "value": 1}),
            json!({"op": "remove", "path": "/claims/sub", "value": 1}),
            json!({"op": "remove", "path": "/claims/absent"}),
            json!({"op": "add", "path": "/claims/list/9", "value": 1}),
            json!({"op": "move", "path": "/claims/sub", "value": 1}),
            json!({"op": "replace", "path": "/token/lifetime/expiration", "value": 10}),
            json!({"op": "add", "path": "/elsewhere", "value": 1}),
        ] {
            let mut tokens = tokens();
            let verdict = apply(&mut tokens, &access(json!([good, bad])));
            assert!(matches!(verdict, Verdict::Issue(Some(_))), "{bad}");
            assert_eq!(tokens.access, self::tokens().access, "{bad}");
        }
        let identity = json!({"commands": [{"type": "com.okta.identity.patch", "value": [good]}]});
        let answer = HookAnswer::Answer(200, identity.to_string().into_bytes());
        assert!(
            matches!(apply(&mut tokens(), &answer), Verdict::Issue(Some(_))),
            "no ID token was asked for"
        );
    }

    #[test]
    fn a_broken_hook_changes_nothing_and_an_error_object_refuses() {
        for answer in [
            HookAnswer::Timeout,
            HookAnswer::Failed,
            HookAnswer::Answer(500, b"{}".to_vec()),
            HookAnswer::Answer(200, b"no JSON".to_vec()),
            HookAnswer::Answer(200, vec![b' '; MAX_ANSWER + 1]),
        ] {
            assert!(matches!(apply(&mut tokens(), &answer), Verdict::Issue(Some(_))), "{answer:?}");
        }
        let refuse = json!({"error": {"errorSummary": "not today"}}).to_string().into_bytes();
        assert_eq!(
            apply(&mut tokens(), &HookAnswer::Answer(200, refuse)),
            Verdict::Refuse("not today".to_owned())
        );
    }
}
