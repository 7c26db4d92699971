//! Passwords that Secrets Manager keeps, rotated by a person: the four steps of the function,
//! one after the other, with the person's own access to AWS.

use connections::sink::{Account, Sink};
use okta_client::{Client, OrgUrl};
use rotation::drive::{self, Rotation, Wanted};
use rotation::end::{Code, End, Outcome};
use rotation::facts::{Proof, Status};
use rotation::password::Recipe;
use rotation::ports::{Okta, PerRun};
use rotation::secret::Secret;
use rotation::secrets_manager::SecretsManager;
use rotation::steps::{Plan, Proven, Step, StepError, Stepped, Target, Tools, take};
use rotation::vault::{CURRENT, Described, PENDING, Vault, VaultError};

use super::arguments::{How, Org};
use super::{Ended, Stop, client, ended_with, org, rotated_tokens};

/// The org, with the credential, and the secrets.
pub(super) struct Access {
    pub(super) url: OrgUrl,
    pub(super) client: Client,
    pub(super) vault: SecretsManager,
}

fn unusable(message: impl Into<String>) -> Stop {
    Stop::new(Code::Record, message)
}

impl From<VaultError> for Stop {
    fn from(error: VaultError) -> Self {
        let code = if error.retryable { Code::NotAvailable } else { Code::Record };
        Self::new(code, error.to_string())
    }
}

/// Secrets Manager, with region and credentials of AWS's own command line.
pub(super) async fn vault() -> SecretsManager {
    let account = Account::default();
    SecretsManager(aws_sdk_secretsmanager::Client::new(account.config().await))
}

pub(super) fn org_url(text: &str) -> Result<OrgUrl, Stop> {
    OrgUrl::parse(text).map_err(|error| Stop::new(Code::Usage, format!("`--org`: {error}")))
}

/// What the place of a connection gives access to.
pub(super) async fn access(arguments: &Org, share: u8) -> Result<Access, Stop> {
    let url = org_url(&arguments.org)?;
    let credential = credential(&arguments.credential).await?;
    Ok(Access { client: client(&url, credential, share)?, url, vault: vault().await })
}

pub(super) async fn credential(place: &Sink) -> Result<okta_client::Credential, Stop> {
    let stored = place.read().await.map_err(|stop| unusable(stop.sentence))?;
    let stored = stored.ok_or_else(|| unusable(format!("there is no credential in {place}")))?;
    stored.credential().map_err(|stop| unusable(format!("{place}: {}", stop.sentence)))
}

/// The secret with what is in use.
pub(super) async fn current(vault: &SecretsManager, url: &OrgUrl, id: &str) -> Result<Secret, Stop> {
    let current = vault.value(id, None, CURRENT).await?;
    let current = current.ok_or_else(|| unusable(format!("there is no secret `{id}` with a value")))?;
    Secret::parse(&current.text, url).map_err(|error| unusable(format!("`{id}`: {error}")))
}

/// Rotates the password of a secret.
pub(super) async fn rotate(
    access: &Access,
    how: &How,
    recipe: &Recipe,
    id: &str,
    login: Option<&str>,
) -> Result<Rotation, Stop> {
    let secret = current(&access.vault, &access.url, id).await?;
    if login.is_some_and(|login| !login.eq_ignore_ascii_case(&secret.username)) {
        return Err(unusable(format!("`{id}` is another user's secret")));
    }
    let described = access.vault.describe(id).await?;
    let version = version(&described)?;
    let plan = Plan { org: &access.url, recipe: recipe.clone(), options: how.options(), by_hand: true };
    let okta = org(access.client.clone(), how);
    let proven = Proven::default();
    let attempts = PerRun::default();
    let tools = Tools { vault: &access.vault, okta: &okta, attempts: &attempts, proven: &proven };
    let target = Target { secret: id, version: &version };
    let mut all: Option<Rotation> = None;
    for step in Step::ALL {
        match take(step, target, &plan, &tools).await {
            Ok(Stepped::Rotated(rotation)) => all = Some(together(all, *rotation)),
            Ok(Stepped::Done | Stepped::Finished(_)) => {}
            Err(StepError::Rotation(rotation)) => return Ok(together(all, *rotation)),
            Err(StepError::Vault(error)) => return stopped(all, error.into()),
            Err(error @ StepError::Secret(_)) => return stopped(all, unusable(error.to_string())),
            Err(error @ StepError::Password(_)) => {
                return Err(Stop::new(Code::Usage, error.to_string()));
            }
        }
    }
    let mut rotation = all.unwrap_or_else(|| Rotation::begun(End::verified(Outcome::Already)));
    rotated_tokens(&access.client, how, &mut rotation).await;
    Ok(rotation)
}

/// The version that an earlier run began, or a new one.
fn version(described: &Described) -> Result<String, Stop> {
    let current = described.with(CURRENT);
    let begun = described.with(PENDING).into_iter().find(|version| !current.contains(version));
    if let Some(begun) = begun {
        return Ok(begun.to_owned());
    }
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Stop::new(Code::Operator, "this system gives no random bytes"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Secrets Manager stopped the run: what Okta was told is said.
fn stopped(all: Option<Rotation>, stop: Stop) -> Result<Rotation, Stop> {
    match all {
        // The same call goes on: the new password is kept as `AWSPENDING`.
        Some(rotation) => {
            let end = End { outcome: Outcome::Unverified, ..End::unknown(stop.code) }.retryable();
            Ok(Rotation { end, ..rotation })
        }
        None => Err(stop),
    }
}

fn together(before: Option<Rotation>, now: Rotation) -> Rotation {
    let Some(before) = before else { return now };
    let outcome = match (now.end.code, now.end.outcome) {
        // The last step proves what an earlier one did.
        (Code::Verified, _) => before.end.outcome,
        (_, outcome) => outcome,
    };
    Rotation {
        user: now.user.or(before.user),
        end: End { outcome, ..now.end },
        steps: [before.steps, now.steps].concat(),
        error_id: now.error_id.or(before.error_id),
        wrong_attempts: before.wrong_attempts + now.wrong_attempts,
        ended_recovery: before.ended_recovery || now.ended_recovery,
    }
}

/// Looks for the user of a secret, and changes nothing.
pub(super) async fn looked(access: &Access, how: &How, recipe: &Recipe, id: &str) -> Result<Ended, Stop> {
    let secret = current(&access.vault, &access.url, id).await?;
    let new = recipe.draw(&secret.username).map_err(|error| Stop::new(Code::Usage, error.to_string()))?;
    let wanted = Wanted {
        user: &secret.username,
        old: Some(&secret.password),
        former: None,
        new: &new,
        intent: None,
        options: how.options(),
    };
    Ok(super::looked(&org(access.client.clone(), how), &wanted).await)
}

/// Whether vault and Okta agree: a sign-in, and nothing is changed. A client with a credential
/// may look up the user.
pub(super) async fn verify(
    vault: &SecretsManager,
    client: &Client,
    may_look: bool,
    url: &OrgUrl,
    id: &str,
) -> Result<Rotation, Stop> {
    let secret = current(vault, url, id).await?;
    let okta = rotation::okta::Org { client: client.clone(), strict: false, revoke_sessions: false };
    let mut rotation = ended_with(None, End::verified(Outcome::Already));
    let mut login = secret.username.clone();
    if !login.contains('@') {
        // A user's id: the login has to be looked up, which a credential alone may.
        let found = drive::find(&okta, &login, &mut rotation.steps).await;
        let found = found.map_err(|trouble| {
            Stop::new(trouble.code, "the user of the secret cannot be looked up: give `--credential`")
        })?;
        login.clone_from(&found.login);
        rotation.user = Some(found);
    }
    rotation.steps.push("verify");
    let mut proof = okta.probe(&login, &secret.password).await;
    if proof == Proof::Refused {
        rotation.wrong_attempts = 1;
        // Perhaps the name is an address that is no login, or the user cannot sign in at all:
        // a credential may look, where one was given.
        let looked = match may_look && rotation.user.is_none() {
            true => drive::find(&okta, &login, &mut rotation.steps).await.ok(),
            false => None,
        };
        if let Some(user) = looked {
            let (status, other) = (Status::of(&user.status), !user.login.eq_ignore_ascii_case(&login));
            login.clone_from(&user.login);
            rotation.user = Some(user);
            if !status.can_sign_in() {
                rotation.end = End::refused(Code::State);
                return Ok(rotation);
            }
            if other {
                rotation.steps.push("verify");
                proof = okta.probe(&login, &secret.password).await;
                rotation.wrong_attempts += u8::from(proof == Proof::Refused);
            }
        }
    }
    rotation.end = match proof {
        Proof::Proved => return Ok(rotation),
        Proof::Inconclusive => End::unknown(Code::NotAvailable).retryable(),
        // Two have failed: no third one is tried.
        Proof::Refused if rotation.wrong_attempts > 1 => End::refused(Code::OldWrong),
        Proof::Refused => match pending_works(vault, url, id, &okta, &login, &mut rotation).await? {
            // The vault has it, and does not show it to readers yet.
            true => End { outcome: Outcome::Unverified, ..End::unknown(Code::Unverified) }.retryable(),
            false => End::refused(Code::OldWrong),
        },
    };
    Ok(rotation)
}

/// Whether a rotation that was begun is only not finished.
async fn pending_works(
    vault: &SecretsManager,
    url: &OrgUrl,
    id: &str,
    okta: &impl Okta,
    login: &str,
    rotation: &mut Rotation,
) -> Result<bool, Stop> {
    let described = vault.describe(id).await?;
    let current = described.with(CURRENT);
    if described.with(PENDING).iter().all(|version| current.contains(version)) {
        return Ok(false);
    }
    let Some(pending) = vault.value(id, None, PENDING).await? else { return Ok(false) };
    let pending = Secret::parse(&pending.text, url).map_err(|error| unusable(format!("`{id}`: {error}")))?;
    rotation.steps.push("verify-pending");
    let proof = okta.probe(login, &pending.password).await;
    rotation.wrong_attempts += u8::from(proof == Proof::Refused);
    Ok(proof == Proof::Proved)
}
