//! Responses, in a table of their own: by user and, for each user, by time.
//!
//! | attribute | what |
//! |---|---|
//! | `user`, `at` | key: the two parts of the response's id |
//! | `response` | the response, as JSON |
//! | `version` | a number that grows with each write: nobody writes over what they have not read |
//! | `status` | where the response stands |
//! | `all` | `all`, for the index of all responses by time |
//! | `open`, `due` | while the response is open: `open`, and when something has to be looked at, RFC 3339 |
//! | `expires` | when DynamoDB may delete the item; absent while the response is open |
//!
//! Two other kinds of items have keys of their own: `event#<uuid>` says which response an
//! event led to, and `count#<rule>` which users a rule has acted on in an hour.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use containment::Response;
use operations::EnvVar;
use run_kit::{ConfigError, Environment, Run};

use crate::State;
use crate::table::{StateError, is_refused, is_refused_update, number, text};

/// Where responses are, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponsesTable {
    /// Name of the table.
    pub name: String,
    /// Days for which a response is kept after its end.
    pub days: u32,
}

impl ResponsesTable {
    /// The table as the environment describes it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let [name] = environment.all([&EnvVar::RESPONSES_TABLE])?;
        Ok(Self { name, days: environment.number(&EnvVar::RESPONSE_DAYS, 1..=3_650)? })
    }
}

/// A response as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptResponse {
    /// The response.
    pub response: Response,
    /// Which writing it is; 0 for one that was not written yet.
    pub version: i64,
}

/// Whether a job may act on one more user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Yes; the user is counted.
    Within,
    /// No: as many users as may be were acted on in this hour.
    Above,
}

/// A page of responses, and where the next begins.
type Page = (Vec<Response>, Option<String>);

fn unreadable() -> StateError {
    StateError::new("read a response", "its item has another shape")
}

fn kept(item: &HashMap<String, AttributeValue>) -> Result<KeptResponse, StateError> {
    let response = item.get("response").and_then(|value| value.as_s().ok()).ok_or_else(unreadable)?;
    let version = item.get("version").and_then(|value| value.as_n().ok()?.parse().ok());
    let response =
        serde_json::from_str(response).map_err(|error| StateError::new("read a response", error))?;
    Ok(KeptResponse { response, version: version.ok_or_else(unreadable)? })
}

fn key(id: &str) -> Result<(AttributeValue, AttributeValue), StateError> {
    let (user, at) = containment::parse_id(id).ok_or_else(unreadable)?;
    Ok((text(user), text(at)))
}

impl State {
    /// Keeps a response; `due` says when something has to be looked at, while it is open.
    ///
    /// # Errors
    ///
    /// [`StateError`], also if somebody else has written it since it was read.
    pub async fn keep_response(
        &self,
        run: &Run,
        table: &ResponsesTable,
        kept: &mut KeptResponse,
        due: Option<&str>,
    ) -> Result<(), StateError> {
        run.before_change().await?;
        let failed =
            |error: Box<dyn std::error::Error + Send + Sync>| StateError::new("keep the response", error);
        let (user, at) = key(&kept.response.id)?;
        let body = serde_json::to_string(&kept.response).map_err(|error| failed(error.into()))?;
        let put = self
            .dynamodb
            .put_item()
            .table_name(&table.name)
            .item("user", user)
            .item("at", at)
            .item("all", text("all"))
            .item("status", text(kept.response.status.as_str()))
            .item("response", text(body))
            .item("version", number(kept.version + 1))
            .item("writer", text(&run.id));
        let put = match due {
            Some(due) => put.item("open", text("open")).item("due", text(due)),
            None => {
                let expires = run.clock.now_ms() / 1_000 + i64::from(table.days) * 86_400;
                put.item("expires", number(expires))
            }
        };
        // A write whose answer is lost may be there: this run's own is no reason to fail.
        const OWN: &str = "(#version = :next AND #writer = :writer)";
        let put = match kept.version {
            0 => put.condition_expression(format!("attribute_not_exists(#version) OR {OWN}")),
            version => put
                .condition_expression(format!("#version = :version OR {OWN}"))
                .expression_attribute_values(":version", number(version)),
        };
        put.expression_attribute_names("#version", "version")
            .expression_attribute_names("#writer", "writer")
            .expression_attribute_values(":next", number(kept.version + 1))
            .expression_attribute_values(":writer", text(&run.id))
            .send()
            .await
            .map_err(|error| failed(error.into()))?;
        kept.version += 1;
        Ok(())
    }

    /// The response with this id.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn response(
        &self,
        table: &ResponsesTable,
        id: &str,
    ) -> Result<Option<KeptResponse>, StateError> {
        let Ok((user, at)) = key(id) else { return Ok(None) };
        let read = self.dynamodb.get_item().table_name(&table.name).key("user", user).key("at", at);
        let read = read.consistent_read(true).send().await;
        let item = read.map_err(|error| StateError::new("read the response", error))?.item;
        item.as_ref().map(kept).transpose()
    }

    /// The open responses of a user, with their versions: as they are now.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn open_responses(
        &self,
        table: &ResponsesTable,
        user: &str,
    ) -> Result<Vec<KeptResponse>, StateError> {
        let (mut open, mut start) = (Vec::new(), None);
        loop {
            let query = self
                .dynamodb
                .query()
                .table_name(&table.name)
                .key_condition_expression("#user = :user")
                .filter_expression("attribute_exists(#open)")
                .expression_attribute_names("#user", "user")
                .expression_attribute_names("#open", "open")
                .expression_attribute_values(":user", text(user))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            let page =
                query.send().await.map_err(|error| StateError::new("read the open responses", error))?;
            for item in page.items() {
                open.push(kept(item)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(open);
            }
        }
    }

    /// The responses to look at by `now`, RFC 3339: the oldest, at most `limit` of them. Their
    /// index may be late.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn due_responses(
        &self,
        table: &ResponsesTable,
        now: &str,
        limit: i32,
    ) -> Result<Vec<Response>, StateError> {
        let query = self
            .dynamodb
            .query()
            .table_name(&table.name)
            .index_name("open")
            .key_condition_expression("#open = :open AND #due <= :now")
            .expression_attribute_names("#open", "open")
            .expression_attribute_names("#due", "due")
            .expression_attribute_values(":open", text("open"))
            .expression_attribute_values(":now", text(now))
            .limit(limit);
        let page = query.send().await.map_err(|error| StateError::new("read what is due", error))?;
        page.items().iter().map(|item| kept(item).map(|kept| kept.response)).collect()
    }

    /// Responses, newest first: of a user, or all, which an index has that may be late; with
    /// this status, if one is given. `after` is the id of the last one of the page before.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn list_responses(
        &self,
        table: &ResponsesTable,
        user: Option<&str>,
        status: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StateError> {
        let start = match after {
            None => None,
            Some(after) => {
                let (of, at) = key(after)?;
                let key = HashMap::from([("user".to_owned(), of), ("at".to_owned(), at)]);
                let all = user.is_none().then(|| ("all".to_owned(), text("all")));
                Some(key.into_iter().chain(all).collect::<HashMap<_, _>>())
            }
        };
        let (mut found, mut start) = (Vec::new(), start);
        loop {
            let query = self.dynamodb.query().table_name(&table.name).scan_index_forward(false);
            let query = match user {
                Some(user) => query
                    .key_condition_expression("#user = :user")
                    .expression_attribute_names("#user", "user")
                    .expression_attribute_values(":user", text(user)),
                None => query
                    .index_name("all")
                    .key_condition_expression("#all = :all")
                    .expression_attribute_names("#all", "all")
                    .expression_attribute_values(":all", text("all")),
            };
            let query = match status {
                Some(status) => query
                    .filter_expression("#status = :status")
                    .expression_attribute_names("#status", "status")
                    .expression_attribute_values(":status", text(status)),
                None => query,
            };
            let query =
                query.limit(i32::try_from(limit + 1).unwrap_or(i32::MAX)).set_exclusive_start_key(start);
            let page = query.send().await.map_err(|error| StateError::new("list responses", error))?;
            for item in page.items() {
                found.push(kept(item)?.response);
            }
            start = page.last_evaluated_key;
            if found.len() > limit || start.is_none() {
                break;
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| last.id.clone());
        Ok((found, next))
    }

    /// The response that an event leads to: `id`, unless another run has written one before.
    /// An event that comes again finds the same one for a day.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn response_of_event(
        &self,
        run: &Run,
        table: &ResponsesTable,
        event: &str,
        id: &str,
    ) -> Result<String, StateError> {
        run.before_change().await?;
        let key = format!("event#{event}");
        let put = self
            .dynamodb
            .put_item()
            .table_name(&table.name)
            .item("user", text(&key))
            .item("at", text("response"))
            .item("id", text(id))
            .item("expires", number(run.clock.now_ms() / 1_000 + 86_400))
            .condition_expression("attribute_not_exists(#user)")
            .expression_attribute_names("#user", "user");
        match put.send().await {
            Ok(_) => return Ok(id.to_owned()),
            Err(error) if is_refused(&error) => {}
            Err(error) => return Err(StateError::new("keep the event", error)),
        }
        let read = self
            .dynamodb
            .get_item()
            .table_name(&table.name)
            .key("user", text(key))
            .key("at", text("response"));
        let read = read.consistent_read(true).send().await;
        let item = read.map_err(|error| StateError::new("read the event", error))?.item.unwrap_or_default();
        item.get("id").and_then(|id| id.as_s().ok()).cloned().ok_or_else(unreadable)
    }

    /// Counts a user among those whom `whose`, a rule or all of them, has acted on in this
    /// hour. The same user is counted once.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn count_response(
        &self,
        run: &Run,
        table: &ResponsesTable,
        whose: &str,
        user: &str,
        most: u32,
    ) -> Result<Counted, StateError> {
        run.before_change().await?;
        let seconds = run.clock.now_ms() / 1_000;
        let update = self
            .dynamodb
            .update_item()
            .table_name(&table.name)
            .key("user", text(format!("count#{whose}")))
            .key("at", text((seconds / 3_600).to_string()))
            .update_expression("ADD #users :one SET #expires = :expires")
            .condition_expression(
                "attribute_not_exists(#users) OR contains(#users, :user) OR size(#users) < :most",
            )
            .expression_attribute_names("#users", "users")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":one", AttributeValue::Ss(vec![user.to_owned()]))
            .expression_attribute_values(":user", text(user))
            .expression_attribute_values(":expires", number(seconds + 7_200))
            .expression_attribute_values(":most", number(i64::from(most)));
        match update.send().await {
            Ok(_) => Ok(Counted::Within),
            Err(error) if is_refused_update(&error) => Ok(Counted::Above),
            Err(error) => Err(StateError::new("count the response", error)),
        }
    }
}
