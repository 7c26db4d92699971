//! `state.json`: what is remembered and no secret. What cannot be read counts as absent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::files::{self, Lock, Place};
use crate::failure::{Exit, Failure};

/// Nobody holds the lock of the state for longer: who has done the work writes it down, also
/// when their time is over.
const HELD: Duration = Duration::from_secs(2);

/// A failed sign-in counts for others so long.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(10);

/// A role as the last assertion had it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KnownRole {
    /// ARN of the role.
    pub role: String,
    /// ARN of the SAML provider.
    pub provider: String,
    /// The app, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
}

/// What STS granted last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Seconds.
    pub seconds: u32,
    /// When.
    pub at: Timestamp,
    /// Steps between what was asked for and this were not tried: the role may allow more.
    #[serde(default)]
    pub guessed: bool,
}

/// A sign-in that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Exit code.
    pub code: u8,
    /// What happened.
    pub sentence: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Roles of the last assertion, by org.
    pub roles: BTreeMap<String, Vec<KnownRole>>,
    /// What STS granted, by role ARN.
    pub durations: BTreeMap<String, Granted>,
    /// The last time step whose code was sent, by factor.
    pub totp_steps: BTreeMap<String, u64>,
    /// The factor that was used last, by org.
    pub factors: BTreeMap<String, String>,
    /// Failed sign-ins, by org and user.
    pub refusals: BTreeMap<String, Refusal>,
    /// Orgs and users whose stored password was refused: `init` takes a new one.
    pub refused_passwords: BTreeMap<String, Timestamp>,
    /// What an org said of its engine, and when.
    pub pipelines: BTreeMap<String, (String, Timestamp)>,
    /// Aliases of accounts, as AWS told them.
    pub aliases: BTreeMap<String, String>,
}

impl State {
    /// The name of the file.
    pub const FILE: &str = "state.json";

    /// What is there.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`].
    pub fn read(place: &Place) -> Result<Self, Failure> {
        let bytes = files::read(&place.file(Self::FILE))?.unwrap_or_default();
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Changes the state under its lock.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`], [`Exit::Busy`].
    pub fn change<T>(
        place: &Place,
        deadline: Instant,
        change: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Failure> {
        let _lock = Lock::take(&place.file("state.lock"), deadline.max(Instant::now() + HELD))?;
        let mut state = Self::read(place)?;
        let before = state.clone();
        let result = change(&mut state);
        if state != before {
            let text = serde_json::to_vec(&state).map_err(|error| Failure::defect(error.to_string()))?;
            files::replace(&place.file(Self::FILE), &text)?;
        }
        Ok(result)
    }

    /// Forgets roles, factors and failures. What keeps a code or a refused password from
    /// being sent twice stays.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`], [`Exit::Busy`].
    pub fn forget(place: &Place, deadline: Instant) -> Result<(), Failure> {
        Self::change(place, deadline, |state| {
            *state = Self {
                totp_steps: std::mem::take(&mut state.totp_steps),
                refused_passwords: std::mem::take(&mut state.refused_passwords),
                durations: std::mem::take(&mut state.durations),
                ..Self::default()
            };
        })
    }

    /// The failure of another process, if that was a moment ago.
    pub fn refusal(&self, who: &str, now: Timestamp) -> Option<Failure> {
        let refusal = self.refusals.get(who).filter(|refusal| now.duration_since(refusal.at) < REMEMBERED)?;
        let exit = Exit::from_number(refusal.code)?;
        Some(Failure { exit, sentence: refusal.sentence.clone(), hint: refusal.hint.clone(), detail: None })
    }

    /// Remembers a failure of which others should know.
    pub fn refuse(&mut self, who: &str, failure: &Failure, now: Timestamp) {
        if matches!(
            failure.exit,
            Exit::Refused | Exit::Factor | Exit::Account | Exit::RateLimited | Exit::PersonNeeded
        ) {
            let refusal = Refusal {
                code: failure.exit.number(),
                sentence: failure.sentence.clone(),
                hint: failure.hint.clone(),
                at: now,
            };
            self.refusals.insert(who.to_owned(), refusal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_counts_for_ten_seconds() {
        let (mut state, now) = (State::default(), Timestamp::UNIX_EPOCH);
        let failure = Failure::new(Exit::Refused, "wrong password");
        state.refuse("acme|a", &failure, now);
        assert_eq!(state.refusal("acme|a", now + SignedDuration::from_secs(9)), Some(failure));
        assert_eq!(state.refusal("acme|a", now + SignedDuration::from_secs(10)), None);
        assert_eq!(state.refusal("acme|b", now), None);
        state.refuse("acme|b", &Failure::new(Exit::Network, "no answer"), now);
        assert_eq!(state.refusal("acme|b", now), None, "others may try");
    }

    #[test]
    fn a_damaged_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        files::replace(&place.file(State::FILE), b"{damaged").unwrap();
        State::change(&place, Instant::now(), |state| state.totp_steps.insert("f".to_owned(), 7)).unwrap();
        assert_eq!(State::read(&place).unwrap().totp_steps["f"], 7);
    }
}
