//! Entitles a tenant to an app; or, with a body, gives the app to all users of
//! the tenant or takes it from them.
//!
//! # Okta calls
//!
//! Without a body, for superusers:
//!
//! 1. At the same time: `getApplication`; `listGroups` twice, then `getGroup` for the
//!    tenant's groups, `getApplicationGroupAssignment`, `getIdentityProvider`,
//!    `listGroupAssignedRoles` and `listGroupTargetsForGroupRole`.
//! 2. `getApplicationGroupAssignment` for each target that is no group of the tenant's
//!    own: whether one of them is for the app.
//! 3. `addGroup` `APPUSERS_<tenant>_<appId>`. Undo: `deleteGroup`. If the name is taken,
//!    `listAssignedApplicationsForGroup` and `listGroupUsers`: a target of the tenant's own
//!    role that is for no app is taken, what nobody uses is deleted, and anything else is
//!    named.
//! 4. At the same time: `assignGroupToApplication` and
//!    `assignGroupTargetToGroupAdminRole`. Undo: the opposite, or that of 3.
//!
//! Without other apps twelve calls, four in a row.
//!
//! With a body, also for the tenant's admins: the calls of
//! [`tenancy::Entitlement`], then `assignGroupToApplication` or
//! `unassignApplicationFromGroup` for `USERS_<tenant>`. Eleven calls, three in a row.
//!
//! The role of a suspended tenant's admins is limited to nobody: the group is kept among
//! those that become its targets when the tenant is resumed.
//!
//! All of it under the tenant's lock: a rename beside an entitlement would leave groups
//! of the old name.

use domain::{TenantName, TenantStatus, appusers_group};
use futures::TryStreamExt;
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use okta_client::models::{AppId, Application, ApplicationGroupAssignment, Group, GroupProfile, Role};
use okta_client::{Client, Error, OkIfAbsent};
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Found, Object, StepFailure, Steps, Stopped, Undo, Undone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use state::{Change, LockError, Locks, State, StateError, holding};
use tenancy::{
    App, Depth, Entitlement, EntitlementError, INDEX_LAG, POLL, ROLE, Tenant, TenantError, Tenants,
    app_group, delete_group, group_called, groups_of_ids, if_present, is_unused, named_group, role_targets,
};
use tokio::time::Instant;

/// The operation `activate-tenant-app`.
pub struct ActivateTenantApp {
    state: State,
    tenants: Tenants,
}

/// What becomes of which app of which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    app: AppId,
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Entitle,
    AllUsers(bool),
}

/// Request body; none entitles the tenant to the app.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "ActivateTenantAppRequest")]
pub struct Body {
    /// Whether all users of the tenant have the app: `true`, `false`, or one of
    /// these words as a string.
    all_users: Flag,
}

/// A truth value, or its word.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be `true` or `false`")]
enum Flag {
    Value(bool),
    Word(Word),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Word {
    True,
    False,
}

/// The app as it is now.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TenantAppAssignment")]
pub struct Output {
    /// Name of the tenant.
    pub tenant: String,
    /// Id of the app.
    pub app_id: String,
    /// When the assignment last changed, RFC 3339, UTC; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<String>,
}

/// Why nothing was changed.
#[derive(Debug)]
pub enum ActivateTenantAppError {
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// There is no app that it could be entitled to.
    AppNotFound(AppId),
    /// It is not entitled to the app, or the step failed.
    Entitlement(EntitlementError),
    /// Others are changing the tenant.
    Lock(LockError),
    /// A group that is not the tenant's, or is for another app, has the name.
    Taken(Box<Group>),
    /// The state table did not answer; nothing was changed.
    State(StateError),
    /// A step failed.
    Stopped(Stopped),
    /// What the tenant gets back could not be kept.
    NotKept(Stopped<StateError>),
}

impl ActivateTenantAppError {
    fn okta(error: Error) -> Self {
        ActivateTenantAppError::Tenant(TenantError::Okta(error))
    }
}

impl From<ActivateTenantAppError> for Failure {
    fn from(error: ActivateTenantAppError) -> Self {
        match error {
            ActivateTenantAppError::Tenant(error) => error.into(),
            ActivateTenantAppError::AppNotFound(app) => Failure::new(
                ProblemCode::AppNotFound,
                format!("there is no active app `{app}` whose label begins with `{}`", tenancy::APP_PREFIX),
            ),
            ActivateTenantAppError::Entitlement(error) => error.into(),
            ActivateTenantAppError::Lock(error) => error.into(),
            ActivateTenantAppError::Taken(group) => Failure::new(
                ProblemCode::NameTaken,
                format!(
                    "the group `{}` with the id `{}` has the name that the app's group needs, and is used for something else; rename it in Okta",
                    group.profile.name, group.id
                ),
            ),
            ActivateTenantAppError::State(error) => error.into(),
            ActivateTenantAppError::Stopped(stopped) => stopped.into(),
            ActivateTenantAppError::NotKept(stopped) => stopped.into(),
        }
    }
}

impl Decode for Input {
    type Body = Body;

    const BODY_REQUIRED: bool = false;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let (tenant, app) = (request.tenant()?, request.id("appId")?);
        let wanted = if request.parts.body.is_empty() {
            if !request.caller.superuser {
                return Err(Failure::new(
                    ProblemCode::Forbidden,
                    "only a superuser entitles a tenant to an app; its admins send `allUsers`",
                ));
            }
            Wanted::Entitle
        } else {
            let body: Body = request.body()?;
            Wanted::AllUsers(matches!(body.all_users, Flag::Value(true) | Flag::Word(Word::True)))
        };
        Ok(Self { tenant, app, wanted })
    }
}

impl Endpoint for ActivateTenantApp {
    const OPERATION: &'static Operation = operations::get("activate-tenant-app");
    type Input = Input;
    type Output = Output;
    type Error = ActivateTenantAppError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)?, tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Output>, ActivateTenantAppError> {
        holding(&self.state, &context.run, |locks| self.change(context, input, locks)).await
    }

    fn example() -> Example {
        Example {
            target: "/tenants/globex/apps/0oa1umbrella00000001",
            body: Some(json!({ "allUsers": true })),
            answer: Some(json!({
                "tenant": "globex", "appId": "0oa1umbrella00000001", "lastUpdated": "2026-01-31T12:00:00.000Z",
            })),
        }
    }
}

impl ActivateTenantApp {
    async fn change(
        &self,
        context: &Context,
        input: Input,
        locks: Locks,
    ) -> Result<Success<Output>, ActivateTenantAppError> {
        locks.take(Change::Tenant(&input.tenant)).await.map_err(ActivateTenantAppError::Lock)?;
        let last_updated = match input.wanted {
            Wanted::Entitle => self.entitle(context, &input).await?,
            Wanted::AllUsers(on) => async {
                let kept = |id: String| async move { Ok(self.state.kept_targets(&id).await?) };
                let entitlement = Entitlement::read(
                    &self.tenants,
                    &context.run,
                    &context.caller,
                    &input.tenant,
                    &input.app,
                    kept,
                )
                .await?;
                entitlement.set_all_users(&context.run, on).await
            }
            .await
            .map_err(ActivateTenantAppError::Entitlement)?,
        };
        let (tenant, app_id) = (input.tenant.to_string(), input.app.to_string());
        Ok(Success::new(Output { tenant, app_id, last_updated }))
    }

    async fn entitle(
        &self,
        context: &Context,
        input: &Input,
    ) -> Result<Option<String>, ActivateTenantAppError> {
        let mut entitling = Entitling::read(&self.tenants, context, input).await?;
        let kept = self.state.suspension(&entitling.tenant.id).await;
        let kept = kept.map_err(ActivateTenantAppError::State)?;
        if let Some(kept) = &kept {
            entitling.role = None;
            let groups = groups_of_ids(context.run.okta.forward(), &kept.targets).await;
            entitling.targets = groups.map_err(ActivateTenantAppError::okta)?;
        }
        let (group, time) = match entitling.entitle().await {
            Ok(done) => done,
            Err(EntitlingError::Taken(group)) => return Err(ActivateTenantAppError::Taken(group)),
            Err(EntitlingError::Step(failure)) => {
                return Err(ActivateTenantAppError::Stopped(entitling.steps.unwind(failure).await));
            }
        };
        let id = group.id.to_string();
        if let Some(mut kept) = kept.filter(|kept| !kept.targets.contains(&id)) {
            kept.targets.push(id);
            if let Err(error) = self.state.suspend(&context.run, &entitling.tenant.id, &kept).await {
                return Err(ActivateTenantAppError::NotKept(entitling.steps.unwind_after(error).await));
            }
        }
        Ok(time)
    }
}

/// The tenant and the app as they are, and the steps that bring them together.
struct Entitling<'r> {
    context: &'r Context,
    steps: Steps,
    app: AppId,
    tenant: Tenant,
    /// Of the admins; `None` while it is limited to nobody.
    role: Option<Role>,
    /// What the role is limited to, or will be again.
    targets: Vec<Group>,
    /// `APPUSERS_<tenant>_<appId>`.
    name: String,
    /// The group of this name, and its assignment to the app.
    named: Option<(Group, Option<ApplicationGroupAssignment>)>,
}

/// Why a tenant is not entitled.
enum EntitlingError {
    /// A group that is not the tenant's own, or is for another app, has the name.
    Taken(Box<Group>),
    Step(StepFailure),
}

impl From<StepFailure> for EntitlingError {
    fn from(failure: StepFailure) -> Self {
        EntitlingError::Step(failure)
    }
}

impl<'r> Entitling<'r> {
    async fn read(
        tenants: &Tenants,
        context: &'r Context,
        input: &Input,
    ) -> Result<Self, ActivateTenantAppError> {
        let okta = context.run.okta.forward();
        let name = appusers_group(&input.tenant, input.app.as_str());
        let roles = |groups: tenancy::Ids| async move {
            futures::try_join!(
                okta.list_group_assigned_roles(&groups.admins),
                role_targets(okta, &groups.admins)
            )
        };
        let (tenant, named, app) = futures::join!(
            tenants.of_caller_with(&context.run, &context.caller, &input.tenant, Depth::Change, roles),
            named_group(okta, &input.tenant, &input.app),
            if_present(okta.get_application(&input.app)),
        );
        let (tenant, (roles, targets)) = tenant.map_err(ActivateTenantAppError::Tenant)?;
        if !app.map_err(ActivateTenantAppError::okta)?.as_ref().is_some_and(App::is_offered) {
            return Err(ActivateTenantAppError::AppNotFound(input.app.clone()));
        }
        let role = roles.into_iter().find(|role| role.kind == ROLE);
        if role.is_none() && tenant.description.status() == TenantStatus::Active {
            let missing = format!("the role {ROLE} of the group `{}`", tenant.admins.profile.name);
            return Err(ActivateTenantAppError::Tenant(TenantError::Broken { missing }));
        }
        let (steps, app, named) =
            (Steps::of(&context.run), input.app.clone(), named.map_err(ActivateTenantAppError::okta)?);
        let targets = targets.unwrap_or_default();
        Ok(Self { context, steps, app, tenant, role, targets, name, named })
    }

    /// Gives the app's group, and the time of the assignment.
    async fn entitle(&self) -> Result<(Group, Option<String>), EntitlingError> {
        let okta = self.context.run.okta.forward();
        let found = app_group(okta, &self.app, &self.tenant, self.named.as_ref(), &self.targets);
        let found = self.steps.run("look for the app's group", found).await?;
        if let Some((group, assignment)) = found {
            return Ok((group, assignment.last_updated));
        }
        let group = match &self.named {
            Some((group, _)) if self.reuse(group).await? => group.clone(),
            _ => self.add_group().await?,
        };
        let targeted = async {
            match &self.role {
                Some(role) if !self.is_target(&group) => self.target(&group, role).await,
                _ => Ok(()),
            }
        };
        // Both end before anything is taken back.
        let (assigned, targeted) = futures::join!(self.assign(&group), targeted);
        targeted?;
        Ok((group, assigned?))
    }

    fn is_target(&self, group: &Group) -> bool {
        self.targets.iter().any(|target| target.id == group.id)
    }

    /// Whether the group of the right name is the tenant's own, and for no other app. One
    /// that nobody relies on goes, and with it every role that is limited to it.
    async fn reuse(&self, group: &Group) -> Result<bool, EntitlingError> {
        let okta = self.context.run.okta.forward();
        let looks = async {
            let apps = okta.list_assigned_applications_for_group(&group.id).try_collect::<Vec<Application>>();
            let members = if_present(okta.group_has_members(&group.id));
            futures::try_join!(if_present(apps), members, if_present(okta.get_group(&group.id)))
        };
        let (apps, members, now) = self.steps.run("look at the group of this name", looks).await?;
        // The index is late: it is gone, or another tenant's by now.
        let (Some(apps), Some(has_members), Some(now)) = (apps, members, now) else { return Ok(false) };
        if now.profile.name != self.name {
            return Ok(false);
        }
        let own = [Some(&self.tenant.admins.id), self.tenant.users.as_ref().map(|users| &users.id)];
        let is_for_others = apps.iter().any(|app| app.id != self.app)
            || own.into_iter().flatten().any(|own| *own == group.id);
        match (self.is_target(group), is_for_others, has_members) {
            (true, false, _) => Ok(true),
            (false, false, false) => {
                let deleted = delete_group(okta.clone(), group.id.clone());
                self.steps.run("delete a group that nobody uses", deleted).await?;
                Ok(false)
            }
            _ => Err(EntitlingError::Taken(Box::new(group.clone()))),
        }
    }

    /// Creates the group. A run that was killed may have made it, unknown to the index.
    async fn add_group(&self) -> Result<Group, EntitlingError> {
        let okta = self.context.run.okta.forward();
        let profile =
            GroupProfile::new(&self.name, format!("Users of an app in the tenant {}", self.tenant.name));
        let until = (Instant::now() + INDEX_LAG).min(self.context.run.deadline);
        loop {
            let undo = |made: Option<&Group>| {
                let name = self.name.clone();
                let find = |okta: Client| async move {
                    match group_called(&okta, &name).await? {
                        Some(group) if is_unused(&okta, &group.id).await? => Ok(Found::Ours(group.id)),
                        _ => Ok(Found::Unknown),
                    }
                };
                let made = made.map(|group| group.id.clone());
                Undo::of_creation("group", &self.name, made, find, delete_group)
            };
            let created = self.steps.create("create the app's group", okta.add_group(&profile), undo);
            let failure = match created.await {
                Ok(group) => return Ok(group),
                Err(failure) => failure,
            };
            if !failure.source.is_duplicate() || Instant::now() >= until {
                return Err(failure.into());
            }
            let found = self.steps.run("find the app's group", group_called(okta, &self.name)).await?;
            match found {
                Some(group) if self.reuse(&group).await? => return Ok(group),
                Some(_) => {}
                None => tokio::time::sleep(POLL).await,
            }
        }
    }

    async fn assign(&self, group: &Group) -> Result<Option<String>, StepFailure> {
        let okta = self.context.run.okta.forward();
        let (app, id) = (self.app.clone(), group.id.clone());
        let undo = Undo::new(Object::new("assignment", &self.name, &id), |okta| async move {
            okta.unassign_application_from_group(&app, &id).await.ok_if_absent()?;
            Ok(Undone::Entirely)
        });
        let assignment = ApplicationGroupAssignment::of(group.id.clone());
        let assigned = okta.assign_group_to_application(&self.app, &assignment);
        self.steps.change("assign the app", assigned, undo).await.map(|assigned| assigned.last_updated)
    }

    async fn target(&self, group: &Group, role: &Role) -> Result<(), StepFailure> {
        let okta = self.context.run.okta.forward();
        let (admins, role) = (&self.tenant.admins.id, &role.id);
        let (of, id, target) = (admins.clone(), role.clone(), group.id.clone());
        let undo = Undo::new(Object::new("roleTarget", &self.name, &target), |okta| async move {
            okta.unassign_group_target_from_group_admin_role(&of, &id, &target).await.ok_if_absent()?;
            Ok(Undone::Entirely)
        });
        let targeted = okta.assign_group_target_to_group_admin_role(admins, role, &group.id);
        self.steps.change("let the admins assign the app", targeted, undo).await
    }
}
