//! Ends what the tokens of users give whose rights ended in Okta itself: an
//! administrator suspended or deleted a user, took a user out of a group, deleted a
//! group, or took a group's role or assignment away. An event hook of Okta's starts it.
//!
//! # Okta calls
//!
//! For an event about a group: `getApplicationGroupAssignment`, with `getGroup` at the
//! same time or `listIdentityProviders` after it. For an event about a user: none.
//!
//! Then a revocation, whose time is the event's, and its record among the tenant's: an event
//! that comes twice, or after a later one, changes nothing. Events that Okta does not deliver are found by `reconcile`
//! in the System Log.

use futures::future::try_join_all;
use lambda_kit::{EventHook, Example};
use okta_client::models::LogEvent;
use operations::{EnvVar, Operation};
use run_kit::{ConfigError, Environment, Failure, Run};
use serde_json::json;
use state::State;
use tenancy::Tenants;

/// The operation `end-user-rights`.
pub struct EndUserRights {
    tenants: Tenants,
    state: State,
}

impl EventHook for EndUserRights {
    const OPERATION: &'static Operation = operations::get("end-user-rights");

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let app = environment.text(&EnvVar::OKTA_DAC_APP_ID)?.into();
        Ok(Self { tenants: Tenants { app }, state: State::prepare(environment)? })
    }

    async fn call(&self, run: &Run, events: Vec<LogEvent>) -> Result<(), Failure> {
        let now = run.clock.now_ms() / 1_000;
        try_join_all(events.iter().map(|event| async move {
            let ending = self.tenants.ending_of(run.okta.forward(), now, event).await;
            let ending = ending.map_err(|error| Failure::okta("see whose rights ended", &error))?;
            let Some(ending) = ending else { return Ok(()) };
            if !self.state.revoke_once(run, ending.ended.revoked(), ending.before).await? {
                return Ok(());
            }
            tracing::warn!(event = event.uuid, kind = event.event_type, ended = ?ending.ended, "rights ended in Okta");
            Ok::<_, Failure>(())
        }))
        .await?;
        Ok(())
    }

    fn example() -> Example {
        let user = json!({ "id": "00u00000000000000005", "type": "User", "alternateId": "admin@acme.test", "displayName": "Admin of acme" });
        let event = json!({
            "uuid": "00000000-0000-4000-8000-000000000001", "published": "2026-01-31T12:00:00.000Z",
            "eventType": "user.lifecycle.suspend", "version": "0", "severity": "INFO",
            "displayMessage": "Suspend Okta user", "outcome": { "result": "SUCCESS" }, "target": [user],
        });
        let delivery = json!({
            "eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1",
            "source": "https://example.okta.com/api/v1/eventHooks/who1", "contentType": "application/json",
            "eventId": "00000000-0000-4000-8000-000000000002", "eventTime": "2026-01-31T12:00:01.000Z",
            "data": { "events": [event] },
        });
        Example { target: "/events/okta", body: Some(delivery), answer: None }
    }
}
