//! What [`setup`](crate::setup) made, taken out in the other order.
//!
//! Only what bears the mark goes, and the hooks and trusted origins of our name; of a tenant what
//! follows from objects that its admins cannot write. Names and descriptions of groups alone prove
//! nothing: whoever administers a group writes them. A run that was killed is completed by the next
//! one: of a tenant the group of the admins goes last, because its assignment to the app says what
//! is the tenant's; the app goes after the tenants, and after the groups that it is assigned to.
//!
//! What Okta does not let go, or what is somebody else's, stays and is named: a type of users that
//! users have, a certificate that an identity provider trusts, objects that were adopted, groups
//! that only have a name of ours.

use std::collections::{BTreeMap, BTreeSet};

use connections::stop::{Code, Stop};
use domain::{
    AdminsDescription, PLACEHOLDER, TenantClaim, TenantName, admins_group, app_of_appusers_group,
    appusers_prefix, empty_group_prefix, idp_name, users_group,
};
use futures::TryStreamExt;
use okta_client::models::{
    AppId, Application, ApplicationGroupAssignment, Group, GroupId, IdpId, KeyId, Named, PolicyId,
    PolicyRule, UserTypeId,
};
use okta_client::{Client, Error, OkIfAbsent, search};
use serde::Serialize;
use tenancy::{App, ROLE, claims, current_groups, if_present, is_unused, role_targets, routing};

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
    /// App groups, and the group of nobody: name and id.
    pub groups: Vec<(String, GroupId)>,
}

impl Tenant {
    fn text(&self) -> String {
        let groups: Vec<&str> = self.groups.iter().map(|(name, _)| name.as_str()).collect();
        match groups.is_empty() {
            true => format!("delete the tenant {}", self.name),
            false => format!("delete the tenant {}, with {}", self.name, groups.join(", ")),
        }
    }
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
        let tenants = self.tenants.iter().map(Tenant::text);
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
        plan.tenants = tenants(client, &app.id, &mut plan.left).await?;
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
    for (name, (id, description)) in &seen.groups {
        // As `setup` knows its own: a group with members is ours if it is assigned to the app.
        let is_ours = description == MARK && (seen.assigned.contains(name) || !seen.populated.contains(name));
        match is_ours {
            true => plan.parts.push(Part::Group(name, id.clone())),
            false => plan.left.push(format!("the group {name} ({id}) was not made by okta-dac")),
        }
    }
    for app in &seen.apps {
        match mark_of(app) == MARK {
            true => plan.parts.push(Part::App(app.id.clone())),
            false => plan.left.push(format!("the app {NAME} ({}) was not made by okta-dac", app.id)),
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
async fn tenants(client: &Client, app: &AppId, left: &mut Vec<String>) -> Result<Vec<Tenant>, Stop> {
    let doing = |error: Error| Stop::of("looking for tenants", &error);
    let assignments = client.list_application_group_assignments(app);
    let assignments = assignments.try_collect::<Vec<ApplicationGroupAssignment>>().await.map_err(doing)?;
    let mut tenants: BTreeMap<TenantName, Tenant> = BTreeMap::new();
    for assignment in assignments {
        let claims = claims(&assignment);
        let Some(claim) = claims.first() else { continue };
        let admins = if_present(client.get_group(&assignment.id)).await.map_err(doing)?;
        let is_its = admins.is_some_and(|group| group.profile.name == admins_group(&claim.name));
        if !is_its || claims.len() > 1 || tenants.contains_key(&claim.name) {
            let sentence = format!(
                "the group {} has the claim of the tenant {} and is not the one group of its admins; correct its assignment to the app",
                assignment.id, claim.name
            );
            return Err(Stop::new(Code::Ambiguous, sentence));
        }
        is_of_its_name(client, claim).await?;
        let groups = groups_of(client, &claim.name, &assignment.id, &claim.users_group_id, left);
        let tenant = Tenant {
            name: claim.name.clone(),
            idp: claim.tenant_id.as_str().into(),
            users: claim.users_group_id.as_str().into(),
            groups: groups.await.map_err(doing)?,
            admins: assignment.id,
        };
        tenants.insert(tenant.name.clone(), tenant);
    }
    Ok(tenants.into_values().collect())
}

/// The objects that a claim names by id are deleted: an app's administrator writes the claim, and
/// may have mistaken an id.
async fn is_of_its_name(client: &Client, claim: &TenantClaim) -> Result<(), Stop> {
    let doing = |error: Error| Stop::of("looking for tenants", &error);
    let refuse = |object: String| {
        let sentence = format!(
            "the claim of the tenant {} names {object}, which is not the tenant's; correct the assignment of its admins to the app",
            claim.name
        );
        Err(Stop::new(Code::Ambiguous, sentence))
    };
    let idp =
        if_present(client.get_identity_provider(&claim.tenant_id.as_str().into())).await.map_err(doing)?;
    if let Some(idp) = idp.as_ref().filter(|idp| idp.name != idp_name(&claim.name)) {
        return refuse(format!("the identity provider {} ({})", idp.name, idp.id));
    }
    let users = if_present(client.get_group(&claim.users_group_id.as_str().into())).await.map_err(doing)?;
    // The tenant's admins may have renamed the group; the identity provider names it by id.
    let is_named =
        |group: &Group| idp.as_ref().is_some_and(|idp| idp.provisioned_groups().contains(&group.id.as_str()));
    match users.filter(|group| group.profile.name != users_group(&claim.name) && !is_named(group)) {
        Some(group) => refuse(format!("the group {} ({})", group.profile.name, group.id)),
        None => Ok(()),
    }
}

/// The app groups of a tenant, and the group of nobody: a target of the admins' role that is
/// assigned to an app which okta-dac offers, or that nobody relies on; a group with the name of an
/// app group that is assigned to this app. Only super admins and app admins write either.
async fn groups_of(
    client: &Client,
    tenant: &TenantName,
    admins: &GroupId,
    users: &str,
    left: &mut Vec<String>,
) -> Result<Vec<(String, GroupId)>, Error> {
    let is_own = |group: &Group| group.id == *admins || group.id.as_str() == users;
    let (mut groups, mut seen) = (BTreeMap::new(), BTreeSet::new());
    for group in role_targets(client, admins).await?.into_iter().flatten().filter(|group| !is_own(group)) {
        seen.insert(group.id.clone());
        let apps = client.list_assigned_applications_for_group(&group.id);
        let apps = apps.try_collect::<Vec<Application>>().await?;
        let is_empty = group.profile.name.starts_with(&empty_group_prefix(tenant));
        let is_ours = match is_empty {
            true => is_unused(client, &group.id).await?,
            false => !apps.is_empty() && apps.iter().all(|app| App::of(app).is_some()),
        };
        match is_ours {
            true => drop(groups.insert(group.id, group.profile.name)),
            false => left.push(format!(
                "the group {} ({}) is a target of the role of {}'s admins, and not okta-dac's",
                group.profile.name, group.id, tenant
            )),
        }
    }
    let named = [appusers_prefix(tenant), empty_group_prefix(tenant)];
    let named = named.map(|prefix| search::sw("profile.name", &prefix));
    for group in current_groups(client, &search::any(&named)).await? {
        let name = &group.profile.name;
        if seen.contains(&group.id) {
            continue;
        }
        let assignment = match app_of_appusers_group(tenant, name) {
            Some(app) => if_present(client.get_application_group_assignment(&app.into(), &group.id)).await?,
            None if name.starts_with(&empty_group_prefix(tenant)) => None,
            // Another tenant's, or nobody's: the index ignores the case of letters.
            None => continue,
        };
        match assignment {
            Some(_) => drop(groups.insert(group.id, group.profile.name)),
            None => left
                .push(format!("the group {name} ({}) has a name of okta-dac's, and nothing else", group.id)),
        }
    }
    Ok(groups.into_iter().map(|(id, name)| (name, id)).collect())
}

/// Groups that have the record of a tenant's admins, and are no tenant's: half-made tenants, for
/// instance. Nothing says what belongs to them.
async fn unclear(client: &Client, tenants: &[Tenant]) -> Result<(), Stop> {
    let groups = current_groups(client, &search::sw("profile.name", "ADMINS_")).await;
    let groups = groups.map_err(|error| Stop::of("looking for tenants", &error))?;
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
        let text = tenant.text();
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
    for (_, group) in &tenant.groups {
        client.delete_group(group).await.ok_if_absent()?;
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
