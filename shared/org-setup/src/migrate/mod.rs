//! An org of the predecessor, taken over: okta-dac or okta-managedaccess.
//!
//! The predecessor's objects stay, with their ids: its clients keep their issuer and their client
//! id. What changes is what okta-dac goes by, and what was open to whoever could write there:
//!
//! - the app, the authorization server and the group `SUPERUSERS` bear the mark, so that
//!   [`setup`](crate::setup) completes them and does not make others beside them;
//! - an IdP signs in users of the tenant's verified domains alone, puts new users into the
//!   tenant's group alone, and links no admin;
//! - the record of a tenant is what the claim and the rules say;
//! - a user only reads whom they let act for them.
//!
//! The claim `groups` with all groups of a user is what the predecessor's functions read: the
//! claim is narrowed with [`Asked::finish`] alone, when nobody calls them any more.
//!
//! A tenant that is suspended, or that a request is changing, is left to a person: what is switched
//! off there is not pending. Every change knows what was there before, and is not made where
//! somebody changed the object meanwhile. A run that fails takes the changes of this tenant, or of
//! the org, back in the other order; the same command goes on from there, also after a kill.

mod change;
mod tenants;

use std::time::Duration;

use connections::stop::{Code, Stop};
use domain::SUPERUSERS;
use futures::TryStreamExt;
use okta_client::models::{AppId, Application, GroupProfile, Named, User, UserType};
use okta_client::{Client, Error};
use serde::Serialize;
use serde_json::{Value, json};
use tenancy::{group_called, if_present};
use tokio::time::Instant;

use self::change::Change;
pub use self::change::Plan;
use self::tenants::tenants;
use crate::plan::{CLAIMS, DELEGATOR_ATTRIBUTES, MARK, NAME, TOKENS, claim, delegator_attribute};
use crate::seen::is_super_admin;

/// What is taken over.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The predecessor's app.
    pub app: Option<AppId>,
    /// Id of its authorization server.
    pub server: Option<String>,
    /// Name of the type of users who may let others act for them (okta-managedaccess).
    pub user_type: Option<String>,
    /// Whether the predecessor's functions are called no more.
    pub finish: bool,
}

/// The predecessors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Tenants, their admins, apps, domains and IdPs.
    OktaDac,
    /// Delegation from user to user.
    OktaManagedaccess,
}

impl Asked {
    /// With what is not given found: the app called okta-dac and the authorization server with the
    /// claim `tenants`, or the type of users with `delegatedAgents`.
    ///
    /// # Errors
    ///
    /// There is none, or there are several.
    pub async fn complete(mut self, client: &Client, from: From) -> Result<Self, Stop> {
        let doing = |error: Error| Stop::of("looking for the predecessor's objects", &error);
        let one = |found: Vec<String>, what: &str, option: &str| match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(Stop::new(Code::Usage, format!("there is no {what}: `{option}` names it"))),
            _ => Err(Stop::new(Code::Usage, format!("`{option}` says which {what}: {}", found.join(", ")))),
        };
        if from == From::OktaManagedaccess {
            if self.user_type.is_none() {
                let mut found = Vec::new();
                for kind in client.list_user_types().await.map_err(doing)? {
                    let schema = client.get_user_schema(&kind).await.map_err(doing)?;
                    found.extend(schema.has(DELEGATOR_ATTRIBUTES[0].0).then_some(kind.name));
                }
                self.user_type = Some(one(found, "type of users with `delegatedAgents`", "--user-type")?);
            }
            return Ok(self);
        }
        if self.app.is_none() {
            let apps = client
                .list_applications(Some(NAME))
                .try_collect::<Vec<Application>>()
                .await
                .map_err(doing)?;
            let found = apps.into_iter().filter(|app| app.label == NAME).map(|app| app.id.to_string());
            self.app = Some(one(found.collect(), "app called okta-dac", "--app")?.as_str().into());
        }
        if self.server.is_none() {
            let mut found = Vec::new();
            for server in
                client.list_authorization_servers().try_collect::<Vec<Named>>().await.map_err(doing)?
            {
                let claims =
                    client.list_oauth2_claims(&server.id).try_collect::<Vec<Named>>().await.map_err(doing)?;
                found.extend(claims.iter().any(|claim| claim.name == CLAIMS[0]).then_some(server.id));
            }
            self.server = Some(one(found, "authorization server with the claim `tenants`", "--server")?);
        }
        Ok(self)
    }
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was changed, in words.
    pub changed: Vec<String>,
    /// What a person decides.
    pub left: Vec<String>,
}

/// What a run would change: it reads only.
///
/// # Errors
///
/// The token is no super admin's; the app or the server is not there; Okta is not available.
pub async fn plan(client: &Client, asked: &Asked) -> Result<Plan, Stop> {
    is_super_admin(client).await?;
    let doing = |error: Error| Stop::of("looking at the predecessor's org", &error);
    let mut plan = Plan::default();
    if let Some(id) = &asked.server {
        server(client, id, asked.finish, &mut plan).await?;
    }
    // The claims alone: tenants live on since the deployment.
    if let Some(id) = asked.app.as_ref().filter(|_| !asked.finish) {
        let app = if_present(client.get_application(id)).await.map_err(doing)?;
        let app = app.ok_or_else(|| Stop::new(Code::Usage, format!("there is no app {id}")))?;
        self::app(client, app, &mut plan).await.map_err(doing)?;
        tenants(client, id, &mut plan).await.map_err(doing)?;
    }
    if let Some(name) = &asked.user_type {
        let kinds = client.list_user_types().await.map_err(doing)?;
        let kind = kinds.into_iter().find(|kind| kind.name == *name);
        let kind = kind.ok_or_else(|| Stop::new(Code::Usage, format!("there is no type of users {name}")))?;
        plan.begin();
        attributes(client, kind, &mut plan).await.map_err(doing)?;
    }
    Ok(plan)
}

/// The app's mark and name, and the assignment of the superusers.
async fn app(client: &Client, app: Application, plan: &mut Plan) -> Result<(), Error> {
    let mut after = app.clone();
    NAME.clone_into(&mut after.label);
    let settings = after.other.entry("settings").or_insert_with(|| json!({}));
    settings["notes"]["admin"] = MARK.into();
    if after.label != app.label || after.other != app.other {
        plan.push(
            format!("mark the app {} ({}) as okta-dac's", app.label, app.id),
            Change::App(Box::new((app.clone(), after))),
        );
    }
    let Some(group) = group_called(client, SUPERUSERS).await? else { return Ok(()) };
    if if_present(client.get_application_group_assignment(&app.id, &group.id)).await?.is_none() {
        // Whoever administers a group can give it this name: the person sees whose rights these are.
        let members = client.list_group_users(&group.id).try_collect::<Vec<User>>().await?;
        let logins: Vec<&str> = members.iter().map(User::login).collect();
        let text = format!("assign {SUPERUSERS} ({}) to the app: {}", group.id, logins.join(", "));
        plan.push(text, Change::Assignment(app.id, Box::new(group.clone())));
    }
    if group.profile.description != MARK {
        let after = GroupProfile { description: MARK.to_owned(), ..group.profile.clone() };
        plan.push(
            format!("mark the group {SUPERUSERS} as okta-dac's"),
            Change::Group { before: Box::new(group), after },
        );
    }
    Ok(())
}

/// What Okta takes of a server.
fn writable_server(server: &Named) -> Value {
    let mut body = json!({
        "name": server.name, "description": server.text("description"),
        "audiences": server.other.get("audiences"),
    });
    // What is left out might become a default: another issuer, or another rotation of keys.
    if let Some(mode) = server.other.get("issuerMode").filter(|mode| !mode.is_null()) {
        body["issuerMode"] = mode.clone();
    }
    let rotation = server.other.get("credentials").and_then(|of| of.pointer("/signing/rotationMode"));
    if let Some(rotation) = rotation.filter(|rotation| !rotation.is_null()) {
        body["credentials"] = json!({ "signing": { "rotationMode": rotation } });
    }
    body
}

/// What Okta takes of a claim.
fn writable_claim(claim: &Named) -> Value {
    let members = [
        "status",
        "claimType",
        "valueType",
        "value",
        "conditions",
        "alwaysIncludeInToken",
        "group_filter_type",
    ];
    let kept = members.iter().filter_map(|name| Some(((*name).to_owned(), claim.other.get(*name)?.clone())));
    let mut body: serde_json::Map<String, Value> = kept.filter(|(_, value)| !value.is_null()).collect();
    body.insert("name".to_owned(), claim.name.clone().into());
    body.into()
}

async fn server(client: &Client, id: &str, finish: bool, plan: &mut Plan) -> Result<(), Stop> {
    let doing = |error: Error| Stop::of("looking at the authorization server", &error);
    let servers = client.list_authorization_servers().try_collect::<Vec<Named>>().await.map_err(doing)?;
    let server = servers.into_iter().find(|server| server.id == id);
    let server =
        server.ok_or_else(|| Stop::new(Code::Usage, format!("there is no authorization server {id}")))?;
    let before = writable_server(&server);
    let mut after = before.clone();
    (after["name"], after["description"]) = (NAME.into(), MARK.into());
    if before != after {
        let text = format!("mark the authorization server {} ({id}) as okta-dac's", server.name);
        plan.push(text, Change::Server { id: id.to_owned(), before, after });
    }
    let claims = client.list_oauth2_claims(id).try_collect::<Vec<Named>>().await.map_err(doing)?;
    let is_ours = |of: &&Named| CLAIMS.contains(&of.name.as_str()) && TOKENS.contains(&of.text("claimType"));
    for of in claims.iter().filter(is_ours) {
        let (before, after) = (writable_claim(of), claim(&of.name, of.text("claimType")));
        if !["value", "valueType", "conditions"].iter().any(|member| before[member] != after[member]) {
            continue;
        }
        let text = format!("narrow the claim {} ({}) to what okta-dac reads", of.name, of.id);
        match finish {
            true => {
                plan.push(text, Change::Claim { server: id.to_owned(), id: of.id.clone(), before, after })
            }
            false => plan.left.push(format!("{text}: `--finish`, once nobody calls the predecessor")),
        }
    }
    Ok(())
}

/// Who could write there could let others act for the user.
async fn attributes(client: &Client, kind: UserType, plan: &mut Plan) -> Result<(), Error> {
    let schema = client.get_user_schema(&kind).await?;
    let (mut before, mut after) = (serde_json::Map::new(), serde_json::Map::new());
    for attribute in &DELEGATOR_ATTRIBUTES {
        let (name, wanted) = delegator_attribute(attribute);
        let known = schema.attribute(&name);
        if known.is_none_or(|known| known["permissions"] != wanted["permissions"]) {
            // An attribute that is null is taken out.
            before.insert(name.clone(), known.cloned().unwrap_or_default());
            let kept = known.cloned().map(|mut known| {
                known["permissions"] = wanted["permissions"].clone();
                known
            });
            after.insert(name, kept.unwrap_or(wanted));
        }
    }
    if !after.is_empty() {
        let names: Vec<&str> = after.keys().map(String::as_str).collect();
        let text = format!("let users of the type {} only read {}", kind.name, names.join(", "));
        let schema = |properties| json!({ "definitions": { "custom": { "properties": properties } } });
        let (before, after) = (schema(before), schema(after));
        plan.push(text, Change::Attributes { kind: Box::new(kind), before, after });
    }
    Ok(())
}

/// Time for one change, with its waits for Okta's limit.
const CHANGE: Duration = Duration::from_secs(90);

/// Time for taking the changes of one tenant back.
const UNDO: Duration = Duration::from_secs(120);

/// Makes the changes of a plan; where one fails, those of the same tenant, or of the org, are
/// taken back.
///
/// # Errors
///
/// Okta's refusals, an Okta that is not available, an object that somebody changed meanwhile:
/// what was not taken back is named, and the same command goes on.
pub async fn migrate(client: &Client, plan: Plan) -> Result<Report, Stop> {
    let timed = |time: Duration| client.for_request(Instant::now() + time).patient();
    for group in &plan.changes {
        for (at, (text, change)) in group.iter().enumerate() {
            let client = timed(CHANGE);
            let applied = match change.is_untouched(&client).await {
                Ok(true) => change
                    .apply(&client)
                    .await
                    .map_err(|error| (error.may_have_happened(), Stop::of(text, &error))),
                Ok(false) => {
                    let sentence = format!("{text}: somebody changed the object meanwhile");
                    Err((false, Stop::new(Code::State, sentence)))
                }
                Err(error) => Err((false, Stop::of(text, &error))),
            };
            // The answer may be lost, and the change made.
            let Err((may_have_happened, stop)) = applied else { continue };
            let undo = timed(UNDO).beyond_share();
            let mut left = Vec::new();
            for (text, change) in group.iter().take(at + usize::from(may_have_happened)).rev() {
                if let Err(error) = change.undo(&undo).await {
                    left.push(format!("{text}: not taken back: {error}"));
                }
            }
            let sentence = format!("{}; the same command goes on from there", stop.sentence);
            return Err(Stop { sentence, left, ..stop });
        }
    }
    Ok(Report { changed: plan.steps(), left: plan.left })
}
