//! When a function changed a user's password: a change of which Okta's System Log tells, and
//! that lies in none of these times, was somebody else's.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use run_kit::Run;

use crate::State;
use crate::table::{StateError, number, text};

/// Times that are kept of a user, the newest.
const KEPT: usize = 16;

/// A run that died changed nothing later than this, in milliseconds: Lambda ends the function
/// after 28 seconds.
const RUN: i64 = 60_000;

/// Okta's clock and Lambda's are so much apart at most, in milliseconds.
const APART: i64 = 5_000;

/// How long an item is kept after the last rotation, in milliseconds: Secrets Manager rotates
/// at least every thousand days.
const YEARS: i64 = 1_100 * 24 * 3_600_000;

/// Changes of somebody else that are remembered, the newest.
const REPORTED: usize = 32;

/// What is known of a secret whose password a function rotates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotatedSecret {
    /// ARN.
    pub secret: String,
    /// Id of the user whose password the secret had at the last rotation.
    user_id: Option<String>,
    /// From when until when a run could change the password, in milliseconds since 1970, the
    /// oldest first.
    times: Vec<(i64, i64)>,
    /// Times of the changes that were reported as somebody else's.
    reported: Vec<i64>,
}

impl RotatedSecret {
    /// Whether a change at this time, in milliseconds since 1970, was made by a rotation.
    pub fn was_rotated(&self, at: i64) -> bool {
        self.times.iter().any(|(from, until)| (from - APART..=until + APART).contains(&at))
    }

    /// Whether a change at this time was neither made by a rotation nor reported before. What
    /// happened before the first rotation that is known is nobody's concern.
    pub fn is_news(&self, at: i64) -> bool {
        let first = self.times.first().map_or(i64::MAX, |(from, _)| *from);
        at > first && !self.reported.contains(&at) && !self.was_rotated(at)
    }

    fn of(secret: &str, item: &HashMap<String, AttributeValue>) -> Self {
        let number_of = |value: &AttributeValue| value.as_n().ok()?.parse::<i64>().ok();
        let numbers = |name: &str| -> Vec<i64> {
            let list = item.get(name).and_then(|list| list.as_l().ok());
            list.into_iter().flatten().filter_map(number_of).collect()
        };
        Self {
            secret: secret.to_owned(),
            user_id: item.get("user").and_then(|id| id.as_s().ok()).cloned(),
            times: numbers("times").as_chunks().0.iter().map(|&[from, until]| (from, until)).collect(),
            reported: numbers("reported"),
        }
    }
}

/// Of a secret.
fn key(secret: &str) -> String {
    format!("rotated#{secret}")
}

/// Of a user.
fn user_key(id: &str) -> String {
    format!("rotated-user#{id}")
}

impl State {
    async fn rotated_secret(&self, secret: &str) -> Result<Option<RotatedSecret>, StateError> {
        let item = self.rotation_item(key(secret)).await?;
        Ok(item.map(|item| RotatedSecret::of(secret, &item)))
    }

    async fn rotation_item(&self, id: String) -> Result<Option<HashMap<String, AttributeValue>>, StateError> {
        let read = self.dynamodb.get_item().table_name(&self.table).key("id", text(id));
        let read = read.consistent_read(true).send().await;
        Ok(read.map_err(|error| StateError::new("read when a password was rotated", error))?.item)
    }

    /// The secrets that have a user's password, as far as a function rotated them: one, unless
    /// somebody made several. A secret that is another user's by now is none of them.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn rotated_secrets(&self, user_id: &str) -> Result<Vec<RotatedSecret>, StateError> {
        let item = self.rotation_item(user_key(user_id)).await?.unwrap_or_default();
        let secrets = item.get("secrets").and_then(|secrets| secrets.as_ss().ok());
        let mut found = Vec::new();
        for secret in secrets.into_iter().flatten() {
            let rotated = self.rotated_secret(secret).await?;
            found.extend(rotated.filter(|rotated| rotated.user_id.as_deref() == Some(user_id)));
        }
        Ok(found)
    }

    /// Notes, under the user's lock, that this run changes the password from now on.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the password must not be changed.
    pub async fn begin_rotation(&self, run: &Run, secret: &str) -> Result<RotatedSecret, StateError> {
        let known = self.rotated_secret(secret).await?.unwrap_or_default();
        let mut rotated = RotatedSecret { secret: secret.to_owned(), ..known };
        let now = run.clock.now_ms();
        rotated.times.push((now, now + RUN));
        rotated.times.drain(..rotated.times.len().saturating_sub(KEPT));
        self.write_rotation(run, &rotated).await?;
        Ok(rotated)
    }

    /// Notes, under the same lock, that the run changes nothing from now on, and whose password
    /// it was.
    ///
    /// # Errors
    ///
    /// [`StateError`]: changes of the next minute count as the run's.
    pub async fn end_rotation(
        &self,
        run: &Run,
        mut begun: RotatedSecret,
        user_id: Option<&str>,
    ) -> Result<(), StateError> {
        if let Some((_, until)) = begun.times.last_mut() {
            *until = run.clock.now_ms();
        }
        if let Some(id) = user_id {
            begun.user_id = Some(id.to_owned());
            let update = self.dynamodb.update_item().table_name(&self.table).key("id", text(user_key(id)));
            let update = update
                .update_expression("ADD #secrets :secret SET #expires = :expires")
                .expression_attribute_names("#secrets", "secrets")
                .expression_attribute_names("#expires", "expires")
                .expression_attribute_values(":secret", AttributeValue::Ss(vec![begun.secret.clone()]))
                .expression_attribute_values(":expires", number((run.clock.now_ms() + YEARS) / 1_000));
            let written = update.send().await;
            written.map_err(|error| StateError::new("note whose password is rotated", error))?;
        }
        self.write_rotation(run, &begun).await
    }

    async fn write_rotation(&self, run: &Run, rotated: &RotatedSecret) -> Result<(), StateError> {
        let times = rotated.times.iter().flat_map(|(from, until)| [number(*from), number(*until)]);
        let user = text(rotated.user_id.clone().unwrap_or_default());
        let update =
            self.dynamodb.update_item().table_name(&self.table).key("id", text(key(&rotated.secret)));
        let update = update
            .update_expression("SET #times = :times, #user = :user, #expires = :expires")
            .expression_attribute_names("#times", "times")
            .expression_attribute_names("#user", "user")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":times", AttributeValue::L(times.collect()))
            .expression_attribute_values(":user", user)
            .expression_attribute_values(":expires", number((run.clock.now_ms() + YEARS) / 1_000));
        let written = update.send().await;
        written.map(drop).map_err(|error| StateError::new("note when a password is rotated", error))
    }

    /// Notes that somebody else's change at this time, in milliseconds since 1970, is reported.
    /// One run at a time looks for such changes: it has a lease.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn report_change(&self, rotated: &RotatedSecret, at: i64) -> Result<(), StateError> {
        let mut reported = rotated.reported.clone();
        reported.push(at);
        reported.drain(..reported.len().saturating_sub(REPORTED));
        let update =
            self.dynamodb.update_item().table_name(&self.table).key("id", text(key(&rotated.secret)));
        let update = update
            .update_expression("SET #reported = :reported")
            .expression_attribute_names("#reported", "reported")
            .expression_attribute_values(
                ":reported",
                AttributeValue::L(reported.into_iter().map(number).collect()),
            );
        let written = update.send().await;
        written.map(drop).map_err(|error| StateError::new("note that a change was reported", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_no_rotation_and_was_not_reported_is_news() {
        let user = RotatedSecret {
            times: vec![(100_000, 101_000), (500_000, 560_000)],
            reported: vec![300_000, 310_000],
            ..RotatedSecret::default()
        };
        for (at, is_news) in [
            // Before the first rotation.
            (10_000, false),
            (96_000, false),
            (101_000, false),
            (106_000, false),
            (106_001, true),
            // Reported before; what came late into the log was not.
            (300_000, false),
            (299_999, true),
            (310_000, false),
            (310_001, true),
            (494_999, true),
            (495_000, false),
            (565_000, false),
            (565_001, true),
        ] {
            assert_eq!(user.is_news(at), is_news, "{at}");
        }
        assert!(!RotatedSecret::default().is_news(i64::MAX - 1));
    }
}
