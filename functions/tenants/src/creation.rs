//! One attempt to make a tenant: the steps of `add-tenant`, and what takes each back.
//! The table of calls is in [`super::add_tenant`].

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use domain::{
    AdminsDescription, TenantName, USERS_DESCRIPTION, admins_group, idp_name, subject_filter, users_group,
};
use okta_client::models::{
    AppId, ApplicationGroupAssignment, Group, GroupId, GroupProfile, IdentityProvider, IdpId, KeyId,
    NewIdentityProvider, Role,
};
use okta_client::{Client, OkIfAbsent};
use run_kit::{Found, Object, Run, StepFailure, Steps, Stopped, UNDO, Undo, Undone};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, json};
use tenancy::{POLL, ROLE, Tenants, delete_group, group_called, idp_of, if_present};
use tokio::time::Instant;

use crate::lookup::{is_leftover, remove_idp, remove_roles, renamed_from};

/// Time for the calls that make a tenant. No call is begun later.
const FORWARD: Duration = Duration::from_secs(8);

/// Time of an attempt, with what takes the steps back.
pub(crate) const LENGTH: Duration = FORWARD.saturating_add(UNDO);

/// What `add-tenant` is configured with.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The okta-dac app.
    pub(crate) app_id: AppId,
    /// The certificate that nobody has the private key of.
    pub(crate) placeholder: KeyId,
}

/// The new tenant.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(non_snake_case, reason = "names that clients of the predecessor read")]
pub struct NewTenant {
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

/// One attempt to make the tenant.
pub(crate) struct Creation<'r> {
    /// Of the attempt: the time for making the tenant, and for taking the steps back.
    run: Run,
    settings: &'r Settings,
    name: &'r TenantName,
    steps: Steps,
    /// Whether `ADMINS_<name>` is ours.
    owner: Arc<AtomicBool>,
}

/// Why an attempt ended; everything is taken back, or named in the problem.
pub(crate) enum Stop {
    /// Somebody else has `ADMINS_<name>`.
    Taken,
    /// Something that is no leftover has another of the names.
    NameTaken(String),
    /// Another of the names is what a deletion of a tenant left.
    Deleted(String),
    /// Another of the names is the tenant's that was not wholly renamed to this.
    Renamed(String),
    /// A step failed.
    Failed(Stopped),
}

impl<'r> Creation<'r> {
    /// An attempt; nothing is begun yet.
    pub(crate) fn new(run: &Run, settings: &'r Settings, name: &'r TenantName) -> Self {
        let run = run.piece(LENGTH);
        Self { steps: Steps::of(&run), run, settings, name, owner: Arc::default() }
    }

    /// Makes the tenant, or ends with everything taken back.
    pub(crate) async fn create(self) -> Result<NewTenant, Stop> {
        // Halfway through, a used-up limit would cost an undo.
        let okta = self.run.okta.forward();
        if let Err(source) = okta.check_limits(&["groups", "idps", "apps"]) {
            let failure = StepFailure { step: "begin to add the tenant", source };
            return Err(Stop::Failed(Stopped::TakenBack(failure)));
        }
        // Row 1. The first group decides who owns the name.
        let (admins, users) = tokio::join!(self.add_admins(), self.add_users());
        let admins = match admins {
            Ok(admins) => {
                self.owner.store(true, Relaxed);
                admins
            }
            Err(failure) if failure.source.is_duplicate() => {
                // The group of another request stays; ours, if it was made, goes.
                return Err(match self.steps.unwind(failure).await {
                    Stopped::TakenBack(_) => Stop::Taken,
                    incomplete => Stop::Failed(incomplete),
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

        self.run.record.concerns(idp.id.as_str());

        // Row 3. The undo of rows 1 and 2 covers these.
        let mut profile = Map::new();
        profile.insert("tenants".to_owned(), json!([format!("{}:{}:{}", idp.id, self.name, users.id)]));
        let assignment =
            ApplicationGroupAssignment { profile, ..ApplicationGroupAssignment::of(admins.id.clone()) };
        let target = |id| okta.assign_group_target_to_group_admin_role(&admins.id, &role.id, id);
        let row = tokio::join!(
            self.steps.run("limit the role to the users group", target(&users.id)),
            self.steps.run("limit the role to the admins group", target(&admins.id)),
            self.steps.run("deactivate the identity provider", okta.deactivate_identity_provider(&idp.id)),
            self.steps.run(
                "assign the admins group to the okta-dac app",
                okta.assign_group_to_application(&self.settings.app_id, &assignment)
            ),
        );
        if let Err(failure) = row.0.and(row.1).and(row.2).and(row.3) {
            return Err(self.fail(failure).await);
        }

        // Row 4: from here on it is a tenant.
        let record =
            AdminsDescription { tenant_id: Some(idp.id.to_string()), ..AdminsDescription::default() };
        let profile = GroupProfile { description: record.to_text(), ..admins.profile.clone() };
        let (id, marked) = (admins.id.clone(), admins.profile.clone());
        let undo = Undo::new(Object::new("group", &marked.name, &id), |okta| async move {
            // Its answer was lost. While the rest is taken back, it must not look like a tenant.
            okta.replace_group(&id, &marked).await.map(|_| Undone::Entirely)
        });
        let complete = okta.replace_group(&admins.id, &profile);
        let complete = self.steps.change("complete the tenant", complete, undo).await;
        let complete = match complete {
            Ok(group) => group,
            Err(failure) => return Err(self.fail(failure).await),
        };
        Ok(NewTenant {
            id: idp.id.to_string(),
            ADMINS_groupId: admins.id.to_string(),
            USERS_groupId: users.id.to_string(),
            ADMINS_roleId: role.id.to_string(),
            name: self.name.to_string(),
            created: complete.created,
            last_updated: complete.last_updated,
        })
    }

    async fn add_admins(&self) -> Result<Group, StepFailure> {
        let name = admins_group(self.name);
        let creating = Some(self.run.id.clone());
        let record = AdminsDescription { creating, ..AdminsDescription::default() }.to_text();
        let profile = GroupProfile::new(&name, &record);
        let undo = |made: Option<&Group>| {
            let of = name.clone();
            let find = |okta: Client| async move {
                Ok(match group_called(&okta, &of).await? {
                    // The description has our run's id: the group is ours.
                    Some(group) if group.profile.description == record => Found::Ours(group.id),
                    _ => Found::Unknown,
                })
            };
            Undo::of_creation("group", &name, made.map(|group| group.id.clone()), find, delete_group)
        };
        self.steps.create("create the admins group", self.run.okta.forward().add_group(&profile), undo).await
    }

    async fn add_users(&self) -> Result<Group, StepFailure> {
        let name = users_group(self.name);
        let profile = GroupProfile::new(&name, USERS_DESCRIPTION);
        let undo = |made: Option<&Group>| {
            let (of, owner) = (name.clone(), Arc::clone(&self.owner));
            let find = |okta: Client| async move {
                Ok(match group_called(&okta, &of).await? {
                    // Only the owner of the name knows that nobody else builds on
                    // this group.
                    Some(group) if owner.load(Relaxed) && is_leftover(&okta, &group).await? => {
                        Found::Ours(group.id)
                    }
                    _ => Found::Unknown,
                })
            };
            Undo::of_creation("group", &name, made.map(|group| group.id.clone()), find, delete_group)
        };
        self.steps.create("create the users group", self.run.okta.forward().add_group(&profile), undo).await
    }

    async fn assign_role(&self, admins: &GroupId) -> Result<Role, StepFailure> {
        let undo = |made: Option<&Role>| {
            let admins = admins.clone();
            let object = match made {
                Some(role) => Object::new("role", ROLE, &role.id),
                None => Object::unknown("role", ROLE),
            };
            Undo::new(
                object,
                |okta| async move { remove_roles(&okta, &admins).await.map(|()| Undone::Entirely) },
            )
        };
        self.steps
            .create(
                "give the admins group its role",
                self.run.okta.forward().assign_role_to_group(admins, ROLE),
                undo,
            )
            .await
    }

    async fn create_idp(&self, users: &GroupId) -> Result<IdentityProvider, StepFailure> {
        let new = placeholder_idp(self.name, users, self.settings.placeholder.as_str());
        let undo = |made: Option<&IdentityProvider>| {
            let (name, users) = (self.name.clone(), users.clone());
            let find = |okta: Client| async move {
                Ok(match idp_of(&okta, &name).await? {
                    // The IdP provisions into the group that we made: it is ours.
                    Some(idp) if idp.provisioned_groups() == [users.as_str()] => Found::Ours(idp.id),
                    _ => Found::Unknown,
                })
            };
            let delete = |okta: Client, id: IdpId| async move { remove_idp(&okta, &id).await };
            let made = made.map(|idp| idp.id.clone());
            Undo::of_creation("identityProvider", idp_name(self.name), made, find, delete)
        };
        self.steps
            .create(
                "create the identity provider",
                self.run.okta.forward().create_identity_provider(&new),
                undo,
            )
            .await
    }

    /// `USERS_<name>` is taken although we own the name: by a run that lost the
    /// name and is about to remove its group, by one that was killed, or by a
    /// tenant that is being renamed.
    async fn take_users_over(&self, mut failure: StepFailure) -> Result<Group, Stop> {
        let (okta, name) = (self.run.okta.forward(), users_group(self.name));
        let last = self.run.deadline.checked_sub(UNDO).unwrap_or(self.run.deadline);
        while failure.source.is_duplicate() && Instant::now() + POLL < last {
            let removed = async {
                let Some(group) = group_called(okta, &name).await? else { return Ok(Owner::Nobody) };
                let idp = idp_of(okta, self.name).await?;
                if let Some(renamed) =
                    renamed_from(okta, &Tenants { app: self.settings.app_id.clone() }, self.name).await?
                {
                    return Ok(Owner::Renamed(renamed));
                }
                if idp.is_some_and(|idp| idp.provisioned_groups().contains(&group.id.as_str())) {
                    return Ok(Owner::Deleted);
                }
                if !is_leftover(okta, &group).await? {
                    return Ok(Owner::Stranger);
                }
                okta.delete_group(&group.id).await.ok_if_absent().map(|()| Owner::Nobody)
            };
            match removed.await {
                Ok(Owner::Nobody) => {}
                Ok(owner) => return Err(self.give_up(failure, owner, format!("a group `{name}`")).await),
                Err(source) => return Err(self.fail(StepFailure { source, ..failure }).await),
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
    async fn take_idp_over(&self, failure: StepFailure, users: &GroupId) -> Result<IdentityProvider, Stop> {
        let okta = self.run.okta.forward();
        let removed = async {
            let Some(idp) = idp_of(okta, self.name).await? else { return Ok(Owner::Nobody) };
            if let Some(group) = idp.provisioned_groups().first().map(|id| GroupId::from(*id))
                && if_present(okta.get_group(&group)).await?.is_some()
            {
                return Ok(Owner::Deleted);
            }
            if idp.trusted_key() != Some(self.settings.placeholder.as_str()) {
                return Ok(Owner::Stranger);
            }
            remove_idp(okta, &idp.id).await.map(|()| Owner::Nobody)
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
            Err(source) => Err(self.fail(StepFailure { source, ..failure }).await),
        }
    }

    async fn fail(&self, failure: StepFailure) -> Stop {
        Stop::Failed(self.steps.unwind(failure).await)
    }

    async fn give_up(&self, failure: StepFailure, owner: Owner, object: String) -> Stop {
        match (self.steps.unwind(failure).await, owner) {
            (incomplete @ Stopped::Incomplete(_), _) => Stop::Failed(incomplete),
            (Stopped::TakenBack(_), Owner::Renamed(renamed)) => Stop::Renamed(renamed),
            (Stopped::TakenBack(_), Owner::Deleted) => Stop::Deleted(object),
            (Stopped::TakenBack(_), _) => Stop::NameTaken(object),
        }
    }
}

/// Whose an object is that has a name we need.
enum Owner {
    /// Nobody's, or it is gone.
    Nobody,
    /// That of a tenant whose admins group is gone: of one that was deleted half-way.
    Deleted,
    /// That of a tenant which was not wholly renamed to this.
    Renamed(String),
    /// It does not look like ours.
    Stranger,
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
