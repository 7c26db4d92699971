//! What the functions are configured with.

use std::collections::BTreeSet;

use containment::{Action, Mode, Settings};
use domain::is_okta_id;
use operations::{EnvVar, ProblemCode};
use run_kit::{ConfigError, Environment, Failure};
use state::{ResponsesTable, State};

/// What every operation about responses needs.
#[derive(Clone, Debug)]
pub(crate) struct Responses {
    pub(crate) state: State,
    pub(crate) table: ResponsesTable,
    pub(crate) mode: Mode,
    /// Id of the group `RESPONDERS`.
    pub(crate) responders: Option<String>,
}

/// What those need that change users.
#[derive(Clone, Debug)]
pub(crate) struct Responding {
    pub(crate) responses: Responses,
    pub(crate) settings: Settings,
    /// Users that one rule, or one tenant's admins, may act on in an hour.
    pub(crate) most: u32,
}

/// Responses are switched off.
#[derive(Debug)]
pub struct Disabled;

impl From<Disabled> for Failure {
    fn from(Disabled: Disabled) -> Self {
        let detail = "this deployment has no responses: `RESPONSE_MODE` is `off`";
        Failure::new(ProblemCode::ResponsesDisabled, detail)
    }
}

impl Responses {
    pub(crate) fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let mode = match environment.text(&EnvVar::RESPONSE_MODE)?.as_str() {
            "off" => Mode::Off,
            "observe" => Mode::Observe,
            "act" => Mode::Act,
            other => {
                let rule = "must be `off`, `observe` or `act`";
                return Err(ConfigError::value(&EnvVar::RESPONSE_MODE, rule, other));
            }
        };
        Ok(Self {
            state: State::prepare(environment)?,
            table: ResponsesTable::prepare(environment)?,
            mode,
            responders: group(environment, &EnvVar::RESPONDERS_GROUP_ID)?,
        })
    }

    /// That responses are not switched off.
    pub(crate) fn enabled(&self) -> Result<(), Disabled> {
        if self.mode == Mode::Off { Err(Disabled) } else { Ok(()) }
    }
}

impl Responding {
    pub(crate) fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let names = environment.list(&EnvVar::RESPONSE_ACTIONS)?;
        let mut actions = BTreeSet::new();
        for name in names {
            let rule =
                || format!("must name actions of responses: {}", Action::ALL.map(Action::as_str).join(", "));
            let action = Action::parse(&name);
            actions
                .insert(action.ok_or_else(|| ConfigError::value(&EnvVar::RESPONSE_ACTIONS, rule(), name))?);
        }
        let settings = Settings {
            actions,
            quarantine: group(environment, &EnvVar::RESPONSE_QUARANTINE_GROUP)?,
            protected: group(environment, &EnvVar::RESPONSE_PROTECTED_GROUP)?,
        };
        let most = environment.number(&EnvVar::RESPONSE_MAX_PER_HOUR, 1..=50)?;
        Ok(Self { responses: Responses::prepare(environment)?, settings, most })
    }
}

/// The id of a group, if one is configured.
fn group(environment: &Environment, variable: &EnvVar) -> Result<Option<String>, ConfigError> {
    let id = environment.text(variable)?;
    match id.as_str() {
        "" => Ok(None),
        id if is_okta_id(id) => Ok(Some(id.to_owned())),
        _ => Err(ConfigError::value(variable, "must be the id of a group, and not its name", id)),
    }
}
