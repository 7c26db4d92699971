//! Event hooks.
//!
//! Evidence: reference page "Event hooks" and concept page "Event hooks" (a hook is
//! created active and unverified; the one-time verification is a GET with
//! `X-Okta-Verification-Challenge`, answered with `verification`; events go to active
//! and verified hooks only; a change of the URI needs a new verification). The error
//! code of a failed verification is not verified.

use serde_json::{Value, json};

use crate::call::{Auth, Call, HookAnswer, HookCall, Outcome, Reply, Route, delete, get, post, put};
use crate::error::OktaError;
use crate::hooks;
use crate::json::{Object, at, href, keep, lookup_mut, stamp, text, texts, turn, with_links};
use crate::org::Org;
use crate::random;

const HOOKS: Auth = Auth::Admin("eventHooks");

/// The most active ones that an org may have.
const MAX_HOOKS: usize = 25;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/eventHooks", "listEventHooks", HOOKS, list_hooks),
    post("/api/v1/eventHooks", "createEventHook", HOOKS, create_hook),
    get("/api/v1/eventHooks/{eventHookId}", "getEventHook", HOOKS, get_hook),
    put("/api/v1/eventHooks/{eventHookId}", "replaceEventHook", HOOKS, replace_hook),
    delete("/api/v1/eventHooks/{eventHookId}", "deleteEventHook", HOOKS, delete_hook),
    post("/api/v1/eventHooks/{eventHookId}/lifecycle/activate", "activateEventHook", HOOKS, activate_hook),
    post("/api/v1/eventHooks/{eventHookId}/lifecycle/deactivate", "deactivateEventHook", HOOKS, deactivate_hook),
    post("/api/v1/eventHooks/{eventHookId}/lifecycle/verify", "verifyEventHook", HOOKS, verify_hook),
];

fn render(hook: &Object, call: &Call) -> Value {
    let own = call.url(format!("/api/v1/eventHooks/{}", text(hook, "id")));
    let mut printed = hook.clone();
    if let Some(Value::Object(scheme)) = lookup_mut(&mut printed, "/channel/config/authScheme") {
        scheme.remove("value");
    }
    let turned = if text(hook, "status") == "ACTIVE" { "deactivate" } else { "activate" };
    let mut links = json!({ "self": href(own.clone()) });
    for end in [turned, "verify"] {
        links[end] = href(format!("{own}/lifecycle/{end}"));
    }
    with_links(&printed, links)
}

fn list_hooks(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(org.event_hooks.values().map(|hook| render(hook, call)).collect()))
}

fn valid(call: &Call) -> Result<Object, OktaError> {
    let mut hook = call.object()?.clone();
    for member in ["_links", "verificationStatus", "createdBy"] {
        hook.remove(member);
    }
    if text(&hook, "name").is_empty() {
        return Err(OktaError::missing("name"));
    }
    if texts(&hook, "/events/items").is_empty() {
        return Err(OktaError::missing("events.items"));
    }
    if !hooks::may_be_called(at(&hook, "/channel/config/uri")) {
        return Err(OktaError::validation("channel.config.uri", "channel.config.uri: The URL must be HTTPS"));
    }
    Ok(hook)
}

fn create_hook(org: &mut Org, call: &Call) -> Outcome {
    let mut hook = valid(call)?;
    if org.event_hooks.values().filter(|hook| text(hook, "status") == "ACTIVE").count() >= MAX_HOOKS {
        return Err(OktaError::validation("eventHook", "The maximum number of event hooks is reached"));
    }
    let id = org.new_id("who");
    stamp(&mut hook, &id, "ACTIVE", call.now);
    hook.insert("verificationStatus".to_owned(), "UNVERIFIED".into());
    hook.insert("createdBy".to_owned(), call.caller.who.id().into());
    let answer = render(&hook, call);
    org.event_hooks.insert(id, hook);
    Ok(Reply::ok(answer))
}

fn hook<'o>(org: &'o mut Org, call: &Call) -> Result<&'o mut Object, OktaError> {
    let id = call.parameter("eventHookId");
    org.event_hooks.get_mut(id).ok_or_else(|| OktaError::not_found(id, "EventHook"))
}

fn get_hook(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(render(hook(org, call)?, call)))
}

fn replace_hook(org: &mut Org, call: &Call) -> Outcome {
    let mut new = valid(call)?;
    let old = hook(org, call)?;
    let uri = "/channel/config/uri";
    let kept: &[&str] = match at(&new, uri) == at(old, uri) {
        true => &["id", "status", "created", "createdBy", "verificationStatus"],
        false => &["id", "status", "created", "createdBy"],
    };
    keep(&mut new, old, kept, call.now);
    new.entry("verificationStatus").or_insert("UNVERIFIED".into());
    *old = new;
    get_hook(org, call)
}

/// Only an INACTIVE one.
fn delete_hook(org: &mut Org, call: &Call) -> Outcome {
    if text(hook(org, call)?, "status") == "ACTIVE" {
        return Err(OktaError::validation("eventHook", "An active event hook cannot be deleted"));
    }
    org.event_hooks.remove(call.parameter("eventHookId"));
    Ok(Reply::no_content())
}

fn activate_hook(org: &mut Org, call: &Call) -> Outcome {
    turn(hook(org, call)?, "ACTIVE", call.now);
    get_hook(org, call)
}

fn deactivate_hook(org: &mut Org, call: &Call) -> Outcome {
    turn(hook(org, call)?, "INACTIVE", call.now);
    get_hook(org, call)
}

/// Asks the hook to send a challenge back.
fn verify_hook(org: &mut Org, call: &Call) -> Outcome {
    let challenge = random::random();
    let sent = ("x-okta-verification-challenge".to_owned(), challenge.clone());
    let hook = hook(org, call)?;
    let (uri, mut headers) = hooks::address(hook);
    headers.push(sent);
    let then = move |org: &mut Org, call: &Call, answer: HookAnswer| {
        let echoed = match &answer {
            HookAnswer::Answer(200, body) => serde_json::from_slice::<Value>(body).ok(),
            _ => None,
        };
        if echoed.is_none_or(|body| body["verification"] != challenge.as_str()) {
            return Err(OktaError::validation("eventHook", "The verification of the event hook failed"));
        }
        self::hook(org, call)?.insert("verificationStatus".to_owned(), "VERIFIED".into());
        get_hook(org, call)
    };
    let hook = HookCall { uri, headers, payload: None, then: Box::new(then) };
    Ok(Reply { hook: Some(Box::new(hook)), ..Reply::no_content() })
}
