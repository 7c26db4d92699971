//! Entitles a tenant to an app; or, with a body, gives the app to all users of
//! the tenant or takes it from them.
//!
//! # Okta calls
//!
//! Without a body, for superusers:
//!
//! 1. At the same time: `getApplication`; `listGroups` twice, then `getGroup` for
//!    what is found, `getApplicationGroupAssignment`, `getIdentityProvider` and
//!    `listGroupAssignedRoles`.
//! 2. `addGroup` `APPUSERS_<tenant>_<appId>`. Undo: `deleteGroup`. If an earlier run
//!    left it: `getApplicationGroupAssignment` and `listGroupTargetsForGroupRole`, to
//!    do only what is missing.
//! 3. At the same time: `assignGroupToApplication` and
//!    `assignGroupTargetToGroupAdminRole`. Undo: the opposite, or that of 2.
//!
//! Eleven calls, four in a row.
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
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use okta_client::models::{AppId, ApplicationGroupAssignment, Group, GroupProfile, Role};
use okta_client::{Client, Error, OkIfAbsent};
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Found, Object, StepFailure, Steps, Stopped, Undo, Undone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use state::{Change, LockError, Locks, State, StateError, holding};
use tenancy::{
    App, Depth, Entitlement, EntitlementError, INDEX_LAG, POLL, ROLE, Tenant, TenantError, Tenants,
    delete_group, group_called, if_present, is_unused, role_targets,
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
    /// The state table did not answer; nothing was changed.
    State(StateError),
    /// A step failed.
    Stopped(Stopped),
    /// What the tenant gets back could not be kept.
    NotKept(Stopped<StateError>),
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
                let entitlement = Entitlement::read(
                    &self.tenants,
                    &context.run,
                    &context.caller,
                    &input.tenant,
                    &input.app,
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
        if kept.is_some() {
            entitling.role = None;
        }
        let (group, time) = match entitling.entitle().await {
            Ok(done) => done,
            Err(failure) => {
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
    /// `APPUSERS_<tenant>_<appId>`.
    name: String,
    group: Option<Group>,
}

impl<'r> Entitling<'r> {
    async fn read(
        tenants: &Tenants,
        context: &'r Context,
        input: &Input,
    ) -> Result<Self, ActivateTenantAppError> {
        let okta = context.run.okta.forward();
        let name = appusers_group(&input.tenant, input.app.as_str());
        let roles =
            |groups: tenancy::Ids| async move { okta.list_group_assigned_roles(&groups.admins).await };
        let (tenant, group, app) = futures::join!(
            tenants.of_caller_with(&context.run, &context.caller, &input.tenant, Depth::Change, roles),
            group_called(okta, &name),
            if_present(okta.get_application(&input.app)),
        );
        let (tenant, roles) = tenant.map_err(ActivateTenantAppError::Tenant)?;
        let failed = |error| ActivateTenantAppError::Tenant(TenantError::Okta(error));
        if !app.map_err(failed)?.as_ref().is_some_and(App::is_offered) {
            return Err(ActivateTenantAppError::AppNotFound(input.app.clone()));
        }
        let role = roles.into_iter().find(|role| role.kind == ROLE);
        if role.is_none() && tenant.description.status() == TenantStatus::Active {
            let missing = format!("the role {ROLE} of the group `{}`", tenant.admins.profile.name);
            return Err(ActivateTenantAppError::Tenant(TenantError::Broken { missing }));
        }
        let (steps, app, group) = (Steps::of(&context.run), input.app.clone(), group.map_err(failed)?);
        Ok(Self { context, steps, app, tenant, role, name, group })
    }

    /// Gives the app's group, and the time of the assignment.
    async fn entitle(&self) -> Result<(Group, Option<String>), StepFailure> {
        let (group, is_new) = match &self.group {
            Some(group) => (group.clone(), false),
            None => self.add_group().await?,
        };
        let (assignment, targets) = match is_new {
            true => (None, None),
            false => self.steps.run("read what is there", self.read_group(&group)).await?,
        };
        let is_target = targets.is_some_and(|targets| targets.iter().any(|target| target.id == group.id));
        let assigned = async {
            match assignment {
                Some(assignment) => Ok(assignment.last_updated),
                None => self.assign(&group).await,
            }
        };
        let targeted = async {
            match &self.role {
                Some(role) if !is_target => self.target(&group, role).await,
                _ => Ok(()),
            }
        };
        // Both end before anything is taken back.
        let (assigned, targeted) = futures::join!(assigned, targeted);
        targeted.and(assigned).map(|time| (group, time))
    }

    async fn read_group(
        &self,
        group: &Group,
    ) -> Result<(Option<ApplicationGroupAssignment>, Option<Vec<Group>>), Error> {
        let okta = self.context.run.okta.forward();
        futures::try_join!(
            if_present(okta.get_application_group_assignment(&self.app, &group.id)),
            role_targets(okta, &self.tenant.admins.id),
        )
    }

    /// Creates the group; or waits for the one of a run that the index does not
    /// know yet, because the name is taken.
    async fn add_group(&self) -> Result<(Group, bool), StepFailure> {
        let okta = self.context.run.okta.forward();
        let profile =
            GroupProfile::new(&self.name, format!("Users of an app in the tenant {}", self.tenant.name));
        let undo = |made: Option<&Group>| {
            let name = self.name.clone();
            let find = |okta: Client| async move {
                match group_called(&okta, &name).await? {
                    Some(group) if is_unused(&okta, &group.id).await? => Ok(Found::Ours(group.id)),
                    _ => Ok(Found::Unknown),
                }
            };
            Undo::of_creation("group", &self.name, made.map(|group| group.id.clone()), find, delete_group)
        };
        let failure = match self.steps.create("create the app's group", okta.add_group(&profile), undo).await
        {
            Ok(group) => return Ok((group, true)),
            Err(failure) => failure,
        };
        let until = (Instant::now() + INDEX_LAG).min(self.context.run.deadline);
        while failure.source.is_duplicate() && Instant::now() < until {
            let step = self.steps.run("find the app's group", group_called(okta, &self.name));
            if let Some(group) = step.await? {
                return Ok((group, false));
            }
            tokio::time::sleep(POLL).await;
        }
        Err(failure)
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
