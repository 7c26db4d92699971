//! Failed sign-ins that rotations made with a user's passwords, across runs: two for each
//! version of a secret, so that no repetition locks the user out. One alone counts for an hour;
//! two count until the secret has another version, or for a month.

use run_kit::Run;

use crate::State;
use crate::table::{StateError, is_refused_update, number, text};

/// Sign-ins with one version of a secret that may fail.
pub const SIGN_INS: u8 = 2;

/// How long one counts, in milliseconds.
const HOUR: i64 = 3_600_000;

/// How long two count.
const MONTH: i64 = 30 * 24 * HOUR;

fn key(user: &str) -> String {
    format!("attempts#{user}")
}

impl State {
    /// How many sign-ins of a user may fail yet.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn sign_ins_left(&self, run: &Run, user: &str, version: &str) -> Result<u8, StateError> {
        let read = self.dynamodb.get_item().table_name(&self.table).key("id", text(key(user)));
        let read = read.consistent_read(true).send().await;
        let item = read.map_err(|error| StateError::new("count failed sign-ins", error))?.item;
        let number_of = |name: &str| {
            item.as_ref()
                .and_then(|item| item.get(name)?.as_n().ok()?.parse::<i64>().ok())
                .unwrap_or_default()
        };
        let of = item.as_ref().and_then(|item| item.get("version")?.as_s().ok()).map(String::as_str);
        if of != Some(version) || number_of("until") <= run.clock.now_ms() {
            return Ok(SIGN_INS);
        }
        Ok(SIGN_INS.saturating_sub(u8::try_from(number_of("failed")).unwrap_or(u8::MAX)))
    }

    /// One more failed.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn count_failed_sign_in(&self, run: &Run, user: &str, version: &str) -> Result<(), StateError> {
        let now = run.clock.now_ms();
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("id", text(key(user)))
            // The second.
            .update_expression("ADD #failed :one SET #until = :until, #expires = :expires")
            .condition_expression("#until > :now AND #version = :version")
            .expression_attribute_names("#failed", "failed")
            .expression_attribute_names("#until", "until")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", text(version))
            .expression_attribute_values(":until", number(now + MONTH))
            .expression_attribute_values(":expires", number((now + MONTH) / 1_000 + 3_600))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", number(now));
        match update.send().await {
            Ok(_) => return Ok(()),
            Err(error) if is_refused_update(&error) => {}
            Err(error) => return Err(StateError::new("count a failed sign-in", error)),
        }
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item("id", text(key(user)))
            .item("failed", number(1))
            .item("version", text(version))
            .item("until", number(now + HOUR))
            .item("expires", number((now + HOUR) / 1_000 + 3_600));
        put.send().await.map(drop).map_err(|error| StateError::new("count a failed sign-in", error))
    }

    /// An admin's right set the password of the version `set`, when no sign-in with `version`
    /// was left. Where one is left, nothing is noted: the sign-in shows more.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn note_set(&self, run: &Run, user: &str, version: &str, set: &str) -> Result<(), StateError> {
        let update = self.dynamodb.update_item().table_name(&self.table).key("id", text(key(user)));
        let update = update
            .update_expression("SET #set = :set")
            .condition_expression("#until > :now AND #version = :version AND #failed >= :all")
            .expression_attribute_names("#set", "set")
            .expression_attribute_names("#failed", "failed")
            .expression_attribute_values(":all", number(i64::from(SIGN_INS)))
            .expression_attribute_names("#until", "until")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":set", text(set))
            .expression_attribute_values(":version", text(version))
            .expression_attribute_values(":now", number(run.clock.now_ms()));
        match update.send().await {
            Err(error) if !is_refused_update(&error) => {
                Err(StateError::new("note that a password was set", error))
            }
            _ => Ok(()),
        }
    }

    /// Whether [`State::note_set`] noted this version.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn is_set(&self, user: &str, version: &str) -> Result<bool, StateError> {
        let read = self.dynamodb.get_item().table_name(&self.table).key("id", text(key(user)));
        let read = read.consistent_read(true).send().await;
        let read = read.map_err(|error| StateError::new("read whether a password was set", error))?;
        let set = read.item.as_ref().and_then(|item| item.get("set")?.as_s().ok());
        Ok(set.is_some_and(|set| set == version))
    }

    /// A password was proven: Okta counts anew, and so does this.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn forget_failed_sign_ins(&self, user: &str) -> Result<(), StateError> {
        let delete = self.dynamodb.delete_item().table_name(&self.table).key("id", text(key(user)));
        delete.send().await.map(drop).map_err(|error| StateError::new("forget failed sign-ins", error))
    }
}
