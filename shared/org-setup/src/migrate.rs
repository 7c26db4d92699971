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
//! Every change knows what was there before. A run that fails takes its changes back in the other
//! order; a run that was killed is completed by the next, which looks anew.

use connections::stop::{Code, Stop};
use domain::{
    AdminsDescription, SUPERUSERS, TenantClaim, USERS_DESCRIPTION, idp_name, pending_rule_name, rule_name,
    subject_filter,
};
use futures::TryStreamExt;
use okta_client::models::{
    ACTIVE, AppId, Application, ApplicationGroupAssignment, Group, GroupProfile, IdentityProvider, IdpId,
    Named, PolicyId, PolicyRule, UserType,
};
use okta_client::{Client, Error, OkIfAbsent};
use serde::Serialize;
use serde_json::{Value, json};
use tenancy::{claims, group_called, if_present, routing};

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

/// One change, with what was there before.
#[derive(Clone, Debug)]
enum Change {
    App(Box<(Application, Application)>),
    Server { id: String, before: Value, after: Value },
    Claim { server: String, id: String, before: Value, after: Value },
    Assignment(AppId, Box<Group>),
    Group { before: Box<Group>, after: GroupProfile },
    Idp(Box<(IdentityProvider, IdentityProvider)>),
    Rule(PolicyId, Box<(PolicyRule, PolicyRule)>),
    Attributes { kind: Box<UserType>, before: Value, after: Value },
}

/// What a run changes, and what it leaves to a person.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    changes: Vec<(String, Change)>,
    /// What a person decides.
    pub left: Vec<String>,
}

impl Plan {
    /// The changes, for a person.
    pub fn steps(&self) -> Vec<String> {
        self.changes.iter().map(|(text, _)| text.clone()).collect()
    }

    fn push(&mut self, text: impl Into<String>, change: Change) {
        self.changes.push((text.into(), change));
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
    if let Some(id) = &asked.app {
        let app = if_present(client.get_application(id)).await.map_err(doing)?;
        let app = app.ok_or_else(|| Stop::new(Code::Usage, format!("there is no app {id}")))?;
        self::app(client, app, &mut plan).await.map_err(doing)?;
        tenants(client, id, &mut plan).await.map_err(doing)?;
    }
    if let Some(name) = &asked.user_type {
        let kinds = client.list_user_types().await.map_err(doing)?;
        let kind = kinds.into_iter().find(|kind| kind.name == *name);
        let kind = kind.ok_or_else(|| Stop::new(Code::Usage, format!("there is no type of users {name}")))?;
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
        plan.push(
            format!("assign {SUPERUSERS} to the app"),
            Change::Assignment(app.id, Box::new(group.clone())),
        );
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
    json!({
        "name": server.name, "description": server.text("description"),
        "audiences": server.other.get("audiences"),
    })
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

/// The tenants, by the claims that the app gives their admins.
async fn tenants(client: &Client, app: &AppId, plan: &mut Plan) -> Result<(), Error> {
    let (policy, rules) = routing(client).await?;
    let assignments = client
        .list_application_group_assignments(app)
        .try_collect::<Vec<ApplicationGroupAssignment>>()
        .await?;
    for assignment in assignments {
        for claim in claims(&assignment) {
            let own: Vec<&PolicyRule> =
                rules.iter().filter(|rule| rule.routes_to(&claim.tenant_id)).collect();
            let active = own.iter().find(|rule| rule.status == ACTIVE);
            let pending = own.iter().find(|rule| rule.status != ACTIVE);
            for (rule, name) in [(active, rule_name(&claim.name)), (pending, pending_rule_name(&claim.name))]
            {
                let (Some(rule), Some(policy)) = (rule.filter(|rule| rule.name != name), &policy) else {
                    continue;
                };
                let after = PolicyRule { name: name.clone(), ..(**rule).clone() };
                plan.push(
                    format!("call the rule {} ({}) {name}", rule.name, rule.id),
                    Change::Rule(policy.clone(), Box::new(((**rule).clone(), after))),
                );
            }
            if let Some(admins) = if_present(client.get_group(&assignment.id)).await? {
                record(
                    &claim,
                    admins,
                    active.map(|rule| rule.id.as_str()),
                    pending.map(|rule| rule.id.as_str()),
                    plan,
                );
            }
            if let Some(users) = if_present(client.get_group(&claim.users_group_id.as_str().into())).await?
                && users.profile.description.is_empty()
            {
                let after =
                    GroupProfile { description: USERS_DESCRIPTION.to_owned(), ..users.profile.clone() };
                plan.push(
                    format!("describe the group {}", users.profile.name),
                    Change::Group { before: Box::new(users), after },
                );
            }
            match if_present(client.get_identity_provider(&IdpId::from(claim.tenant_id.as_str()))).await? {
                Some(idp) => limit(&claim, idp, active.map(|rule| rule.patterns()).unwrap_or_default(), plan),
                None => plan.left.push(format!("the tenant {} has no identity provider", claim.name)),
            }
        }
    }
    Ok(())
}

/// The record of a tenant: what its request was about to do stays, ids are those that are true.
fn record(claim: &TenantClaim, admins: Group, active: Option<&str>, pending: Option<&str>, plan: &mut Plan) {
    let known = AdminsDescription::parse(&admins.profile.description).unwrap_or_default();
    let after = AdminsDescription {
        tenant_id: Some(claim.tenant_id.clone()),
        routing_rule_id: active.map(str::to_owned),
        inactive_routing_rule_id: pending.map(str::to_owned),
        ..known.clone()
    };
    if after != known || AdminsDescription::parse(&admins.profile.description).is_none() {
        let profile = GroupProfile { description: after.to_text(), ..admins.profile.clone() };
        plan.push(
            format!("write the record of the tenant {}", claim.name),
            Change::Group { before: Box::new(admins), after: profile },
        );
    }
}

/// What an IdP of the predecessor's could do for anybody.
fn limit(claim: &TenantClaim, idp: IdentityProvider, domains: Vec<&str>, plan: &mut Plan) {
    let mut after = IdentityProvider { name: idp_name(&claim.name), ..idp.clone() };
    let policy = after.other.entry("policy").or_insert_with(|| json!({}));
    let users = &claim.users_group_id;
    policy["provisioning"]["groups"] = json!({ "action": "ASSIGN", "assignments": [users] });
    policy["provisioning"]["profileMaster"] = false.into();
    policy["accountLink"]["filter"] =
        json!({ "groups": { "include": [users] }, "users": { "excludeAdmins": true } });
    match subject_filter(&domains).filter(|_| !domains.is_empty()) {
        Some(filter) => policy["subject"]["filter"] = filter.into(),
        // Its users would be locked out.
        None => plan.left.push(format!(
            "the identity provider of the tenant {} speaks of any login, because the tenant has no verified domain",
            claim.name
        )),
    }
    if after.name != idp.name || after.other != idp.other {
        plan.push(
            format!("limit the identity provider of the tenant {} to the tenant", claim.name),
            Change::Idp(Box::new((idp, after))),
        );
    }
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
        let schema = |properties| json!({ "definitions": { "custom": { "id": "#custom", "type": "object", "properties": properties } } });
        let (before, after) = (schema(before), schema(after));
        plan.push(text, Change::Attributes { kind: Box::new(kind), before, after });
    }
    Ok(())
}

impl Change {
    async fn apply(&self, client: &Client) -> Result<(), Error> {
        match self {
            Self::App(both) => client.replace_application(&both.1).await.map(drop),
            Self::Server { id, after, .. } => client.replace_authorization_server(id, after).await.map(drop),
            Self::Claim { server, id, after, .. } => {
                client.replace_oauth2_claim(server, id, after).await.map(drop)
            }
            Self::Assignment(app, group) => {
                let assignment = ApplicationGroupAssignment::of(group.id.clone());
                client.assign_group_to_application(app, &assignment).await.map(drop)
            }
            Self::Group { before, after } => client.replace_group(&before.id, after).await.map(drop),
            Self::Idp(both) => client.replace_identity_provider(&both.1).await.map(drop),
            Self::Rule(policy, both) => client.replace_policy_rule(policy, &both.1).await.map(drop),
            Self::Attributes { kind, after, .. } => client.update_user_profile(kind, after).await.map(drop),
        }
    }

    async fn undo(&self, client: &Client) -> Result<(), Error> {
        match self {
            Self::App(both) => client.replace_application(&both.0).await.map(drop),
            Self::Server { id, before, .. } => {
                client.replace_authorization_server(id, before).await.map(drop)
            }
            Self::Claim { server, id, before, .. } => {
                client.replace_oauth2_claim(server, id, before).await.map(drop)
            }
            Self::Assignment(app, group) => {
                client.unassign_application_from_group(app, &group.id).await.ok_if_absent()
            }
            Self::Group { before, .. } => client.replace_group(&before.id, &before.profile).await.map(drop),
            Self::Idp(both) => client.replace_identity_provider(&both.0).await.map(drop),
            Self::Rule(policy, both) => client.replace_policy_rule(policy, &both.0).await.map(drop),
            Self::Attributes { kind, before, .. } => client.update_user_profile(kind, before).await.map(drop),
        }
    }
}

/// Makes the changes of a plan; `undo` takes them back where one fails.
///
/// # Errors
///
/// Okta's refusals, and an Okta that is not available: everything was taken back, or what was not
/// is named, and the same command completes it.
pub async fn migrate(client: &Client, undo: &Client, plan: Plan) -> Result<Report, Stop> {
    for (at, (text, change)) in plan.changes.iter().enumerate() {
        let Err(error) = change.apply(client).await else { continue };
        // The answer may be lost, and the change made.
        let done = at + usize::from(error.may_have_happened());
        let mut left = Vec::new();
        for (text, change) in plan.changes.iter().take(done).rev() {
            if let Err(error) = change.undo(undo).await {
                left.push(format!("{text}: not taken back: {error}"));
            }
        }
        let stop = Stop::of(text, &error);
        let end = match left.is_empty() {
            true => "everything was taken back; the same command tries again",
            false => "the same command completes what is left",
        };
        return Err(Stop { sentence: format!("{}; {end}", stop.sentence), left, ..stop });
    }
    Ok(Report { changed: plan.steps(), left: plan.left })
}
