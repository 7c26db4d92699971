//! Rotates the password of an Okta user, whose secret Secrets Manager keeps.
//!
//! # Okta calls
//!
//! 1. `createSecret`: none.
//! 2. `setSecret`: `getUser`, `changePassword`; in doubt what [`rotation::decide`] says.
//! 3. `testSecret`: a sign-in, `POST /api/v1/authn`.
//! 4. `finishSecret`: none; a sign-in and `getUser` where this process has not proven the
//!    password; `revokeUserSessions`, with `ROTATION_REVOKE=sessions+tokens`.
//!
//! Secrets Manager invokes this function once per step, and repeats all four where one fails:
//! an error is an error to Lambda. The steps are in [`rotation::steps`]. A lock of the user
//! lets one run in; failed sign-ins are counted across runs, two for each version of the
//! secret, so that no repetition locks anybody out.

use std::time::{Duration, Instant};

use lambda_kit::Task;
use okta_client::OrgUrl;
use okta_client::models::UserId;
use operations::{EnvVar, Operation, ProblemCode};
use rotation::drive::{self, Rotation};
use rotation::end::{Code, Outcome};
use rotation::okta::Org;
use rotation::secret::Secret;
use rotation::secrets_manager::SecretsManager;
use rotation::steps::{Plan, Proven, Step, StepError, Stepped, Target, Tools, take};
use rotation::vault::{CURRENT, Vault, VaultError};
use run_kit::{ConfigError, Environment, Failure, Metric, Run, measures};
use serde::Deserialize;
use serde_json::{Value, json};
use state::{Change, LockError, State, StateError, holding};

use crate::attempts::Remembered;
use crate::settings::{How, Revoke, secrets_manager};

/// The task `rotate-user-secret`.
pub struct RotateUserSecret {
    org: OrgUrl,
    state: State,
    vault: SecretsManager,
    how: How,
    proven: Proven,
}

/// What Secrets Manager sends (Secrets Manager User Guide, "Lambda rotation functions").
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    /// Which step.
    step: Step,
    /// ARN of the secret.
    secret_id: String,
    /// Id of the version that is being made.
    client_request_token: String,
}

/// Why a step failed.
#[derive(Debug)]
pub enum RotateUserSecretError {
    /// The secret, Secrets Manager or Okta.
    Step(StepError),
    /// The secret cannot be read before the lock.
    Secret(String),
    /// Another run is rotating the user's password.
    Lock(LockError),
    /// The table did not answer.
    State(StateError),
}

impl From<StateError> for RotateUserSecretError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<LockError> for RotateUserSecretError {
    fn from(error: LockError) -> Self {
        Self::Lock(error)
    }
}

impl From<VaultError> for RotateUserSecretError {
    fn from(error: VaultError) -> Self {
        Self::Step(StepError::Vault(error))
    }
}

impl From<RotateUserSecretError> for Failure {
    fn from(error: RotateUserSecretError) -> Self {
        match error {
            RotateUserSecretError::Secret(message)
            | RotateUserSecretError::Step(StepError::Secret(message)) => {
                Failure::new(ProblemCode::InvalidRequest, message)
            }
            RotateUserSecretError::Step(StepError::Rotation(rotation)) => of_rotation(&rotation),
            RotateUserSecretError::Step(error @ (StepError::Vault(_) | StepError::Password(_))) => {
                Failure::new(ProblemCode::Internal, error.to_string())
            }
            RotateUserSecretError::Lock(error) => error.into(),
            RotateUserSecretError::State(error) => error.into(),
        }
    }
}

/// The failure of an end of a rotation; the log has the line besides.
fn of_rotation(rotation: &Rotation) -> Failure {
    let code = match rotation.end.code {
        Code::NotFound => ProblemCode::UserNotFound,
        Code::State => ProblemCode::UserNotActive,
        Code::OldWrong | Code::Policy => ProblemCode::ActionNotPossible,
        Code::NotAvailable => ProblemCode::OktaUnavailable,
        Code::Unverified | Code::RolledBack | Code::Operator => ProblemCode::OperationIncomplete,
        _ => ProblemCode::Internal,
    };
    let meaning = Code::ALL.iter().find(|(one, _)| *one == rotation.end.code);
    let meaning = meaning.map_or("", |(_, meaning)| *meaning);
    let failure = Failure::new(code, format!("{} ({})", meaning, rotation.end.code.number()));
    // Perhaps the credential was replaced: the next run reads what is stored now.
    if rotation.end.code == Code::NotPermitted { failure.with_rejected_credential() } else { failure }
}

impl Task for RotateUserSecret {
    const OPERATION: &'static Operation = operations::get("rotate-user-secret");
    type Event = Event;
    /// `null`, as Secrets Manager expects nothing.
    type Output = ();
    type Error = RotateUserSecretError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            org: OrgUrl::parse(&environment.text(&EnvVar::OKTA_ORG_URL)?)?,
            state: State::prepare(environment)?,
            vault: secrets_manager(environment)?,
            how: How::prepare(environment)?,
            proven: Proven::default(),
        })
    }

    async fn run(&self, run: &Run, event: Event) -> Result<(), RotateUserSecretError> {
        let began = Instant::now();
        let (user, version) = self.user(&event.secret_id).await?;
        let stepped = holding(&self.state, run, |locks| async move {
            locks.take(Change::Password(&user)).await?;
            self.step(run, &event, (&user, &version)).await
        });
        let stepped = stepped.await;
        match &stepped {
            Ok(Stepped::Rotated(rotation))
            | Err(RotateUserSecretError::Step(StepError::Rotation(rotation))) => {
                log(run, rotation, began.elapsed());
                self.end_sessions(run, rotation).await;
            }
            _ => {}
        }
        if let Stepped::Finished(user) = stepped? {
            run.metrics.put(
                &[("operation", Self::OPERATION.name)],
                &[Metric::count(&measures::ROTATED, 1)],
                run.clock.now_ms(),
            );
            self.revoke(run, &user).await;
        }
        Ok(())
    }

    fn example() -> Value {
        json!({
            "Step": "finishSecret",
            "SecretId": "arn:aws:secretsmanager:us-east-1:000000000000:secret:okta-dac/users/demo-AbCdEf",
            "ClientRequestToken": "00000000-0000-4000-8000-000000000001",
        })
    }
}

impl RotateUserSecret {
    /// Whose secret it is, and the version in use: the lock is the user's, and failed sign-ins
    /// are counted for both.
    async fn user(&self, secret: &str) -> Result<(String, String), RotateUserSecretError> {
        let none = || RotateUserSecretError::Secret("the secret has no value in use".to_owned());
        let current = self.vault.value(secret, None, CURRENT).await?.ok_or_else(none)?;
        let secret = Secret::parse(&current.text, &self.org)
            .map_err(|error| RotateUserSecretError::Secret(error.to_string()))?;
        Ok((secret.username.to_lowercase(), current.version))
    }

    async fn step(
        &self,
        run: &Run,
        event: &Event,
        (user, version): (&str, &str),
    ) -> Result<Stepped, RotateUserSecretError> {
        let target = Target { secret: &event.secret_id, version: &event.client_request_token };
        let plan = Plan {
            org: &self.org,
            recipe: self.how.recipe.clone(),
            options: self.how.options,
            by_hand: false,
        };
        let okta = self.okta(run);
        let attempts = Remembered::of(&self.state, run, user, version);
        let tools = Tools { vault: &self.vault, okta: &okta, attempts: &attempts, proven: &self.proven };
        // `watch-passwords` knows by these times what a rotation changed.
        let begun = match event.step {
            Step::SetSecret => Some(self.state.begin_rotation(run, &event.secret_id).await?),
            _ => None,
        };
        let taken = take(event.step, target, &plan, &tools).await.map_err(RotateUserSecretError::Step);
        if let Some(begun) = begun {
            let rotation = match &taken {
                Ok(Stepped::Rotated(rotation))
                | Err(RotateUserSecretError::Step(StepError::Rotation(rotation))) => Some(rotation),
                _ => None,
            };
            let user = rotation.and_then(|rotation| Some(rotation.user.as_ref()?.id.as_str()));
            if let Err(error) = self.state.end_rotation(run, begun, user).await {
                tracing::warn!(error = %run_kit::chain(&error), "the end of a rotation is not noted");
            }
        }
        taken
    }

    fn okta(&self, run: &Run) -> Org {
        Org {
            client: run.okta.forward().clone(),
            strict: self.how.strict,
            revoke_sessions: self.how.revoke != Revoke::Nothing,
        }
    }

    /// Ends the sessions where the change itself could not: an admin's right ends none.
    async fn end_sessions(&self, run: &Run, rotation: &Rotation) {
        let (Outcome::Reconciled, Revoke::Sessions | Revoke::SessionsAndTokens, Some(user)) =
            (rotation.end.outcome, self.how.revoke, &rotation.user)
        else {
            return;
        };
        let id = UserId::from(user.id.as_str());
        if let Err(error) = run.okta.forward().revoke_user_sessions(&id, false, false).await {
            tracing::warn!(%error, "the sessions of before the rotation are not ended");
        }
    }

    /// Ends the user's tokens, if that is configured. The password is rotated, whatever becomes
    /// of this.
    async fn revoke(&self, run: &Run, user: &str) {
        if self.how.revoke != Revoke::SessionsAndTokens {
            return;
        }
        let okta = self.okta(run);
        let ended = match drive::find(&okta, user, &mut Vec::new()).await {
            Ok(account) => {
                let id = UserId::from(account.id.as_str());
                okta.client.revoke_user_sessions(&id, true, false).await.map_err(|error| error.to_string())
            }
            Err(trouble) => Err(format!("{:?}", trouble.code)),
        };
        if let Err(error) = ended {
            tracing::warn!(error, "the tokens of before the rotation are not ended");
        }
    }
}

/// One line for each rotation: how it ended, and nothing that is secret.
fn log(run: &Run, rotation: &Rotation, took: Duration) {
    let line = rotation.line(took);
    tracing::info!(
        run_id = run.id,
        outcome = ?line.outcome,
        code = line.code,
        user_id = line.user_id,
        steps = line.steps.join(","),
        policy = ?line.policy,
        okta_error_id = line.okta_error_id,
        retryable = line.retryable,
        wrong_attempts = line.wrong_attempts,
        ms = line.ms,
        "rotation"
    );
}
