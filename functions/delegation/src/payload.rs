//! What Okta says when it calls a token hook.
//!
//! Which members are there depends on the flow, and Okta's description marks none
//! as required: everything here may be missing, or be something else.

use serde_json::{Map, Value};
use state::{Reference, is_delegation_id};
use url::Url;

/// A call about a token of a user.
#[derive(Debug)]
pub(crate) struct Payload<'p> {
    /// Id of the user.
    pub(crate) user: &'p str,
    /// Id of the client.
    pub(crate) client: &'p str,
    /// Claims of the access token, if one is to be issued.
    pub(crate) access: Option<&'p Map<String, Value>>,
    /// Claims of the ID token, if one is to be issued.
    pub(crate) identity: Option<&'p Map<String, Value>>,
    /// The id of a delegation that came with the request.
    id: Option<String>,
    /// Whether the request has a `state`.
    has_state: bool,
}

/// Why a call is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// It is about something else, or about no user, and no concern of ours.
    Foreign,
    /// It names a delegation and nobody, or two users or clients.
    Contradictory,
}

impl<'p> Payload<'p> {
    pub(crate) fn of(payload: &'p Value) -> Result<Self, Unclear> {
        if payload["eventType"] != "com.okta.oauth2.tokens.transform" || !payload["data"].is_object() {
            return Err(Unclear::Foreign);
        }
        let at = |pointer: &str| payload.pointer(pointer).filter(|value| !value.is_null());
        let claims = |token: &str| {
            let token = at(token).and_then(Value::as_object)?;
            token.get("claims").and_then(Value::as_object)
        };
        let (access, identity) = (claims("/data/access"), claims("/data/identity"));
        let context = |pointer: &str| at(&format!("/data/context{pointer}"));
        let claim =
            |token: Option<&'p Map<String, Value>>, name: &str| token.and_then(|claims| claims.get(name));
        // All that are there must agree: Okta has sent the user of the session
        // beside the token of another (release notes of 2025).
        let user = one(&[context("/user/id"), claim(access, "uid"), claim(identity, "sub")])?;
        let client = one(&[
            context("/protocol/client/id"),
            context("/protocol/request/client_id"),
            claim(access, "cid"),
            claim(identity, "aud"),
        ])?;
        let state = context("/protocol/request/state").and_then(Value::as_str);
        let query =
            context("/request/url/value").and_then(Value::as_str).and_then(|url| Url::parse(url).ok());
        let parameter = query.and_then(|url| {
            url.query_pairs().find(|(name, _)| name == "delegation_id").map(|(_, value)| value.into_owned())
        });
        let id = state.map(str::to_owned).filter(|state| is_delegation_id(state));
        let id = id.or(parameter.filter(|id| is_delegation_id(id)));
        let (Some(user), Some(client)) = (user, client) else {
            // Such as a token of a client alone.
            return Err(if id.is_some() { Unclear::Contradictory } else { Unclear::Foreign });
        };
        Ok(Self { user, client, access, identity, id, has_state: state.is_some() })
    }

    /// How the call names a delegation; `None` if it is about no delegation.
    pub(crate) fn reference(&self) -> Option<Reference<'_>> {
        match &self.id {
            Some(id) => Some(Reference::Id(id)),
            // An application's own `state`: an ordinary sign-in.
            None if self.has_state => None,
            None => Some(Reference::Newest { agent: self.user, client: self.client }),
        }
    }
}

/// The one text that those that are there agree on, if any is.
fn one<'p>(values: &[Option<&'p Value>]) -> Result<Option<&'p str>, Unclear> {
    let mut found = None;
    for value in values.iter().flatten() {
        match (value.as_str().filter(|text| !text.is_empty()), found) {
            (Some(text), None) => found = Some(text),
            (Some(text), Some(other)) if text == other => {}
            _ => return Err(Unclear::Contradictory),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn payload() -> Value {
        json!({
            "eventType": "com.okta.oauth2.tokens.transform",
            "data": {
                "context": {
                    "request": { "url": { "value": "https://example.okta.com/v1/authorize?state=x" } },
                    "protocol": { "request": { "state": "x", "client_id": "0oa1" }, "client": { "id": "0oa1" } },
                    "user": { "id": "00u1" },
                },
                "identity": { "claims": { "sub": "00u1", "aud": "0oa1" } },
                "access": { "claims": { "sub": "a@b.test", "uid": "00u1", "cid": "0oa1" } },
            },
        })
    }

    fn changed(pointer: &str, value: Value) -> Value {
        let mut payload = payload();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        payload.pointer_mut(parent).unwrap()[name] = value;
        payload
    }

    #[test]
    fn an_applications_own_state_is_no_delegation() {
        assert_eq!(Payload::of(&payload()).unwrap().reference(), None);
        let id = changed("/data/context/protocol/request/state", json!("dlg_1"));
        assert_eq!(Payload::of(&id).unwrap().reference(), Some(Reference::Id("dlg_1")));
    }

    #[test]
    fn a_refresh_names_the_newest_or_the_one_of_its_url() {
        let mut refresh = changed("/data/context/protocol/request", json!({ "grant_type": "refresh_token" }));
        let newest = Reference::Newest { agent: "00u1", client: "0oa1" };
        assert_eq!(Payload::of(&refresh).unwrap().reference(), Some(newest));
        refresh["data"]["context"]["request"]["url"]["value"] =
            "https://example.okta.com/v1/token?delegation_id=dlg_2".into();
        assert_eq!(Payload::of(&refresh).unwrap().reference(), Some(Reference::Id("dlg_2")));
        refresh["data"]["context"].as_object_mut().unwrap().remove("session");
        assert_eq!(Payload::of(&refresh).unwrap().user, "00u1");
    }

    #[test]
    fn two_users_or_clients_are_unclear() {
        for (pointer, value) in [
            ("/data/context/user/id", json!("00u2")),
            ("/data/access/claims/uid", json!("00u2")),
            ("/data/access/claims/cid", json!("0oa2")),
            ("/data/identity/claims/aud", json!(["0oa1"])),
            ("/data/context/protocol/client/id", json!("")),
        ] {
            let unclear = Payload::of(&changed(pointer, value)).unwrap_err();
            assert_eq!(unclear, Unclear::Contradictory, "{pointer}");
        }
        assert_eq!(Payload::of(&json!({})).unwrap_err(), Unclear::Foreign);
        // A token of a client alone is nobody's, unless it asks for a delegation.
        let mut client = payload();
        client["data"]["context"].as_object_mut().unwrap().remove("user");
        client["data"].as_object_mut().unwrap().remove("identity");
        client["data"]["access"]["claims"].as_object_mut().unwrap().remove("uid");
        assert_eq!(Payload::of(&client).unwrap_err(), Unclear::Foreign);
        client["data"]["context"]["protocol"]["request"]["state"] = "dlg_1".into();
        assert_eq!(Payload::of(&client).unwrap_err(), Unclear::Contradictory);
        let other = changed("/eventType", json!("com.okta.user.pre-registration"));
        assert_eq!(Payload::of(&other).unwrap_err(), Unclear::Foreign);
    }
}
