//! When a function changed a user's password: a change of which Okta's System Log tells, and
//! that lies in none of these times, was somebody else's.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use run_kit::Run;

use crate::State;
use crate::table::{StateError, is_refused_update, number, text};

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

/// What is known of a user whose password a function rotates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotatedUser {
    /// ARN of the secret that has the password.
    pub secret: String,
    /// From when until when a run could change the password, in milliseconds since 1970, the
    /// oldest first.
    times: Vec<(i64, i64)>,
    /// Time of the last change that was reported as somebody else's.
    reported: i64,
}

impl RotatedUser {
    /// Whether a change at this time, in milliseconds since 1970, was made by a rotation.
    pub fn was_rotated(&self, at: i64) -> bool {
        self.times.iter().any(|(from, until)| (from - APART..=until + APART).contains(&at))
    }

    /// Whether a change at this time was neither made by a rotation nor reported before. What
    /// happened before the first rotation that is known is nobody's concern.
    pub fn is_news(&self, at: i64) -> bool {
        let first = self.times.first().map_or(i64::MAX, |(from, _)| *from);
        at > first && at > self.reported && !self.was_rotated(at)
    }

    fn of(item: &HashMap<String, AttributeValue>) -> Self {
        let number_of = |value: &AttributeValue| value.as_n().ok()?.parse::<i64>().ok();
        let times = item.get("times").and_then(|times| times.as_l().ok());
        let times: Vec<i64> = times.into_iter().flatten().filter_map(number_of).collect();
        Self {
            secret: item.get("secret").and_then(|arn| arn.as_s().ok()).cloned().unwrap_or_default(),
            times: times.as_chunks().0.iter().map(|&[from, until]| (from, until)).collect(),
            reported: item.get("reported").and_then(number_of).unwrap_or_default(),
        }
    }
}

fn key(user: &str) -> String {
    format!("rotated#{user}")
}

impl State {
    /// What is known of a user, by login or id in lower case; `None`: no function rotates the
    /// user's password.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn rotated_user(&self, user: &str) -> Result<Option<RotatedUser>, StateError> {
        let read = self.dynamodb.get_item().table_name(&self.table).key("id", text(key(user)));
        let read = read.consistent_read(true).send().await;
        let read = read.map_err(|error| StateError::new("read when a password was rotated", error))?;
        Ok(read.item.as_ref().map(RotatedUser::of))
    }

    /// Notes, under the user's lock, that this run changes the user's password from now on.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the password must not be changed.
    pub async fn begin_rotation(
        &self,
        run: &Run,
        user: &str,
        secret: &str,
    ) -> Result<RotatedUser, StateError> {
        let mut rotated = self.rotated_user(user).await?.unwrap_or_default();
        secret.clone_into(&mut rotated.secret);
        let now = run.clock.now_ms();
        rotated.times.push((now, now + RUN));
        rotated.times.drain(..rotated.times.len().saturating_sub(KEPT));
        self.write_times(run, user, &rotated).await?;
        Ok(rotated)
    }

    /// Notes, under the same lock, that the run changes nothing from now on.
    ///
    /// # Errors
    ///
    /// [`StateError`]: changes of the next minute count as the run's.
    pub async fn end_rotation(
        &self,
        run: &Run,
        user: &str,
        mut begun: RotatedUser,
    ) -> Result<(), StateError> {
        if let Some((_, until)) = begun.times.last_mut() {
            *until = run.clock.now_ms();
        }
        self.write_times(run, user, &begun).await
    }

    async fn write_times(&self, run: &Run, user: &str, rotated: &RotatedUser) -> Result<(), StateError> {
        let times = rotated.times.iter().flat_map(|(from, until)| [number(*from), number(*until)]);
        let expires = (run.clock.now_ms() + YEARS) / 1_000;
        let update = self.dynamodb.update_item().table_name(&self.table).key("id", text(key(user)));
        let update = update
            .update_expression("SET #times = :times, #secret = :secret, #expires = :expires")
            .expression_attribute_names("#times", "times")
            .expression_attribute_names("#secret", "secret")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":times", AttributeValue::L(times.collect()))
            .expression_attribute_values(":secret", text(&rotated.secret))
            .expression_attribute_values(":expires", number(expires));
        let written = update.send().await;
        written.map(drop).map_err(|error| StateError::new("note when a password is rotated", error))
    }

    /// Notes that somebody else's change at this time, in milliseconds since 1970, is reported;
    /// `false`: it was before, or a later one was.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn report_change(&self, user: &str, at: i64) -> Result<bool, StateError> {
        let update = self.dynamodb.update_item().table_name(&self.table).key("id", text(key(user)));
        let update = update
            .update_expression("SET #reported = :at")
            .condition_expression(
                "attribute_exists(#secret) AND (attribute_not_exists(#reported) OR #reported < :at)",
            )
            .expression_attribute_names("#secret", "secret")
            .expression_attribute_names("#reported", "reported")
            .expression_attribute_values(":at", number(at));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_refused_update(&error) => Ok(false),
            Err(error) => Err(StateError::new("note that a change was reported", error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_no_rotation_and_was_not_reported_is_news() {
        let user = RotatedUser {
            secret: String::new(),
            times: vec![(100_000, 101_000), (500_000, 560_000)],
            reported: 300_000,
        };
        for (at, is_news) in [
            // Before the first rotation.
            (10_000, false),
            (96_000, false),
            (101_000, false),
            (106_000, false),
            // Reported before.
            (106_001, false),
            (300_000, false),
            (300_001, true),
            (494_999, true),
            (495_000, false),
            (565_000, false),
            (565_001, true),
        ] {
            assert_eq!(user.is_news(at), is_news, "{at}");
        }
        assert!(!RotatedUser::default().is_news(i64::MAX - 1));
    }
}
