//! Takes an admin's rights away; the user stays a user of the tenant.
//!
//! # Okta calls
//!
//! 1. `listGroups`, then `getGroup` and `getApplicationGroupAssignment`, as in
//!    `get-tenant`, with `getIdentityProvider` and `listGroupUsers`: the admins that
//!    there are.
//! 2. Under the lock `listGroupUsers` once more: a user whom another request took out
//!    meanwhile must not be put back by this one.
//! 3. `unassignUserFromGroup`. Undo: `assignUserToGroup`.
//! 4. `listGroupUsers` once more: somebody may have put the user back through Okta
//!    itself, or removed the last other admin; then 3 again, or the undo.
//!
//! Nine calls, five in a row.
//!
//! # Why this order
//!
//! - The first revocation is written before the request waits for the tenant's lock:
//!   from then on the user's own requests are refused, and cannot undo this one.
//! - Under the lock, which `assign-tenant-admin` takes, too, the membership ends.
//! - The last revocation has the time of Okta's last answer: a token that was issued
//!   between the first one and the end of the membership does not count, either.
//! - A request that is refused under the lock takes the first revocation back.
//!
//! A user who is no admin, but was one lately, gets the last revocation alone: the same
//! request sent again completes one that stopped half-way. Nothing is written for
//! anybody else.

use domain::{Revoked, TenantName};
use futures::TryStreamExt;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, QueryParameter, Request, Success, Values};
use okta_client::models::{GroupId, User, UserId};
use okta_client::{Client, Error, OkIfAbsent};
use operations::{Operation, ProblemCode};
use run_kit::{
    ConfigError, Environment, Failure, Incomplete, Object, StepFailure, Steps, Stopped, Undo, Undone,
};
use state::{Change, LockError, Locks, State, StateError, holding};
use tenancy::{Depth, Tenant, TenantError, Tenants};

/// How often the membership is ended in one request, while somebody puts it back.
const REMOVALS: usize = 3;

/// The operation `unassign-tenant-admin`.
pub struct UnassignTenantAdmin {
    state: State,
    tenants: Tenants,
}

/// Who is no longer to be an admin of which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    user: UserId,
    /// Even the last one.
    force: bool,
}

/// Why the user is an admin still.
#[derive(Debug)]
pub enum UnassignTenantAdminError {
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// The user is no admin, and was none lately.
    NotFound {
        /// The user.
        user: UserId,
        /// The tenant.
        tenant: TenantName,
    },
    /// Nobody would be left.
    Last {
        /// The user.
        user: UserId,
        /// The tenant.
        tenant: TenantName,
    },
    /// Others are changing the tenant.
    Lock(LockError),
    /// A step failed.
    Stopped(Stopped),
    /// Nothing was changed: the first revocation failed.
    State(StateError),
    /// Somebody keeps putting the user back.
    PutBack(UserId),
    /// The user is no admin any more, but some of their tokens count.
    NotRevoked {
        /// The user.
        user: UserId,
        /// Why.
        source: StateError,
    },
}

impl From<UnassignTenantAdminError> for Failure {
    fn from(error: UnassignTenantAdminError) -> Self {
        match error {
            UnassignTenantAdminError::Tenant(error) => error.into(),
            UnassignTenantAdminError::NotFound { user, tenant } => Failure::new(
                ProblemCode::AdminNotFound,
                format!("`{user}` is no admin of `{tenant}`; `GET /tenants/{tenant}/admins` lists them"),
            ),
            UnassignTenantAdminError::Last { user, tenant } => Failure::new(
                ProblemCode::LastAdmin,
                format!(
                    "`{user}` is the last admin of `{tenant}` who can sign in; assign another one first, or let a superuser send `?force=true`"
                ),
            ),
            UnassignTenantAdminError::Lock(error) => error.into(),
            UnassignTenantAdminError::Stopped(stopped) => stopped.into(),
            UnassignTenantAdminError::State(error) => error.into(),
            UnassignTenantAdminError::PutBack(user) => {
                let left = Object::new("admin", "membership that others restore", user);
                Incomplete::after(&["revoke tokens", "unassign the admin"], vec![left]).into()
            }
            UnassignTenantAdminError::NotRevoked { user, source } => {
                let left = Object::new("token", "access tokens of the user", user);
                Failure::from(Incomplete::after(&["unassign the admin"], vec![left]))
                    .log("revoke tokens", &source)
            }
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = &[QueryParameter {
        name: "force",
        description: "`true`: even if nobody is left; superusers only.",
        values: Values::OneOf(&["true", "false"]),
    }];

    fn decode(request: &Request) -> Result<Self, Failure> {
        let input =
            Self { tenant: request.tenant()?, user: request.id("userId")?, force: request.flag("force")? };
        if input.force && !request.caller.superuser {
            return Err(Failure::new(ProblemCode::Forbidden, "only a superuser may send `force=true`"));
        }
        Ok(input)
    }
}

impl Endpoint for UnassignTenantAdmin {
    const OPERATION: &'static Operation = operations::get("unassign-tenant-admin");
    type Input = Input;
    type Output = ();
    type Error = UnassignTenantAdminError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)?, tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<()>, UnassignTenantAdminError> {
        let okta = context.run.okta.forward();
        let members = |groups: tenancy::Ids| async move { admins(okta, &groups.admins).await };
        let (run, caller) = (&context.run, &context.caller);
        let found = self.tenants.of_caller_with(run, caller, &input.tenant, Depth::Change, members).await;
        let (tenant, members) = found.map_err(UnassignTenantAdminError::Tenant)?;
        let user = &input.user;
        let revoked = Revoked::Admin { tenant: &tenant.id, user: user.as_str() };
        if members.iter().any(|member| member.id == *user) {
            if !input.force && !is_left(&members, user) {
                return Err(last(&input));
            }
        } else {
            let lately = self.state.is_revoked_lately(&context.run, revoked).await;
            if !lately.map_err(UnassignTenantAdminError::State)? {
                let (user, tenant) = (user.clone(), input.tenant);
                return Err(UnassignTenantAdminError::NotFound { user, tenant });
            }
        }
        let first = self.state.revoke(&context.run, revoked).await;
        let first = first.map_err(UnassignTenantAdminError::State)?;
        let removed =
            holding(&self.state, &context.run, |locks| self.remove(context, &input, &tenant, revoked, locks));
        let removed = removed.await;
        if removed.as_ref().is_err_and(|error| error.is_clean()) {
            self.state.take_back(first).await;
        }
        removed.map(|()| Success::empty())
    }

    fn example() -> Example {
        Example { target: "/tenants/acme/admins/00u00000000000000004?force=true", body: None, answer: None }
    }
}

impl UnassignTenantAdmin {
    /// Ends the membership and revokes once more, under the tenant's lock.
    async fn remove(
        &self,
        context: &Context,
        input: &Input,
        tenant: &Tenant,
        revoked: Revoked<'_>,
        locks: Locks,
    ) -> Result<(), UnassignTenantAdminError> {
        let (run, user) = (&context.run, &input.user);
        let change = Change::Tenant(&tenant.name);
        // Whoever leaves has just revoked their own tokens.
        let locked = match context.caller.uid == user.as_str() {
            true => locks.take_unasked(change).await,
            false => locks.take(change).await,
        };
        locked.map_err(UnassignTenantAdminError::Lock)?;
        let steps = Steps::of(run);
        match end_membership(run.okta.forward(), &steps, &tenant.admins.id, input).await {
            Ok(Membership::Ended) => {}
            Ok(Membership::Last) => return Err(last(input)),
            Ok(Membership::PutBack) => return Err(UnassignTenantAdminError::PutBack(user.clone())),
            Err(failure) => return Err(UnassignTenantAdminError::Stopped(steps.unwind(failure).await)),
        }
        let revoked = self.state.revoke(run, revoked).await;
        revoked
            .map(drop)
            .map_err(|source| UnassignTenantAdminError::NotRevoked { user: user.clone(), source })
    }
}

impl UnassignTenantAdminError {
    /// Whether nothing was changed, or all was taken back.
    fn is_clean(&self) -> bool {
        match self {
            UnassignTenantAdminError::Last { .. } | UnassignTenantAdminError::Lock(_) => true,
            UnassignTenantAdminError::Stopped(stopped) => !matches!(stopped, Stopped::Incomplete(_)),
            _ => false,
        }
    }
}

/// What became of a membership.
enum Membership {
    Ended,
    /// Nobody else was left: the user is a member again.
    Last,
    /// Somebody else made the user a member again, each time.
    PutBack,
}

async fn end_membership(
    okta: &Client,
    steps: &Steps,
    group: &GroupId,
    input: &Input,
) -> Result<Membership, StepFailure> {
    let user = &input.user;
    let mut present = steps.run("list the admins", admins(okta, group)).await?;
    for _ in 0..REMOVALS {
        // Whoever is no member by now is taken out by nobody, and put back by nobody.
        if present.iter().all(|admin| admin.id != *user) {
            return Ok(Membership::Ended);
        }
        if !input.force && !is_left(&present, user) {
            return Ok(Membership::Last);
        }
        let (of, member) = (group.clone(), user.clone());
        let undo = Undo::new(Object::new("admin", input.tenant.as_str(), user), |okta| async move {
            okta.assign_user_to_group(&of, &member).await?;
            Ok(Undone::Entirely)
        });
        let removal = async { okta.unassign_user_from_group(group, user).await.ok_if_absent() };
        steps.change("unassign the admin", removal, undo).await?;
        present = steps.run("count the admins that are left", admins(okta, group)).await?;
        // Somebody took another one out in Okta meanwhile.
        if !input.force && !is_left(&present, user) {
            steps.run("put the last admin back", okta.assign_user_to_group(group, user)).await?;
            return Ok(Membership::Last);
        }
    }
    match present.iter().any(|admin| admin.id == *user) {
        true => Ok(Membership::PutBack),
        false => Ok(Membership::Ended),
    }
}

fn last(input: &Input) -> UnassignTenantAdminError {
    UnassignTenantAdminError::Last { user: input.user.clone(), tenant: input.tenant.clone() }
}

/// The members of the group.
async fn admins(okta: &Client, group: &GroupId) -> Result<Vec<User>, Error> {
    okta.list_group_users(group).try_collect().await
}

/// Whether somebody other than `user` can work as an admin.
fn is_left(admins: &[User], user: &UserId) -> bool {
    admins.iter().any(|admin| admin.id != *user && crate::is_working(admin))
}
