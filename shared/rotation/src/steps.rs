//! The four steps of a rotation by Secrets Manager (Secrets Manager User Guide, "Lambda
//! rotation functions"): each may come alone, twice, late, or after a later one, and each asks
//! what is true.
//!
//! | step | what it does | when it is done already |
//! |---|---|---|
//! | `createSecret` | draws a password and keeps it as `AWSPENDING` | the version has a value |
//! | `setSecret` | makes the password the user's | Okta has it |
//! | `testSecret` | signs in with it | always again |
//! | `finishSecret` | moves `AWSCURRENT` there, and takes `AWSPENDING` away | the labels are so |
//!
//! `finishSecret` asks Okta only where this process has not just proven the password: it may
//! come before the other steps, and then must not move the label.
//!
//! A password that the policy refuses cannot be mended by a repetition, since the version's
//! value is fixed: `AWSPENDING` is taken away, and the next rotation begins with another
//! password.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use okta_client::OrgUrl;
use serde::{Deserialize, Serialize};

use crate::drive::{self, Rotation, Wanted, is_after};
use crate::end::{Code, End, Outcome};
use crate::facts::{Options, Proof, Status, Verify};
use crate::password::{NoPassword, Recipe};
use crate::ports::{Attempts, Okta, Trouble};
use crate::secret::{BadSecret, Secret};
use crate::vault::{CURRENT, Described, PENDING, PREVIOUS, Put, Value, Vault, VaultError};

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Draws and keeps a password.
    CreateSecret,
    /// Makes it the user's.
    SetSecret,
    /// Signs in with it.
    TestSecret,
    /// Moves the labels.
    FinishSecret,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::CreateSecret, Self::SetSecret, Self::TestSecret, Self::FinishSecret];

    /// Secrets Manager's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateSecret => "createSecret",
            Self::SetSecret => "setSecret",
            Self::TestSecret => "testSecret",
            Self::FinishSecret => "finishSecret",
        }
    }
}

/// Which secret, and which version of it is being made.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// ARN or name.
    pub secret: &'a str,
    /// Id of the version (`ClientRequestToken`).
    pub version: &'a str,
}

/// How it is done.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The org.
    pub org: &'a OrgUrl,
    /// New passwords.
    pub recipe: Recipe,
    /// As a person or a setting says.
    pub options: Options,
    /// A person takes the steps, and not Secrets Manager: rotation may be switched off, and
    /// nobody has made the version.
    pub by_hand: bool,
}

/// The versions whose passwords this process has proven, the last of each secret.
#[derive(Debug, Default)]
pub struct Proven(Mutex<BTreeMap<String, String>>);

impl Proven {
    fn note(&self, target: Target<'_>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(target.secret.to_owned(), target.version.to_owned());
    }

    fn has(&self, target: Target<'_>) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(target.secret).is_some_and(|version| version == target.version)
    }
}

/// What a step is taken with.
pub struct Tools<'a, V, O, A> {
    /// Secrets Manager.
    pub vault: &'a V,
    /// The org.
    pub okta: &'a O,
    /// Failed sign-ins of the user.
    pub attempts: &'a A,
    /// What this process has proven.
    pub proven: &'a Proven,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Secrets Manager did not do its part.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The secret is not in a state that this step can begin with.
    #[error("{0}")]
    Secret(String),
    /// There is no password to be had.
    #[error(transparent)]
    Password(#[from] NoPassword),
    /// Okta says no, or nothing.
    #[error("{}", meaning(.0.end.code))]
    Rotation(Box<Rotation>),
}

impl From<BadSecret> for StepError {
    fn from(error: BadSecret) -> Self {
        Self::Secret(error.to_string())
    }
}

fn meaning(code: Code) -> &'static str {
    Code::ALL.iter().find(|(one, _)| *one == code).map_or("", |(_, meaning)| *meaning)
}

/// What a step did.
#[derive(Debug)]
pub enum Stepped {
    /// Nothing was left to do, or it was done without Okta.
    Done,
    /// Okta was asked.
    Rotated(Box<Rotation>),
    /// The new version is in use; this is its user.
    Finished(String),
}

/// Takes a step.
///
/// # Errors
///
/// [`StepError`]; Secrets Manager then repeats all four.
pub async fn take(
    step: Step,
    target: Target<'_>,
    plan: &Plan<'_>,
    tools: &Tools<'_, impl Vault, impl Okta, impl Attempts>,
) -> Result<Stepped, StepError> {
    let described = tools.vault.describe(target.secret).await?;
    if plan.by_hand && step == Step::CreateSecret && !described.labels.contains_key(target.version) {
        return create(target, plan, tools.vault).await.map(|()| Stepped::Done);
    }
    if !begins(&described, target, plan, tools.vault).await? {
        return Ok(Stepped::Done);
    }
    match step {
        Step::CreateSecret => create(target, plan, tools.vault).await.map(|()| Stepped::Done),
        Step::SetSecret => set(target, &described, plan, tools).await,
        Step::TestSecret => test(target, plan, tools).await,
        Step::FinishSecret => finish(target, &described, plan, tools).await.map(Stepped::Finished),
    }
}

/// Whether there is something to do for this version.
async fn begins(
    described: &Described,
    target: Target<'_>,
    plan: &Plan<'_>,
    vault: &impl Vault,
) -> Result<bool, StepError> {
    let wrong = |text: &str| Err(StepError::Secret(text.to_owned()));
    if !described.rotates && !plan.by_hand {
        return wrong("rotation is not switched on for this secret");
    }
    if !described.labels.contains_key(target.version) {
        return wrong("the secret has no such version, or the version has lost its labels: rotate anew");
    }
    if described.has(target.version, CURRENT) {
        // AWS says that the move takes the label away, and at times it stays and blocks the
        // next rotation (aws-samples/aws-secrets-manager-rotation-lambdas, issue 168).
        if described.has(target.version, PENDING) {
            vault.label(target.secret, PENDING, None, Some(target.version)).await?;
        }
        return Ok(false);
    }
    if !described.has(target.version, PENDING) {
        return wrong("the version is not `AWSPENDING`: rotate anew");
    }
    match described.with(CURRENT).len() {
        1 => Ok(true),
        _ => wrong("not exactly one version of the secret is `AWSCURRENT`"),
    }
}

async fn current(target: Target<'_>, plan: &Plan<'_>, vault: &impl Vault) -> Result<Secret, StepError> {
    let current = vault.value(target.secret, None, CURRENT).await?;
    let current = current.ok_or_else(|| StepError::Secret("the secret has no value in use".to_owned()))?;
    Ok(Secret::parse(&current.text, plan.org)?)
}

/// The version that is being made, with its password.
async fn pending(
    target: Target<'_>,
    plan: &Plan<'_>,
    vault: &impl Vault,
) -> Result<Option<(Secret, Value)>, StepError> {
    let Some(value) = vault.value(target.secret, Some(target.version), PENDING).await? else {
        return Ok(None);
    };
    Ok(Some((Secret::parse(&value.text, plan.org)?, value)))
}

fn same_user(current: &Secret, pending: &Secret) -> Result<(), StepError> {
    match current.username == pending.username {
        true => Ok(()),
        false => Err(StepError::Secret("the versions of the secret name different users".to_owned())),
    }
}

async fn create(target: Target<'_>, plan: &Plan<'_>, vault: &impl Vault) -> Result<(), StepError> {
    let current = current(target, plan, vault).await?;
    if let Some((pending, _)) = pending(target, plan, vault).await? {
        return same_user(&current, &pending);
    }
    let text = current.with_password(&plan.recipe.draw(&current.username)?)?;
    match vault.put(target.secret, target.version, PENDING, &text).await? {
        Put::Done => Ok(()),
        // Another run was faster: what it kept is what counts.
        Put::Exists => match self::pending(target, plan, vault).await? {
            Some((pending, _)) => same_user(&current, &pending),
            None => Err(StepError::Secret("the version that is being made has no label".to_owned())),
        },
    }
}

/// The password of before, where the secret has one of the same user.
async fn former(
    target: Target<'_>,
    described: &Described,
    current: &Secret,
    plan: &Plan<'_>,
    vault: &impl Vault,
) -> Option<Secret> {
    if described.with(PREVIOUS).is_empty() {
        return None;
    }
    // A help, and no reason to stop: the key of an old version may be gone.
    let kept = vault.value(target.secret, None, PREVIOUS).await.ok().flatten();
    let former = kept.and_then(|kept| Secret::parse(&kept.text, plan.org).ok());
    former.filter(|former| former.username == current.username)
}

async fn set(
    target: Target<'_>,
    described: &Described,
    plan: &Plan<'_>,
    tools: &Tools<'_, impl Vault, impl Okta, impl Attempts>,
) -> Result<Stepped, StepError> {
    let vault = tools.vault;
    let current = current(target, plan, vault).await?;
    let (pending, kept) = made(pending(target, plan, vault).await?)?;
    same_user(&current, &pending)?;
    let former = former(target, described, &current, plan, vault).await;
    let wanted = Wanted {
        user: &current.username,
        old: Some(&current.password),
        former: former.as_ref().map(|former| &former.password),
        new: &pending.password,
        intent: kept.created,
        // The next step proves it.
        options: Options { later: true, ..plan.options },
    };
    let rotation = drive::rotate(tools.okta, tools.attempts, &wanted).await;
    if rotation.end.code == Code::Policy && !rotation.end.retryable {
        vault.label(target.secret, PENDING, None, Some(target.version)).await?;
    }
    if rotation.end.outcome == Outcome::Reconciled {
        tools.proven.note(target);
        // The next step may be another process's, and have no sign-in left.
        if let Err(trouble) = tools.attempts.note_set(target.version).await {
            return judged(Err(trouble), rotation);
        }
    }
    match rotation.end.code {
        Code::Verified => Ok(Stepped::Rotated(Box::new(rotation))),
        _ => Err(StepError::Rotation(Box::new(rotation))),
    }
}

fn made(pending: Option<(Secret, Value)>) -> Result<(Secret, Value), StepError> {
    pending.ok_or_else(|| StepError::Secret("the version that is being made has no value yet".to_owned()))
}

async fn test(
    target: Target<'_>,
    plan: &Plan<'_>,
    tools: &Tools<'_, impl Vault, impl Okta, impl Attempts>,
) -> Result<Stepped, StepError> {
    let kept = pending(target, plan, tools.vault).await?;
    let mut rotation = begun();
    let ended = match &kept {
        // Secrets Manager tests a configuration with this step alone, and a version without a
        // value: what is in use is tried. `finishSecret` takes no such version.
        None => {
            let current = current(target, plan, tools.vault).await?;
            signed_in(tools, target, &current, None, &mut rotation).await
        }
        Some((secret, value)) if plan.options.verify == Verify::Change => {
            dated(tools.okta, secret, value, &mut rotation).await
        }
        Some((secret, value)) => signed_in(tools, target, secret, Some(value), &mut rotation).await,
    };
    let stepped = judged(ended, rotation)?;
    if kept.is_some() {
        tools.proven.note(target);
    }
    Ok(stepped)
}

fn begun() -> Rotation {
    Rotation::begun(End::verified(Outcome::Already))
}

/// Success, or why the password is not proven.
fn judged(ended: Result<Option<End>, Trouble>, rotation: Rotation) -> Result<Stepped, StepError> {
    let (end, error_id) = match ended {
        Ok(None) => return Ok(Stepped::Rotated(Box::new(rotation))),
        Ok(Some(end)) => (end, None),
        Err(trouble) => (End::unknown(trouble.code).retryable(), trouble.error_id),
    };
    Err(StepError::Rotation(Box::new(Rotation { end, error_id, ..rotation })))
}

/// Okta's date of the last change is not before the version's.
async fn dated(
    okta: &impl Okta,
    pending: &Secret,
    kept: &Value,
    rotation: &mut Rotation,
) -> Result<Option<End>, Trouble> {
    let account = drive::find(okta, &pending.username, &mut rotation.steps).await?;
    let is_later =
        account.password_changed.zip(kept.created).is_some_and(|(changed, kept)| is_after(changed, kept));
    rotation.user = Some(account);
    Ok((!is_later).then(unverified))
}

/// A sign-in. The secret may name the user by id, or by an e-mail address that is no login:
/// then the login is looked up.
async fn signed_in(
    tools: &Tools<'_, impl Vault, impl Okta, impl Attempts>,
    target: Target<'_>,
    secret: &Secret,
    kept: Option<&Value>,
    rotation: &mut Rotation,
) -> Result<Option<End>, Trouble> {
    let (okta, attempts) = (tools.okta, tools.attempts);
    if attempts.left().await? == 0 {
        // An admin's right set the password a moment ago, and Okta said so.
        if kept.is_some() && (tools.proven.has(target) || attempts.is_set(target.version).await?) {
            return Ok(None);
        }
        return Ok(Some(End::unknown(Code::Operator)));
    }
    let mut proof = None;
    if secret.username.contains('@') {
        proof = Some(signed(tools, &secret.username, secret, rotation).await?);
    }
    if proof != Some(Proof::Proved) {
        let account = drive::find(okta, &secret.username, &mut rotation.steps).await?;
        if Status::of(&account.status) == Status::Staged {
            // Nobody can sign in yet.
            return match kept {
                Some(kept) => dated(okta, secret, kept, rotation).await,
                None => Ok(None),
            };
        }
        let is_tried = proof.is_some() && account.login.eq_ignore_ascii_case(&secret.username);
        if !is_tried && attempts.left().await? > 0 {
            proof = Some(signed(tools, &account.login, secret, rotation).await?);
        }
        rotation.user = Some(account);
    }
    Ok(match proof {
        Some(Proof::Proved) => None,
        Some(Proof::Refused) => Some(unverified()),
        _ => Some(End::unknown(Code::NotAvailable).retryable()),
    })
}

/// One sign-in, counted at once.
async fn signed(
    tools: &Tools<'_, impl Vault, impl Okta, impl Attempts>,
    login: &str,
    secret: &Secret,
    rotation: &mut Rotation,
) -> Result<Proof, Trouble> {
    rotation.steps.push("verify");
    let proof = tools.okta.probe(login, &secret.password).await;
    match proof {
        Proof::Proved => tools.attempts.proven().await?,
        Proof::Refused => {
            rotation.wrong_attempts += 1;
            tools.attempts.failed().await?;
        }
        Proof::Inconclusive => {}
    }
    Ok(proof)
}

fn unverified() -> End {
    End { outcome: Outcome::Unverified, ..End::unknown(Code::Unverified) }.retryable()
}

async fn finish(
    target: Target<'_>,
    described: &Described,
    plan: &Plan<'_>,
    tools: &Tools<'_, impl Vault, impl Okta, impl Attempts>,
) -> Result<String, StepError> {
    let (secret, value) = made(pending(target, plan, tools.vault).await?)?;
    if !tools.proven.has(target) {
        // The date first: it costs no failed sign-in.
        let mut rotation = begun();
        let ended = dated(tools.okta, &secret, &value, &mut rotation).await;
        judged(ended, rotation)?;
        test(target, plan, tools).await?;
    }
    let from = described.with(CURRENT);
    tools.vault.label(target.secret, CURRENT, Some(target.version), from.first().copied()).await?;
    tools.vault.label(target.secret, PENDING, None, Some(target.version)).await?;
    Ok(secret.username)
}
