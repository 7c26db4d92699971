//! Changes where the users of a tenant sign in, and which certificate their
//! assertions are signed with.
//!
//! # Okta calls
//!
//! 1. At the same time: `getIdentityProvider` and, for a new certificate,
//!    `listIdentityProviderKeys`: another IdP may trust it already.
//! 2. `getGroup` of the users group that the IdP names, and if that has another name,
//!    `listGroups` and `getApplicationGroupAssignment`; at the same time, without a new certificate, `getIdentityProviderKey` of the
//!    trusted one for the answer, unless it is the placeholder.
//! 3. `createIdentityProviderKey`, unless the org has the certificate. Undo:
//!    `deleteIdentityProviderKey`.
//! 4. `replaceIdentityProvider`. Undo: the old one.
//! 5. `activateIdentityProvider` or `deactivateIdentityProvider`. Undo: the opposite.
//! 6. `deleteIdentityProviderKey` of a certificate that is not trusted any more; if it
//!    fails, the certificate stays.
//!
//! With a certificate and a status, where the placeholder was trusted, six calls, five
//! in a row.
//!
//! # What can be changed
//!
//! The body is an IdP as `get-idp` gives it, or a part of one, or SAML metadata.
//! Members that are not sent stay. Members that are okta-dac's own must be as they
//! are: else the request is refused, and the member is named.

use domain::{TenantName, users_group};
use futures::TryStreamExt;
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use okta_client::models::{ACTIVE, GroupId, IdentityProvider, IdpId, IdpKey, KeyId};
use okta_client::{Client, Error, OkIfAbsent};
use operations::{EnvVar, Operation, ProblemCode};
use run_kit::{
    ConfigError, Environment, Failure, Found, Object, Run, StepFailure, Steps, Stopped, Undo, Undone,
};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use state::{Change, LockError, Locks, State, StateError, holding};
use tenancy::{Depth, TenantError, Tenants, Want, if_present, users_of_idp};

use crate::certificate::Certificate;
use crate::edits::Edits;
use crate::get_idp::sample;
use crate::saml_metadata;
use crate::visible::{self, Item, own_key, read_key, tenant_of};

/// The operation `update-idp`.
pub struct UpdateIdp {
    placeholder: KeyId,
    state: State,
    tenants: Tenants,
}

/// What becomes of which IdP.
#[derive(Debug)]
pub struct Input {
    idp: IdpId,
    edits: Edits,
}

/// Request body: an IdP as `get-idp` gives it, or a part of one. Can be changed:
/// `status`, `x5c` (base64 of the DER form, or PEM), `protocol.endpoints.sso`,
/// `protocol.algorithms`, `protocol.settings.nameFormat`, issuer and audience of
/// `protocol.credentials.trust`, `policy.maxClockSkew`, `policy.provisioning.action`, template
/// and match type of `policy.subject`. An empty `kid` of the trust, without `x5c`, makes the
/// certificate the placeholder again. SAML metadata (`application/samlmetadata+xml`) are taken instead.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "UpdateIdpRequest")]
pub struct Body(Map<String, Value>);

/// Why the IdP is as it was.
#[derive(Debug)]
pub enum UpdateIdpError {
    /// There is no such IdP, or it is no tenant's.
    NotFound(IdpId),
    /// A member is not the caller's to change.
    NotEditable(String),
    /// The certificate may not be trusted.
    Certificate(String),
    /// The tenant lacks the group of its users.
    Tenant(TenantError),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// Others are changing it.
    Lock(LockError),
    /// The tenant is suspended: its IdP stays off.
    Suspended(IdpId),
    /// The state table did not answer; nothing was changed.
    State(StateError),
    /// A step failed.
    Stopped(Stopped),
}

impl From<UpdateIdpError> for Failure {
    fn from(error: UpdateIdpError) -> Self {
        match error {
            UpdateIdpError::NotFound(id) => visible::not_found(&id),
            UpdateIdpError::NotEditable(pointer) => {
                let detail = "is not yours to change; leave it out, or send it as it is".to_owned();
                Failure::pointing(ProblemCode::MemberNotEditable, &pointer, detail)
            }
            UpdateIdpError::Certificate(detail) => Failure::violation("/x5c", detail),
            UpdateIdpError::Tenant(error) => error.into(),
            UpdateIdpError::Okta(error) => Failure::okta("read the identity provider", &error),
            UpdateIdpError::Lock(error) => error.into(),
            UpdateIdpError::Suspended(id) => Failure::new(
                ProblemCode::TenantSuspended,
                format!(
                    "the tenant `{id}` is suspended: its identity provider stays off until a superuser resumes the tenant"
                ),
            ),
            UpdateIdpError::State(error) => error.into(),
            UpdateIdpError::Stopped(stopped) => stopped.into(),
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let idp = request.id("idpId")?;
        let xml = ["application/samlmetadata+xml", "application/xml", "text/xml"];
        let edits = if xml.contains(&request.media_type().as_str()) {
            let refuse = |error: saml_metadata::MetadataError| Failure::violation("", error.to_string());
            let (sent, certificates) = saml_metadata::edits(request.bytes()?).map_err(refuse)?;
            let edits = Edits::of_metadata(sent, certificates);
            edits.map_err(|violations| Failure::violations_of(saml_metadata::named(violations)))?
        } else {
            let Body(members) = request.body()?;
            Edits::read(Value::Object(members)).map_err(Failure::violations_of)?
        };
        Ok(Self { idp, edits })
    }
}

impl Endpoint for UpdateIdp {
    const OPERATION: &'static Operation = operations::get("update-idp");
    type Input = Input;
    type Output = Item;
    type Error = UpdateIdpError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let placeholder = environment.text(&EnvVar::PLACEHOLDER_KEY_ID)?.into();
        Ok(Self { placeholder, state: State::prepare(environment)?, tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Item>, UpdateIdpError> {
        holding(&self.state, &context.run, |locks| self.update(context, input, locks)).await
    }

    fn example() -> Example {
        let mut answer = sample("globex");
        answer["protocol"]["endpoints"]["sso"] = json!({
            "url": "https://idp.globex.test/sso", "binding": "HTTP-POST", "destination": "https://idp.globex.test/sso",
        });
        let body =
            json!({ "protocol": { "endpoints": { "sso": { "url": "https://idp.globex.test/sso" } } } });
        Example { target: "/idps/0oa00000000000000014", body: Some(body), answer: Some(answer) }
    }
}

impl UpdateIdp {
    async fn update(
        &self,
        context: &Context,
        mut input: Input,
        locks: Locks,
    ) -> Result<Success<Item>, UpdateIdpError> {
        context.run.record.concerns(input.idp.as_str());
        locks.take(Change::Idp(input.idp.as_str())).await.map_err(UpdateIdpError::Lock)?;
        if input.edits.active == Some(true) {
            let suspended = self.state.is_suspended(input.idp.as_str()).await;
            if suspended.map_err(UpdateIdpError::State)? {
                return Err(UpdateIdpError::Suspended(input.idp));
            }
        }
        let okta = context.run.okta.forward();
        let (idp, keys) = futures::try_join!(if_present(okta.get_identity_provider(&input.idp)), async {
            match input.edits.has_certificate() {
                true => okta.list_identity_provider_keys().try_collect::<Vec<IdpKey>>().await,
                false => Ok(Vec::new()),
            }
        })
        .map_err(UpdateIdpError::Okta)?;
        let Some(idp) = idp.filter(|idp| tenant_of(idp).is_some()) else {
            return Err(UpdateIdpError::NotFound(input.idp));
        };
        input.edits.choose(okta.now()).map_err(UpdateIdpError::Certificate)?;
        let old_key = own_key(&idp, &self.placeholder);
        let resets = input.edits.resets_certificate();
        let current = current(&idp, &input.idp);
        if let Some(pointer) = input.edits.foreign(&current) {
            return Err(UpdateIdpError::NotEditable(pointer));
        }
        // For the answer: read before anything is changed, so that it cannot fail after.
        let kept = async {
            match input.edits.certificate {
                Some(_) => Ok(None),
                None if resets => Ok(None),
                None => read_key(okta, old_key.clone()).await.map_err(UpdateIdpError::Okta),
            }
        };
        let (kept, users) = futures::try_join!(kept, self.users(&context.run, &idp))?;
        let placeholder = resets.then_some(&self.placeholder);
        let change = IdpChange {
            okta,
            steps: Steps::of(&context.run),
            idp,
            users,
            edits: &input.edits,
            keys,
            placeholder,
        };
        let (idp, key) = match change.update().await {
            Ok(done) => done,
            Err(failure) => return Err(UpdateIdpError::Stopped(change.steps.unwind(failure).await)),
        };
        let trusted = own_key(&idp, &self.placeholder);
        if let Some(old) = old_key.filter(|old| Some(old) != trusted.as_ref())
            && let Err(error) = okta.delete_identity_provider_key(&old).await
        {
            // Another IdP may trust it; and a certificate that stays does no harm.
            tracing::warn!(error = %error, "a certificate stays");
        }
        Item::of(idp, key.or(kept)).map(Success::new).ok_or(UpdateIdpError::NotFound(input.idp))
    }
}

/// The IdP as `get-idp` gives it, as far as it is compared.
fn current(idp: &IdentityProvider, id: &IdpId) -> Value {
    let item = Item::of(idp.clone(), None);
    let mut current = serde_json::to_value(item).unwrap_or_default();
    current["id"] = id.to_string().into();
    current
}

impl UpdateIdp {
    /// The users group of an IdP's tenant: the one that the IdP names. Where that has
    /// another tenant's name, or one that an admin gave it, the assignment of the tenant's
    /// admins says which it is.
    async fn users(&self, run: &Run, idp: &IdentityProvider) -> Result<GroupId, UpdateIdpError> {
        let not_found = || UpdateIdpError::NotFound(idp.id.clone());
        let name = tenant_of(idp).and_then(|name| TenantName::parse(name).ok()).ok_or_else(not_found)?;
        let (okta, want) = (run.okta.forward(), Want::Tenant);
        let named = users_of_idp(okta, idp).await.map_err(UpdateIdpError::Okta)?;
        if let Some(users) = named.filter(|users| users.profile.name == users_group(&name)) {
            return Ok(users.id);
        }
        let tenant = self.tenants.find(okta, &name, want, Depth::Read, run.deadline).await;
        let tenant = tenant.map_err(UpdateIdpError::Tenant)?;
        if tenant.id != idp.id.as_str() {
            return Err(not_found());
        }
        tenant.require_users().map(|users| users.id.clone()).map_err(UpdateIdpError::Tenant)
    }
}

/// The IdP as it is, and the steps that change it.
struct IdpChange<'r> {
    okta: &'r Client,
    steps: Steps,
    idp: IdentityProvider,
    /// Those whom it may sign in.
    users: GroupId,
    edits: &'r Edits,
    /// The org's, if a certificate is sent.
    keys: Vec<IdpKey>,
    /// The placeholder, if it is to be trusted again.
    placeholder: Option<&'r KeyId>,
}

impl IdpChange<'_> {
    /// Gives the IdP as it is then, and its key if that was sent.
    async fn update(&self) -> Result<(IdentityProvider, Option<IdpKey>), StepFailure> {
        let key = match &self.edits.certificate {
            Some(certificate) => Some(self.key(certificate).await?),
            None => None,
        };
        let kid = key.as_ref().map(|key| &key.kid).or(self.placeholder).map(KeyId::as_str);
        let new = self.edits.apply(&self.idp, &self.users, kid);
        let mut idp = if new.other == self.idp.other { new } else { self.replace(&new).await? };
        let active = self.idp.status == ACTIVE;
        if let Some(wanted) = self.edits.active.filter(|wanted| *wanted != active) {
            self.turn(wanted).await?;
            idp.status = if wanted { ACTIVE.to_owned() } else { "INACTIVE".to_owned() };
        }
        Ok((idp, key))
    }

    /// The key of a certificate: the org's, or a new one.
    async fn key(&self, certificate: &Certificate) -> Result<IdpKey, StepFailure> {
        let known =
            |keys: &[IdpKey]| keys.iter().find(|key| key.x5c.iter().any(|x5c| certificate.is(x5c))).cloned();
        if let Some(key) = known(&self.keys) {
            return Ok(key);
        }
        let x5c = certificate.x5c();
        let undo = |made: Option<&IdpKey>| {
            let x5c = certificate.clone();
            let find = |okta: Client| async move {
                let keys: Vec<IdpKey> = okta.list_identity_provider_keys().try_collect().await?;
                let is_it = |key: &IdpKey| key.x5c.iter().any(|of| x5c.is(of));
                let found = keys.into_iter().find(is_it);
                Ok(found.map_or(Found::Absent, |key| Found::Ours(key.kid)))
            };
            let delete = |okta: Client, kid: KeyId| async move {
                okta.delete_identity_provider_key(&kid).await.ok_if_absent()
            };
            let made = made.map(|key| key.kid.clone());
            Undo::of_creation("certificate", "SAML certificate", made, find, delete)
        };
        let created = self.okta.create_identity_provider_key(&x5c);
        let failure = match self.steps.create("upload the certificate", created, undo).await {
            Err(failure) if failure.source.is_duplicate() => failure,
            result => return result,
        };
        // Somebody else has uploaded it meanwhile.
        let keys = self.okta.list_identity_provider_keys().try_collect::<Vec<IdpKey>>();
        let keys = self.steps.run("list the certificates", keys).await?;
        known(&keys).ok_or(failure)
    }

    async fn replace(&self, new: &IdentityProvider) -> Result<IdentityProvider, StepFailure> {
        let old = self.idp.clone();
        let undo = Undo::new(Object::new("identityProvider", &old.name, &old.id), |okta| async move {
            okta.replace_identity_provider(&old).await.map(|_| Undone::Entirely)
        });
        self.steps
            .change("change the identity provider", self.okta.replace_identity_provider(new), undo)
            .await
    }

    async fn turn(&self, on: bool) -> Result<(), StepFailure> {
        let id = self.idp.id.clone();
        let undo = Undo::new(Object::new("identityProvider", &self.idp.name, &id), move |okta| async move {
            turn(&okta, &id, !on).await.map(|()| Undone::Entirely)
        });
        self.steps.change("switch the identity provider", turn(self.okta, &self.idp.id, on), undo).await
    }
}

async fn turn(okta: &Client, id: &IdpId, on: bool) -> Result<(), Error> {
    match on {
        true => okta.activate_identity_provider(id).await,
        false => okta.deactivate_identity_provider(id).await,
    }
}
