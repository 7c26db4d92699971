//! Creates a tenant.
//!
//! # Okta calls
//!
//! | row | call | undo |
//! |---|---|---|
//! | 1 | `addGroup` `ADMINS_<name>`, its description says who is creating it | delete |
//! | 1 | `addGroup` `USERS_<name>` | delete |
//! | 2 | `assignRoleToGroup` USER_ADMIN to `ADMINS_<name>` | unassign |
//! | 2 | `createIdentityProvider` `DAC_<name>` with `USERS_<name>` as its only group | delete |
//! | 3 | `assignGroupTargetToGroupAdminRole` `USERS_<name>` | goes with the role |
//! | 3 | `assignGroupTargetToGroupAdminRole` `ADMINS_<name>` | goes with the role |
//! | 3 | `deactivateIdentityProvider`, because Okta creates it active | goes with the IdP |
//! | 3 | `assignGroupToApplication` with the `tenants` attribute | goes with the group |
//! | 4 | `replaceGroup` `ADMINS_<name>`: the description gets the tenant's id | the description as it was |
//!
//! Nine calls, four in a row; the calls of a row run at the same time.
//!
//! # Why this order
//!
//! - Okta has no transactions, but it keeps group names unique. Whoever creates
//!   `ADMINS_<name>` owns the name; everybody else changes nothing. There is no
//!   check before, which could be late.
//! - The last call makes the tenant visible: until then the description has
//!   `creating` instead of `tenantId`, no operation sees a tenant, and nobody
//!   becomes a member while the role still applies to the whole org.
//! - A run that was killed leaves a description with `creating`. Runs end
//!   [`FORWARD`] after they begin, undone [`UNDO`] later at most, so that an
//!   older one is abandoned: it is removed, and the tenant is made anew. A
//!   younger one is waited for. What is found by name is removed only if it is
//!   as old as the abandoned run, because another request may have begun anew.
//! - All tenants trust one placeholder certificate until their admins upload
//!   their own: nobody has its private key, so that it is as good as one each,
//!   and saves a call and a key.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use domain::{
    AdminsDescription, NewTenantName, TenantName, USERS_DESCRIPTION, admins_group, idp_name, subject_filter,
    users_group,
};
use lambda_kit::{
    Context, Decode, Endpoint, Example, Failure, Object, Problem, Request, Steps, Success, Undo, Undone,
};
use okta_client::models::{
    ApplicationGroupAssignment, Group, GroupId, GroupProfile, IdentityProvider, NewIdentityProvider, Role,
};
use okta_client::{Client, Error, OkIfAbsent};
use operations::{Operation, ProblemCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use tokio::time::Instant;

use tenancy::{POLL, ROLE, group_called, idp_of, if_present};

use crate::lookup::{ABANDONED, already_exists, remove_idp, remove_roles, renamed_from};

/// Time for the calls that make a tenant. No call is begun later.
const FORWARD: Duration = Duration::from_secs(8);

/// Time for taking them back.
const UNDO: Duration = Duration::from_secs(4);

/// Searches for the group that has the name, before a new run.
const LOOKS: u32 = 5;

/// The operation `add-tenant`.
pub struct AddTenant;

/// What to create.
#[derive(Debug)]
pub struct Input {
    name: NewTenantName,
}

/// Request body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "AddTenantRequest")]
pub struct Body {
    /// `^[a-z0-9](-?[a-z0-9])*$`, 2 to 50 characters.
    name: String,
}

/// The new tenant.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(non_snake_case, reason = "names that clients of the predecessor read")]
#[schemars(rename = "NewTenant")]
pub struct Output {
    /// Id of the tenant: the id of its IdP.
    pub id: String,
    /// Id of the group of its admins.
    pub ADMINS_groupId: String,
    /// Id of the group of all its users.
    pub USERS_groupId: String,
    /// Id of the role assignment of the admins.
    pub ADMINS_roleId: String,
    /// Its name.
    pub name: String,
    /// When it was created, RFC 3339, UTC.
    pub created: String,
    /// When it last changed, RFC 3339, UTC.
    #[serde(rename = "lastUpdated")]
    pub last_updated: String,
}

/// Why there is no new tenant.
#[derive(Debug)]
pub enum AddTenantError {
    /// The name is a tenant's.
    AlreadyExists {
        /// The name.
        name: TenantName,
        /// Id of that tenant.
        id: String,
    },
    /// The name is taken by something that is no tenant.
    NameTaken {
        /// What has the name.
        object: String,
    },
    /// Another request has been creating it for as long as this one could wait.
    Busy(TenantName),
    /// A step failed; the problem says what is left.
    Stopped(Problem),
}

impl From<AddTenantError> for Problem {
    fn from(error: AddTenantError) -> Self {
        match error {
            AddTenantError::AlreadyExists { name, id } => already_exists(&name, id),
            AddTenantError::NameTaken { object } => Problem::new(
                ProblemCode::NameTaken,
                format!(
                    "the org has {object}, which belongs to no tenant; choose another name, or rename it in Okta"
                ),
            ),
            AddTenantError::Busy(name) => {
                Problem::new(ProblemCode::TenantBusy, format!("another request is creating `{name}`"))
                    .retry_after(Duration::from_secs(2))
            }
            AddTenantError::Stopped(problem) => problem,
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Problem> {
        let body: Body = request.body()?;
        let name =
            NewTenantName::parse(&body.name).map_err(|e| Problem::violation("/name", e.to_string()))?;
        Ok(Self { name })
    }
}

impl Endpoint for AddTenant {
    const OPERATION: &'static Operation = operations::get("add-tenant");
    type Input = Input;
    type Output = Output;
    type Error = AddTenantError;

    async fn call(context: &Context, input: Input) -> Result<Success<Output>, AddTenantError> {
        let name: &TenantName = &input.name;
        // A run needs this much; whoever cannot have it must not begin.
        let last_start = context.deadline.checked_sub(FORWARD + UNDO).unwrap_or_else(Instant::now);
        loop {
            let run = Run::new(context, name);
            // Halfway through, a used-up limit would cost an undo.
            run.okta
                .check_limits(&["groups", "idps", "apps"])
                .map_err(|error| AddTenantError::Stopped(Problem::okta("begin to add the tenant", &error)))?;
            match run.create().await {
                Ok(tenant) => {
                    let location = format!("{}/tenants/{name}", context.base_url);
                    return Ok(Success::new(tenant).header("location", location));
                }
                Err(Stop::Taken) => {}
                Err(Stop::Busy) => return Err(AddTenantError::Busy(name.clone())),
                Err(Stop::NameTaken(object)) => return Err(AddTenantError::NameTaken { object }),
                Err(Stop::Failed(problem)) => return Err(AddTenantError::Stopped(*problem)),
            }
            if let Some(id) = settle(context, name, last_start).await? {
                return Err(AddTenantError::AlreadyExists { name: name.clone(), id });
            }
        }
    }

    fn example() -> Example {
        Example {
            target: "/tenants",
            body: Some(json!({ "name": "initech" })),
            answer: Some(json!({
                "id": "0oa00000000000000021", "ADMINS_groupId": "00g00000000000000019",
                "USERS_groupId": "00g00000000000000020", "ADMINS_roleId": "KVJUKUS7IFCE2SKO", "name": "initech",
                "created": "2026-01-31T12:00:00.000Z", "lastUpdated": "2026-01-31T12:00:00.000Z",
            })),
        }
    }
}

/// One attempt to make the tenant.
struct Run<'r> {
    context: &'r Context,
    name: &'r TenantName,
    steps: Steps,
    /// Client for the steps.
    okta: Client,
    /// Client for taking them back.
    undo: Client,
    deadline: Instant,
    /// Whether `ADMINS_<name>` is ours.
    owner: Arc<AtomicBool>,
}

/// Why an attempt ended; everything is taken back, or named in the problem.
enum Stop {
    /// Somebody else has `ADMINS_<name>`.
    Taken,
    /// Something that is no leftover has another of the names.
    NameTaken(String),
    /// A tenant that has another name by now still has one of the names.
    Busy,
    Failed(Box<Problem>),
}

impl<'r> Run<'r> {
    fn new(context: &'r Context, name: &'r TenantName) -> Self {
        let deadline = Instant::now() + FORWARD;
        let (okta, undo) = (context.okta.until(deadline), context.okta.until(deadline + UNDO).beyond_share());
        Self { context, name, steps: Steps::default(), okta, undo, deadline, owner: Arc::default() }
    }

    async fn create(self) -> Result<Output, Stop> {
        // Row 1. The first group decides who owns the name.
        let (admins, users) = tokio::join!(self.add_admins(), self.add_users());
        let admins = match admins {
            Ok(admins) => {
                self.owner.store(true, Relaxed);
                admins
            }
            Err(failure) if failure.source.is_duplicate() => {
                // Ours, if it was made; another's is none of our business.
                let problem = self.steps.unwind(failure).await;
                return Err(match problem.code() {
                    ProblemCode::OperationIncomplete => Stop::Failed(Box::new(problem)),
                    _ => Stop::Taken,
                });
            }
            Err(failure) => return Err(self.fail(failure).await),
        };
        let users = match users {
            Ok(users) => users,
            Err(failure) if failure.source.is_duplicate() => self.take_users_over(failure).await?,
            Err(failure) => return Err(self.fail(failure).await),
        };

        // Row 2.
        let (role, idp) = tokio::join!(self.assign_role(&admins.id), self.create_idp(&users.id));
        let role = match role {
            Ok(role) => role,
            Err(failure) => return Err(self.fail(failure).await),
        };
        let idp = match idp {
            Ok(idp) => idp,
            Err(failure) if failure.source.is_duplicate() => self.take_idp_over(failure, &users.id).await?,
            Err(failure) => return Err(self.fail(failure).await),
        };

        // Row 3. The undo of rows 1 and 2 covers these.
        let mut profile = Map::new();
        profile.insert("tenants".to_owned(), json!([format!("{}:{}:{}", idp.id, self.name, users.id)]));
        let assignment =
            ApplicationGroupAssignment { profile, ..ApplicationGroupAssignment::of(admins.id.clone()) };
        let target = |id| self.okta.assign_group_target_to_group_admin_role(&admins.id, &role.id, id);
        let row = tokio::join!(
            self.steps.run("limit the role to the users group", target(&users.id)),
            self.steps.run("limit the role to the admins group", target(&admins.id)),
            self.steps
                .run("deactivate the identity provider", self.okta.deactivate_identity_provider(&idp.id)),
            self.steps.run(
                "assign the admins group to the okta-dac app",
                self.okta.assign_group_to_application(&self.context.app_id, &assignment)
            ),
        );
        if let Err(failure) = row.0.and(row.1).and(row.2).and(row.3) {
            return Err(self.fail(failure).await);
        }

        // Row 4: from here on it is a tenant.
        let record =
            AdminsDescription { tenant_id: Some(idp.id.to_string()), ..AdminsDescription::default() };
        let profile = GroupProfile { description: record.to_text(), ..admins.profile.clone() };
        let (okta, id, marked) = (self.undo.clone(), admins.id.clone(), admins.profile.clone());
        let undo = Undo::new(Object::new("group", &marked.name, &id), async move {
            // Its answer was lost. While the rest is taken back, it must not look like a tenant.
            okta.replace_group(&id, &marked).await.map(|_| Undone::Entirely)
        });
        let complete = self.okta.replace_group(&admins.id, &profile);
        let complete = self.steps.change("complete the tenant", complete, undo).await;
        let complete = match complete {
            Ok(group) => group,
            Err(failure) => return Err(self.fail(failure).await),
        };
        Ok(Output {
            id: idp.id.to_string(),
            ADMINS_groupId: admins.id.to_string(),
            USERS_groupId: users.id.to_string(),
            ADMINS_roleId: role.id.to_string(),
            name: self.name.to_string(),
            created: complete.created,
            last_updated: complete.last_updated,
        })
    }

    async fn add_admins(&self) -> Result<Group, Failure> {
        let name = admins_group(self.name);
        let creating = Some(self.context.request_id.clone());
        let record = AdminsDescription { creating, ..AdminsDescription::default() }.to_text();
        let profile = GroupProfile::new(&name, &record);
        let undo = |made: Option<&Group>| {
            let (okta, id) = (self.undo.clone(), made.map(|group| group.id.clone()));
            let object = object("group", &name, id.as_ref());
            Undo::new(object, async move {
                let id = match id {
                    Some(id) => id,
                    None => match group_called(&okta, &name).await? {
                        // The description has our request's id: it is ours.
                        Some(group) if group.profile.description == record => group.id,
                        _ => return Ok(Undone::Unknown),
                    },
                };
                okta.delete_group(&id).await.ok_if_absent()?;
                Ok(Undone::Entirely)
            })
        };
        self.steps.create("create the admins group", self.okta.add_group(&profile), undo).await
    }

    async fn add_users(&self) -> Result<Group, Failure> {
        let name = users_group(self.name);
        let profile = GroupProfile::new(&name, USERS_DESCRIPTION);
        let undo = |made: Option<&Group>| {
            let (okta, owner) = (self.undo.clone(), Arc::clone(&self.owner));
            let id = made.map(|group| group.id.clone());
            let object = object("group", &name, id.as_ref());
            Undo::new(object, async move {
                let id = match id {
                    Some(id) => id,
                    None => match group_called(&okta, &name).await? {
                        // Only the owner of the name knows that nobody else
                        // builds on this group.
                        Some(group) if owner.load(Relaxed) && is_leftover(&okta, &group).await? => group.id,
                        _ => return Ok(Undone::Unknown),
                    },
                };
                okta.delete_group(&id).await.ok_if_absent()?;
                Ok(Undone::Entirely)
            })
        };
        self.steps.create("create the users group", self.okta.add_group(&profile), undo).await
    }

    async fn assign_role(&self, admins: &GroupId) -> Result<Role, Failure> {
        let undo = |made: Option<&Role>| {
            let (okta, admins) = (self.undo.clone(), admins.clone());
            let object = object("role", ROLE, made.map(|role| &role.id));
            Undo::new(object, async move {
                remove_roles(&okta, &admins).await?;
                Ok(Undone::Entirely)
            })
        };
        self.steps
            .create("give the admins group its role", self.okta.assign_role_to_group(admins, ROLE), undo)
            .await
    }

    async fn create_idp(&self, users: &GroupId) -> Result<IdentityProvider, Failure> {
        let new = placeholder_idp(self.name, users, self.context.placeholder_key.as_str());
        let undo = |made: Option<&IdentityProvider>| {
            let (okta, name, users) = (self.undo.clone(), self.name.clone(), users.clone());
            let id = made.map(|idp| idp.id.clone());
            let object = object("identityProvider", &idp_name(&name), id.as_ref());
            Undo::new(object, async move {
                let id = match id {
                    Some(id) => id,
                    None => match idp_of(&okta, &name).await? {
                        // It provisions into the group that we made: it is ours.
                        Some(idp) if idp.provisioned_groups() == [users.as_str()] => idp.id,
                        _ => return Ok(Undone::Unknown),
                    },
                };
                remove_idp(&okta, &id).await?;
                Ok(Undone::Entirely)
            })
        };
        self.steps
            .create("create the identity provider", self.okta.create_identity_provider(&new), undo)
            .await
    }

    /// `USERS_<name>` is taken although we own the name: by a run that lost the
    /// name and is about to remove its group, by one that was killed, or by a
    /// tenant that is being renamed.
    async fn take_users_over(&self, mut failure: Failure) -> Result<Group, Stop> {
        let name = users_group(self.name);
        while failure.source.is_duplicate() && Instant::now() + POLL < self.deadline {
            let removed = async {
                let Some(group) = group_called(&self.okta, &name).await? else { return Ok(Owner::Nobody) };
                let idp = idp_of(&self.okta, self.name).await?;
                let in_use = idp.is_some_and(|idp| idp.provisioned_groups().contains(&group.id.as_str()));
                if in_use || renamed_from(&self.okta, self.name).await?.is_some() {
                    return Ok(Owner::Tenant);
                }
                if !is_leftover(&self.okta, &group).await? {
                    return Ok(Owner::Stranger);
                }
                self.okta.delete_group(&group.id).await.ok_if_absent().map(|()| Owner::Nobody)
            };
            match removed.await {
                Ok(Owner::Nobody) => {}
                Ok(owner) => return Err(self.give_up(failure, owner, format!("a group `{name}`")).await),
                Err(source) => return Err(self.fail(Failure { source, ..failure }).await),
            }
            match self.add_users().await {
                Ok(users) => return Ok(users),
                Err(again) => failure = again,
            }
            tokio::time::sleep(POLL).await;
        }
        Err(self.fail(failure).await)
    }

    /// `DAC_<name>` is taken although we own the name: by a leftover, if it
    /// trusts the placeholder and its users group is gone.
    async fn take_idp_over(&self, failure: Failure, users: &GroupId) -> Result<IdentityProvider, Stop> {
        let removed = async {
            let Some(idp) = idp_of(&self.okta, self.name).await? else { return Ok(Owner::Nobody) };
            if let Some(group) = idp.provisioned_groups().first().map(|id| GroupId::from(*id))
                && if_present(self.okta.get_group(&group)).await?.is_some()
            {
                return Ok(Owner::Tenant);
            }
            if idp.trusted_key() != Some(self.context.placeholder_key.as_str()) {
                return Ok(Owner::Stranger);
            }
            remove_idp(&self.okta, &idp.id).await.map(|()| Owner::Nobody)
        };
        match removed.await {
            Ok(Owner::Nobody) => match self.create_idp(users).await {
                Ok(idp) => Ok(idp),
                Err(failure) => Err(self.fail(failure).await),
            },
            Ok(owner) => {
                let object = format!("an identity provider `{}`", idp_name(self.name));
                Err(self.give_up(failure, owner, object).await)
            }
            Err(source) => Err(self.fail(Failure { source, ..failure }).await),
        }
    }

    async fn fail(&self, failure: Failure) -> Stop {
        Stop::Failed(Box::new(self.steps.unwind(failure).await))
    }

    async fn give_up(&self, failure: Failure, owner: Owner, object: String) -> Stop {
        let problem = self.steps.unwind(failure).await;
        match (problem.code(), owner) {
            (ProblemCode::OperationIncomplete, _) => Stop::Failed(Box::new(problem)),
            (_, Owner::Tenant) => Stop::Busy,
            _ => Stop::NameTaken(object),
        }
    }
}

/// Whose an object is that has a name we need.
enum Owner {
    /// Nobody's, or it is gone.
    Nobody,
    /// A tenant's, which has another name by now.
    Tenant,
    /// It does not look like ours.
    Stranger,
}

/// Somebody else has `ADMINS_<name>`: gives the id of the tenant if it is one,
/// `None` if the name is free again. Waits for a run that may be under way, and
/// removes what an abandoned one left.
async fn settle(
    context: &Context,
    name: &TenantName,
    last_start: Instant,
) -> Result<Option<String>, AddTenantError> {
    let okta = &context.okta;
    let stopped = |error: Error| AddTenantError::Stopped(Problem::okta("find out who has the name", &error));
    let mut looks = 0;
    loop {
        let Some(admins) = group_called(okta, &admins_group(name)).await.map_err(stopped)? else {
            // It is gone again, or the index is late: look a few times, since
            // a new run is dearer than a search.
            wait(name, last_start).await?;
            looks += 1;
            if looks < LOOKS {
                continue;
            }
            return Ok(None);
        };
        let record = AdminsDescription::parse(&admins.profile.description).unwrap_or_default();
        if record.creating.is_some() {
            if okta.age(&admins.created).is_some_and(|age| age >= ABANDONED) {
                sweep(context, name, &admins).await?;
                return if Instant::now() > last_start {
                    Err(AddTenantError::Busy(name.clone()))
                } else {
                    Ok(None)
                };
            }
        } else if let Some(id) = record.tenant_id {
            return Ok(Some(id));
        } else if let Some(idp) = idp_of(okta, name).await.map_err(stopped)? {
            return Ok(Some(idp.id.to_string()));
        } else {
            return Err(AddTenantError::NameTaken { object: format!("a group `{}`", admins_group(name)) });
        }
        wait(name, last_start).await?;
    }
}

async fn wait(name: &TenantName, last_start: Instant) -> Result<(), AddTenantError> {
    if Instant::now() + POLL > last_start {
        return Err(AddTenantError::Busy(name.clone()));
    }
    tokio::time::sleep(POLL).await;
    Ok(())
}

/// Removes what an abandoned run left, its `ADMINS_` group last: it is what a
/// repeated request recognises the rest by. Objects that are found by name are
/// removed only if they are as old, because another request may sweep at the
/// same time and have begun anew.
async fn sweep(context: &Context, name: &TenantName, admins: &Group) -> Result<(), AddTenantError> {
    let okta = &context.okta;
    // Made by the abandoned run: not before its `ADMINS_` group, and not after
    // it must have ended.
    let of_run = |created: &str| match (okta.age(&admins.created), okta.age(created)) {
        (Some(run), Some(age)) => run + Duration::from_secs(1) >= age && run < age + ABANDONED,
        _ => false,
    };
    let mut left = vec![Object::new("group", admins_group(name), &admins.id)];
    let swept = async {
        if okta.group_has_members(&admins.id).await? {
            return Ok::<_, Error>(false);
        }
        let users = group_called(okta, &users_group(name)).await?.filter(|users| of_run(&users.created));
        let users = match users {
            Some(users) if is_leftover(okta, &users).await? => Some(users),
            _ => None,
        };
        left.extend(users.iter().map(|users| Object::new("group", users_group(name), &users.id)));
        let idp = idp_of(okta, name).await?.filter(|idp| of_run(&idp.created));
        let idp = idp.filter(|idp| idp.trusted_key() == Some(context.placeholder_key.as_str()));
        if let Some(idp) = idp {
            left.push(Object::new("identityProvider", &idp.name, &idp.id));
            remove_idp(okta, &idp.id).await?;
            left.pop();
        }
        remove_roles(okta, &admins.id).await?;
        if let Some(users) = users {
            okta.delete_group(&users.id).await.ok_if_absent()?;
            left.pop();
        }
        okta.delete_group(&admins.id).await.ok_if_absent()?;
        Ok(true)
    };
    match swept.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(AddTenantError::NameTaken {
            object: format!("a half-made tenant `{name}` whose group `{}` has members", admins_group(name)),
        }),
        Err(error) if error.is_not_found() => Ok(()), // Another request swept it meanwhile.
        Err(error) => {
            let problem = Problem::incomplete(&[], &[], &left);
            Err(AddTenantError::Stopped(problem.log("remove what an earlier request left", &error)))
        }
    }
}

/// Whether a `USERS_` group was made for a tenant that was never completed.
async fn is_leftover(okta: &Client, users: &Group) -> Result<bool, Error> {
    Ok(users.profile.description == USERS_DESCRIPTION && !okta.group_has_members(&users.id).await?)
}

fn object(kind: &'static str, name: &str, id: Option<&impl ToString>) -> Object {
    match id {
        Some(id) => Object::new(kind, name, id.to_string()),
        None => Object::unknown(kind, name),
    }
}

/// The IdP of a new tenant: it can sign nobody in, because nobody has the
/// private key of the certificate that it trusts. What it may do once it can is
/// fixed here: it speaks of nobody until the tenant has verified a domain, new users
/// go into `USERS_<name>`, and existing ones are linked only if they are in it and are
/// no admins.
fn placeholder_idp(name: &TenantName, users: &GroupId, placeholder_key: &str) -> NewIdentityProvider {
    let signature = |scope: &str| json!({ "signature": { "algorithm": "SHA-256", "scope": scope } });
    // RFC 2606: a name that never resolves.
    let nowhere = "https://idp.invalid/sso";
    NewIdentityProvider {
        name: idp_name(name),
        kind: "SAML2",
        protocol: json!({
            "type": "SAML2",
            "endpoints": {
                "sso": { "url": nowhere, "binding": "HTTP-POST", "destination": nowhere },
                "acs": { "binding": "HTTP-POST", "type": "INSTANCE" },
            },
            "algorithms": { "request": signature("REQUEST"), "response": signature("ANY") },
            "settings": { "nameFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" },
            "credentials": { "trust": { "issuer": "https://idp.invalid", "kid": placeholder_key } },
        }),
        policy: json!({
            "provisioning": {
                "action": "AUTO",
                "profileMaster": false,
                "groups": { "action": "ASSIGN", "assignments": [users] },
                "conditions": { "deprovisioned": { "action": "NONE" }, "suspended": { "action": "NONE" } },
            },
            "accountLink": {
                "action": "AUTO",
                "filter": { "groups": { "include": [users] }, "users": { "excludeAdmins": true } },
            },
            "subject": {
                "userNameTemplate": { "template": "idpuser.email" }, "matchType": "USERNAME",
                // Until a domain is verified.
                "filter": subject_filter(&[]),
            },
            "maxClockSkew": 0,
        }),
    }
}
