//! What [`setup`](crate::setup) made, taken out in the other order.
//!
//! Only what bears the mark goes, and the hooks and trusted origins of our name. A run that was
//! killed is completed by the next one: of a tenant the group of the admins goes last, because its
//! assignment to the app says what is the tenant's; the app goes after the tenants.
//!
//! What Okta does not let go, or what is somebody else's, stays and is named: a type of users that
//! users have, a certificate that an identity provider trusts, objects that were adopted.

use std::collections::BTreeMap;

use connections::stop::{Code, Stop};
use domain::{AdminsDescription, PLACEHOLDER, TenantName};
use futures::TryStreamExt;
use okta_client::models::{
    AppId, ApplicationGroupAssignment, Group, GroupId, IdpId, KeyId, Named, PolicyId, PolicyRule, UserTypeId,
};
use okta_client::{Client, Error, ListGroups, OkIfAbsent, search};
use serde::Serialize;
use tenancy::{ROLE, claims, if_present, routing};

use crate::hooks::{AGENT, EVENTS, address_of};
use crate::plan::{MARK, NAME, Seen, Wanted, mark_of};
use crate::seen::{is_super_admin, look};

/// What is taken out, in this order.
#[derive(Debug, Default)]
pub struct Plan {
    /// The tenants.
    pub tenants: Vec<Tenant>,
    parts: Vec<Part>,
    /// What stays: objects of our names that are somebody else's.
    pub left: Vec<String>,
}

/// A tenant, by what its admins cannot write.
#[derive(Debug)]
pub struct Tenant {
    /// Its name.
    pub name: TenantName,
    idp: IdpId,
    admins: GroupId,
    users: GroupId,
}

/// One object.
#[derive(Debug)]
enum Part {
    EventHook(String),
    InlineHook(String),
    Server(String),
    Origin(String, String),
    App(AppId),
    Group(&'static str, GroupId),
    UserType(UserTypeId),
    Placeholder(KeyId),
}

impl Part {
    fn text(&self) -> String {
        match self {
            Self::EventHook(id) => format!("delete the event hook {NAME} ({id})"),
            Self::InlineHook(id) => format!("delete the token hook {NAME} ({id})"),
            Self::Server(id) => format!("delete the authorization server {NAME} ({id})"),
            Self::Origin(_, origin) => format!("no longer trust {origin}"),
            Self::App(id) => format!("delete the app {NAME} ({id})"),
            Self::Group(name, id) => format!("delete the group {name} ({id})"),
            Self::UserType(id) => format!("delete the type of users for delegation ({id})"),
            Self::Placeholder(kid) => format!("delete the certificate {PLACEHOLDER} ({kid})"),
        }
    }

    async fn take_out(&self, client: &Client) -> Result<(), Error> {
        match self {
            Self::EventHook(id) => client.delete_event_hook(id).await.ok_if_absent(),
            Self::InlineHook(id) => client.delete_inline_hook(id).await.ok_if_absent(),
            Self::Server(id) => client.delete_authorization_server(id).await.ok_if_absent(),
            Self::Origin(id, _) => client.delete_trusted_origin(id).await.ok_if_absent(),
            Self::App(id) => {
                client.deactivate_application(id).await.ok_if_absent()?;
                client.delete_application(id).await.ok_if_absent()
            }
            Self::Group(_, id) => client.delete_group(id).await.ok_if_absent(),
            Self::UserType(id) => client.delete_user_type(id).await.ok_if_absent(),
            Self::Placeholder(kid) => client.delete_identity_provider_key(kid).await.ok_if_absent(),
        }
    }

    /// Okta refuses while somebody uses it.
    fn may_be_used(&self) -> bool {
        matches!(self, Self::UserType(_) | Self::Placeholder(_))
    }
}

impl Plan {
    /// The steps, for a person.
    pub fn steps(&self) -> Vec<String> {
        let tenants = self.tenants.iter().map(|tenant| format!("delete the tenant {}", tenant.name));
        tenants.chain(self.parts.iter().map(Part::text)).collect()
    }
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was taken out, in words.
    pub removed: Vec<String>,
    /// What stays, and why.
    pub left: Vec<String>,
}

/// What would be taken out: it reads only.
///
/// # Errors
///
/// The token is no super admin's; several apps are called as ours; a group has the record of a
/// tenant's admins and is no tenant's; Okta is not available.
pub async fn plan(client: &Client) -> Result<Plan, Stop> {
    let doing = |error: Error| Stop::of("looking for what okta-dac made", &error);
    is_super_admin(client).await?;
    let wanted = Wanted { delegation: true, ..Wanted::default() };
    let seen = look(client, &wanted).await?;
    let mut plan = Plan::default();
    if seen.apps.len() > 1 {
        let sentence = format!("several apps are called {NAME}: delete all but one");
        return Err(Stop::new(Code::Ambiguous, sentence));
    }
    // Tenants are okta-dac's, also those of an app that was adopted.
    if let Some(app) = seen.apps.first() {
        plan.tenants = tenants(client, &app.id).await.map_err(doing)?;
    }
    unclear(client, &plan.tenants).await?;
    let (events, inline) = futures::try_join!(
        client.list_event_hooks().try_collect::<Vec<Named>>(),
        client.list_inline_hooks().try_collect::<Vec<Named>>()
    )
    .map_err(doing)?;
    let ours = |hooks: Vec<Named>, path: &str| -> Vec<String> {
        let ours = hooks.into_iter().filter(|hook| hook.name == NAME && address_of(hook).ends_with(path));
        ours.map(|hook| hook.id).collect()
    };
    plan.parts.extend(ours(events, EVENTS).into_iter().map(Part::EventHook));
    // The server goes first: its rules name the token hook.
    plan.server(&seen);
    plan.parts.extend(ours(inline, AGENT).into_iter().map(Part::InlineHook));
    let origins = client.list_trusted_origins().try_collect::<Vec<Named>>().await.map_err(doing)?;
    let is_ours = |origin: &Named| origin.name == format!("{NAME} {}", origin.text("origin"));
    let origins = origins.into_iter().filter(is_ours);
    plan.parts
        .extend(origins.map(|origin| Part::Origin(origin.id.clone(), origin.text("origin").to_owned())));
    for app in &seen.apps {
        match mark_of(app) == MARK {
            true => plan.parts.push(Part::App(app.id.clone())),
            false => plan.left.push(format!("the app {NAME} ({}) was not made by okta-dac", app.id)),
        }
    }
    for (name, (id, description)) in &seen.groups {
        match description == MARK {
            true => plan.parts.push(Part::Group(name, id.clone())),
            false => plan.left.push(format!("the group {name} ({id}) was not made by okta-dac")),
        }
    }
    if let Some(kind) = &seen.delegators {
        match kind.description.as_deref() == Some(MARK) {
            true => plan.parts.push(Part::UserType(kind.id.clone())),
            false => plan.left.push(format!("the type of users {} was not made by okta-dac", kind.id)),
        }
    }
    plan.parts.extend(seen.placeholder.map(Part::Placeholder));
    Ok(plan)
}

impl Plan {
    fn server(&mut self, seen: &Seen) {
        let Some((id, _, description)) = &seen.server else { return };
        match description == MARK {
            true => self.parts.push(Part::Server(id.clone())),
            false => {
                self.left.push(format!("the authorization server {NAME} ({id}) was not made by okta-dac"))
            }
        }
    }
}

/// The tenants: groups of admins that are assigned to the app with a claim.
async fn tenants(client: &Client, app: &AppId) -> Result<Vec<Tenant>, Error> {
    let assignments = client.list_application_group_assignments(app).try_collect::<Vec<_>>().await?;
    let tenant = |assignment: &ApplicationGroupAssignment| {
        let claim = claims(assignment).into_iter().next()?;
        let (idp, users) = (claim.tenant_id.as_str().into(), claim.users_group_id.as_str().into());
        Some(Tenant { name: claim.name, idp, admins: assignment.id.clone(), users })
    };
    let tenants: BTreeMap<TenantName, Tenant> =
        assignments.iter().filter_map(tenant).map(|tenant| (tenant.name.clone(), tenant)).collect();
    Ok(tenants.into_values().collect())
}

/// Groups that have the record of a tenant's admins, and are no tenant's: half-made tenants, for
/// instance. Nothing says what belongs to them.
async fn unclear(client: &Client, tenants: &[Tenant]) -> Result<(), Stop> {
    let groups = client
        .list_groups(&ListGroups::search(search::sw("profile.name", "ADMINS_")))
        .try_collect::<Vec<Group>>()
        .await
        .map_err(|error| Stop::of("looking for tenants", &error))?;
    let is_unclear = |group: &&Group| {
        AdminsDescription::parse(&group.profile.description).is_some()
            && !tenants.iter().any(|tenant| tenant.admins == group.id)
    };
    let unclear: Vec<String> = groups
        .iter()
        .filter(is_unclear)
        .map(|group| format!("{} ({})", group.profile.name, group.id))
        .collect();
    if unclear.is_empty() {
        return Ok(());
    }
    let sentence = format!(
        "groups that are called like a tenant's admins, and are no tenant's: {}; `okta-dac org doctor` says what to do",
        unclear.join(", ")
    );
    Err(Stop::new(Code::Ambiguous, sentence))
}

/// Takes everything of the plan out.
///
/// # Errors
///
/// Okta's refusals, and an Okta that is not available: the same command goes on.
pub async fn remove(client: &Client, plan: Plan) -> Result<Report, Stop> {
    let stopped = |text: &str, error: &Error| {
        let stop = Stop::of(text, error);
        let sentence = format!("{}; the same command goes on from there", stop.sentence);
        Stop { sentence, ..stop }
    };
    let mut report = Report { left: plan.left, ..Report::default() };
    let placeholder = plan.parts.iter().find_map(|part| match part {
        Part::Placeholder(kid) => Some(kid),
        _ => None,
    });
    for tenant in &plan.tenants {
        let text = format!("delete the tenant {}", tenant.name);
        delete_tenant(client, tenant, placeholder).await.map_err(|error| stopped(&text, &error))?;
        report.removed.push(text);
    }
    for part in &plan.parts {
        let text = part.text();
        match part.take_out(client).await {
            Ok(()) => report.removed.push(text),
            Err(Error::Api(error)) if part.may_be_used() && error.status < 500 => {
                report.left.push(format!("Okta does not {text}: {}", error.summary));
            }
            Err(error) => return Err(stopped(&text, &error)),
        }
    }
    Ok(report)
}

/// Deletes a tenant. The group of its admins goes last: with it nothing says any more what was the
/// tenant's.
async fn delete_tenant(client: &Client, tenant: &Tenant, placeholder: Option<&KeyId>) -> Result<(), Error> {
    let (policy, rules) = routing(client).await?;
    delete_rules(client, policy.as_ref(), &rules, &tenant.idp).await?;
    // The role first: without a target it would be one for the whole org.
    let roles = if_present(client.list_group_assigned_roles(&tenant.admins)).await?;
    for role in roles.into_iter().flatten().filter(|role| role.kind == ROLE) {
        client.unassign_role_from_group(&tenant.admins, &role.id).await.ok_if_absent()?;
    }
    let named =
        ["APPUSERS", "NOBODY"].map(|kind| search::sw("profile.name", &format!("{kind}_{}_", tenant.name)));
    for group in
        client.list_groups(&ListGroups::search(search::any(&named))).try_collect::<Vec<Group>>().await?
    {
        client.delete_group(&group.id).await.ok_if_absent()?;
    }
    client.delete_group(&tenant.users).await.ok_if_absent()?;
    let key = match if_present(client.get_identity_provider(&tenant.idp)).await? {
        Some(idp) => {
            client.deactivate_identity_provider(&tenant.idp).await.ok_if_absent()?;
            client.delete_identity_provider(&tenant.idp).await.ok_if_absent()?;
            idp.trusted_key().map(KeyId::from)
        }
        None => None,
    };
    // Another identity provider may trust the same certificate, which does no harm.
    if let Some(key) = key.filter(|key| Some(key) != placeholder) {
        match client.delete_identity_provider_key(&key).await.ok_if_absent() {
            Err(Error::Api(error)) if error.status < 500 => {}
            other => other?,
        }
    }
    client.delete_group(&tenant.admins).await.ok_if_absent()
}

async fn delete_rules(
    client: &Client,
    policy: Option<&PolicyId>,
    rules: &[PolicyRule],
    idp: &IdpId,
) -> Result<(), Error> {
    let Some(policy) = policy else { return Ok(()) };
    for rule in rules.iter().filter(|rule| rule.routes_to(idp.as_str())) {
        client.delete_policy_rule(policy, &rule.id).await.ok_if_absent()?;
    }
    Ok(())
}
