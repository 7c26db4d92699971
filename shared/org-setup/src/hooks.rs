//! The hooks, once the API's address is known: by one Okta says whose rights ended, by the other
//! Okta asks for whom a delegated token speaks.
//!
//! Okta shows nobody the secret that a hook sends. The verification of the event hook proves the
//! secret, because the API answers only a call that has it: where the verification fails, both
//! hooks are written with the present secret, and the event hook is verified once more.

use connections::stop::{Code, Stop};
use domain::ENDING_EVENTS;
use futures::TryStreamExt;
use okta_client::models::{ACTIVE, Named};
use okta_client::{Client, Error, OkIfAbsent, Pages};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use crate::plan::NAME;

/// Where the API has its hooks, below its address.
pub(crate) const EVENTS: &str = "/events/okta";
pub(crate) const AGENT: &str = "/tokenEnrichment/agent";

/// What is wanted.
pub struct Wanted {
    /// The API's address, with its stage.
    pub api: Url,
    /// What the hooks send as `Authorization`.
    pub secret: Zeroizing<String>,
    /// Also the token inline hook.
    pub delegation: bool,
    /// Hooks are written although they work: the API takes a former secret, too.
    pub rewrite: bool,
    /// Hooks of our name that lead elsewhere are taken over.
    pub adopt: bool,
}

/// What a run did, and which hooks there are now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What was made, in words.
    pub made: Vec<String>,
    /// Id of the event hook.
    pub event_hook_id: String,
    /// Id of the token inline hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_hook_id: Option<String>,
}

impl Wanted {
    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.api.as_str().trim_end_matches('/'))
    }

    fn channel(&self, path: &str) -> Value {
        json!({ "type": "HTTP", "version": "1.0.0", "config": {
            "uri": self.address(path), "method": "POST", "headers": [],
            "authScheme": { "type": "HEADER", "key": "Authorization", "value": *self.secret },
        } })
    }

    fn event_hook(&self) -> Value {
        json!({
            "name": NAME, "events": { "type": "EVENT_TYPE", "items": ENDING_EVENTS },
            "channel": self.channel(EVENTS),
        })
    }

    fn token_hook(&self) -> Value {
        json!({
            "name": NAME, "type": "com.okta.oauth2.tokens.transform", "version": "1.0.0",
            "channel": self.channel(AGENT),
        })
    }

    /// Whether a hook leads where it is to lead, and is told of every event.
    fn is_right(&self, hook: &Named, path: &str) -> bool {
        let events = hook.other.get("events").map(|events| &events["items"]);
        let all = |items: &Value| {
            ENDING_EVENTS.iter().all(|one| items.as_array().is_some_and(|items| items.contains(&json!(one))))
        };
        address_of(hook) == self.address(path) && events.is_none_or(all)
    }
}

pub(crate) fn address_of(hook: &Named) -> &str {
    let uri = hook.other.get("channel").and_then(|channel| channel.pointer("/config/uri"));
    uri.and_then(Value::as_str).unwrap_or_default()
}

/// Our hook: the one of our name. Several are nobody's choice to make.
async fn ours(hooks: Pages<'_, Named>, path: &str, wanted: &Wanted) -> Result<Option<Named>, Stop> {
    let all =
        hooks.try_collect::<Vec<Named>>().await.map_err(|error| Stop::of("looking at the hooks", &error))?;
    // A token hook that leads elsewhere is nobody's concern without delegation.
    let concerns = |hook: &Named| wanted.delegation || path == EVENTS || address_of(hook).ends_with(path);
    let mut ours: Vec<Named> = all.into_iter().filter(|hook| hook.name == NAME && concerns(hook)).collect();
    let ids = || ours.iter().map(|hook| hook.id.as_str()).collect::<Vec<_>>().join(", ");
    if ours.len() > 1 {
        let sentence = format!("several hooks are called {NAME}: {}; delete all but one", ids());
        return Err(Stop::new(Code::Ambiguous, sentence));
    }
    if !wanted.adopt && ours.iter().any(|hook| !address_of(hook).ends_with(path)) {
        let sentence = format!(
            "the hook {NAME} ({}) leads elsewhere; rename the hook, or `--adopt` takes it over",
            ids()
        );
        return Err(Stop::new(Code::Ambiguous, sentence));
    }
    Ok(ours.pop())
}

/// Makes what lacks of the hooks, and proves that Okta reaches the API with the secret.
///
/// # Errors
///
/// A hook of our name that leads elsewhere, before the first change; an API that does not answer
/// the verification; Okta's refusals.
pub async fn finish(client: &Client, wanted: &Wanted) -> Result<Report, Stop> {
    let event = ours(client.list_event_hooks(), EVENTS, wanted).await?;
    let token = ours(client.list_inline_hooks(), AGENT, wanted).await?;
    let (has_token, mut report) = (token.is_some(), Report::default());
    let is_proven = match &event {
        Some(hook) if wanted.is_right(hook, EVENTS) && !wanted.rewrite => {
            verify(client, wanted, hook).await?
        }
        _ => false,
    };
    let is_stale = !is_proven && has_token;
    let lacks = wanted.delegation && token.as_ref().is_none_or(|hook| !wanted.is_right(hook, AGENT));
    // The token hook first: a run that is killed in between finds the event hook unproven again.
    let token = match is_stale || lacks {
        true => Some(write_token_hook(client, wanted, token, &mut report).await?),
        false => token,
    };
    let failed = |error: Error| Stop::of("switching a hook on; the same command goes on", &error);
    if let Some(hook) = token.as_ref().filter(|hook| hook.text("status") != ACTIVE) {
        client.activate_inline_hook(&hook.id).await.map_err(failed)?;
        report.made.push("switch the token hook on".to_owned());
    }
    report.token_hook_id = token.map(|hook| hook.id);
    let was_verified = event.as_ref().is_some_and(|hook| hook.text("verificationStatus") == "VERIFIED");
    let event = match event {
        Some(hook) if is_proven => hook,
        found => {
            let hook = write_event_hook(client, wanted, found, &mut report).await?;
            if !verify(client, wanted, &hook).await? {
                return Err(unreached(wanted));
            }
            hook
        }
    };
    if !(is_proven && was_verified) {
        report.made.push("let Okta verify the event hook".to_owned());
    }
    if event.text("status") != ACTIVE {
        client.activate_event_hook(&event.id).await.map_err(failed)?;
        report.made.push("switch the event hook on".to_owned());
    }
    report.event_hook_id = event.id;
    Ok(report)
}

/// Whether the API answers the hook's secret.
async fn verify(client: &Client, wanted: &Wanted, hook: &Named) -> Result<bool, Stop> {
    match client.verify_event_hook(&hook.id).await {
        Ok(_) => Ok(true),
        Err(error) if is_refusal(&error) => Ok(false),
        Err(error) => Err(Stop::of(&format!("letting Okta call {}", wanted.address(EVENTS)), &error)),
    }
}

/// Okta said no: the hook did not send the challenge back.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Api(error) if error.status == 400)
}

fn unreached(wanted: &Wanted) -> Stop {
    let sentence = format!(
        "Okta does not reach {} with the secret: is the API deployed there, with this `HookSecretArn`? Then the same command goes on",
        wanted.address(EVENTS)
    );
    Stop::new(Code::NotAvailable, sentence)
}

async fn write_event_hook(
    client: &Client,
    wanted: &Wanted,
    found: Option<Named>,
    report: &mut Report,
) -> Result<Named, Stop> {
    let (doing, body) = ("writing the event hook", wanted.event_hook());
    let failed = |error: Error| Stop::of(doing, &error);
    if let Some(hook) = found {
        report.made.push("write the event hook".to_owned());
        return client.replace_event_hook(&hook.id, &body).await.map_err(failed);
    }
    let made = client.create_event_hook(&body).await.map_err(failed)?;
    report.made.push("make the event hook".to_owned());
    // Several may have one name: of those that runs at the same time made, the first stays.
    let all = client.list_event_hooks().try_collect::<Vec<Named>>().await.map_err(failed)?;
    let age = |hook: &Named| (hook.text("created").to_owned(), hook.id.clone());
    let first = all.into_iter().filter(|hook| hook.name == NAME).min_by_key(age);
    match first {
        Some(first) if first.id != made.id => {
            client.delete_event_hook(&made.id).await.ok_if_absent().map_err(failed)?;
            Ok(first)
        }
        _ => Ok(made),
    }
}

async fn write_token_hook(
    client: &Client,
    wanted: &Wanted,
    found: Option<Named>,
    report: &mut Report,
) -> Result<Named, Stop> {
    let body = wanted.token_hook();
    let written = match found {
        Some(hook) => {
            report.made.push("write the token hook".to_owned());
            client.replace_inline_hook(&hook.id, &body).await
        }
        None => {
            report.made.push("make the token hook".to_owned());
            client.create_inline_hook(&body).await
        }
    };
    written.map_err(|error| Stop::of("writing the token hook; the same command goes on", &error))
}
