//! Inline hooks.
//!
//! Evidence: recordings of the Terraform provider (create answers 200 and
//! never gives the secret back; an INACTIVE hook shows `delete`), in full recorded
//! answer 22 (docs/emulator.md); reference page "Inline hooks" 2024-09. HTTPS is
//! required, but for this machine itself.

use serde_json::{Value, json};

use crate::call::{Auth, Call, HookCall, Outcome, Reply, Route, delete, get, post, put};
use crate::error::OktaError;
use crate::hooks::{executed, may_be_called};
use crate::json::{Object, at, fill, hinted, href, keep, stamp, text, turn, with_links, without};
use crate::org::Org;

const HOOKS: Auth = Auth::Admin("inlineHooks");

/// The most that an org may have.
const MAX_HOOKS: usize = 50;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/inlineHooks", "listInlineHooks", HOOKS, list_hooks),
    post("/api/v1/inlineHooks", "createInlineHook", HOOKS, create_hook),
    get("/api/v1/inlineHooks/{inlineHookId}", "getInlineHook", HOOKS, get_hook),
    put("/api/v1/inlineHooks/{inlineHookId}", "replaceInlineHook", HOOKS, replace_hook),
    delete("/api/v1/inlineHooks/{inlineHookId}", "deleteInlineHook", HOOKS, delete_hook),
    post("/api/v1/inlineHooks/{inlineHookId}/execute", "executeInlineHook", HOOKS, execute_hook),
    post("/api/v1/inlineHooks/{inlineHookId}/lifecycle/activate", "activateInlineHook", HOOKS, activate_hook),
    post("/api/v1/inlineHooks/{inlineHookId}/lifecycle/deactivate", "deactivateInlineHook", HOOKS, deactivate_hook),
];

fn render(hook: &Object, call: &Call) -> Value {
    let own = call.url(format!("/api/v1/inlineHooks/{}", text(hook, "id")));
    let mut printed = hook.clone();
    // Secrets are never shown.
    without(&mut printed, &["/channel/config/authScheme/value", "/channel/config/clientSecret"]);
    fill(&mut printed, json!({ "channel": { "config": { "headers": [] } } }));
    if at(hook, "/channel/type") != "OAUTH" {
        fill(&mut printed, json!({ "channel": { "config": { "authScheme": null } } }));
    }
    let mut links = json!({ "self": href(own.clone()) });
    if text(hook, "status") == "ACTIVE" {
        links["execute"] = hinted(format!("{own}/execute"), &["POST"]);
        links["deactivate"] = hinted(format!("{own}/lifecycle/deactivate"), &["POST"]);
    } else {
        links["activate"] = hinted(format!("{own}/lifecycle/activate"), &["POST"]);
        links["delete"] = hinted(own, &["DELETE"]);
    }
    with_links(&printed, links)
}

fn list_hooks(org: &mut Org, call: &Call) -> Outcome {
    let kind = call.query("type");
    let found = org.inline_hooks.values().filter(|hook| kind.is_none_or(|kind| text(hook, "type") == kind));
    Ok(Reply::ok(found.map(|hook| render(hook, call)).collect()))
}

fn valid(org: &Org, call: &Call, own: Option<&str>) -> Result<Object, OktaError> {
    let mut hook = call.object()?.clone();
    hook.remove("_links");
    for field in ["name", "type", "version"] {
        // A PUT may leave out what it cannot change.
        if text(&hook, field).is_empty() && (own.is_none() || field == "name") {
            return Err(OktaError::missing(field));
        }
    }
    let name = text(&hook, "name");
    if org.inline_hooks.values().any(|other| text(other, "name") == name && Some(text(other, "id")) != own) {
        return Err(OktaError::duplicate("name"));
    }
    if !may_be_called(at(&hook, "/channel/config/uri")) {
        return Err(OktaError::validation("channel.config.uri", "channel.config.uri: The URL must be HTTPS"));
    }
    Ok(hook)
}

fn create_hook(org: &mut Org, call: &Call) -> Outcome {
    let mut hook = valid(org, call, None)?;
    if org.inline_hooks.len() >= MAX_HOOKS {
        return Err(OktaError::validation("inlineHook", "The maximum number of inline hooks is reached"));
    }
    let id = org.new_id("cal");
    stamp(&mut hook, &id, "ACTIVE", call.now);
    let answer = render(&hook, call);
    org.inline_hooks.insert(id, hook);
    Ok(Reply::ok(answer))
}

fn hook<'o>(org: &'o mut Org, call: &Call) -> Result<&'o mut Object, OktaError> {
    let id = call.parameter("inlineHookId");
    org.inline_hooks.get_mut(id).ok_or_else(|| OktaError::not_found(id, "InlineHook"))
}

fn get_hook(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(render(hook(org, call)?, call)))
}

fn replace_hook(org: &mut Org, call: &Call) -> Outcome {
    let id = call.parameter("inlineHookId");
    let mut new = valid(org, call, Some(id))?;
    let old = hook(org, call)?;
    keep(&mut new, old, &["id", "status", "created", "type", "version"], call.now);
    *old = new;
    get_hook(org, call)
}

/// Only an INACTIVE one. A rule that uses it keeps a dangling id (not verified).
fn delete_hook(org: &mut Org, call: &Call) -> Outcome {
    let id = call.parameter("inlineHookId");
    if text(hook(org, call)?, "status") == "ACTIVE" {
        return Err(OktaError::validation("inlineHook", "An active inline hook cannot be deleted"));
    }
    org.inline_hooks.remove(id);
    Ok(Reply::no_content())
}

/// Sends the body to the hook and gives back what it says.
fn execute_hook(org: &mut Org, call: &Call) -> Outcome {
    let id = text(hook(org, call)?, "id").to_owned();
    let payload = Value::Object(call.object()?.clone());
    let hook = HookCall::new(org, &id, payload, Box::new(|_, _, answer| executed(answer)));
    let hook = hook.ok_or_else(|| OktaError::validation("inlineHook", "The inline hook is not active"))?;
    Ok(Reply { hook: Some(Box::new(hook)), ..Reply::no_content() })
}

fn activate_hook(org: &mut Org, call: &Call) -> Outcome {
    turn(hook(org, call)?, "ACTIVE", call.now);
    get_hook(org, call)
}

fn deactivate_hook(org: &mut Org, call: &Call) -> Outcome {
    turn(hook(org, call)?, "INACTIVE", call.now);
    get_hook(org, call)
}
