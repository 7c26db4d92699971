//! Tells Okta which entity the user of a token belongs to: the user that the linked
//! object `parentEntity` leads to.
//!
//! # Okta calls
//!
//! 1. `listLinkedObjectsForUser` of the user.
//! 2. `getUser` of the entity, if there is one.
//!
//! Two calls, two in a row. The access token gets the claim `entity` with the
//! attribute `entityId` of the entity's profile, the ID token the same claim with
//! `entityName`, as the predecessor has it.

use lambda_kit::{Example, Hook};
use okta_client::models::{User, UserId};
use okta_client::{Client, Error};
use operations::{EnvVar, Operation};
use run_kit::{ConfigError, Environment, Failure, Run};
use serde_json::{Value, json};
use tenancy::if_present;

use crate::patch::{ACCESS, IDENTITY, Patch, deny, nothing};
use crate::payload::{Payload, Unclear};
use crate::people;

/// The operation `enrich-entity-token`.
pub struct EnrichEntityToken {
    /// Whether a doubt stops the token.
    deny: bool,
}

/// Name of the relationship, from the user's side.
const RELATIONSHIP: &str = "parentEntity";

impl Hook for EnrichEntityToken {
    const OPERATION: &'static Operation = operations::get("enrich-entity-token");

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { deny: environment.choice(&EnvVar::DELEGATION_FAIL, ["keep", "deny"])? })
    }

    fn unasked(payload: &Value) -> Option<Value> {
        (Payload::of(payload).err() == Some(Unclear::Foreign)).then(nothing)
    }

    async fn call(&self, run: &Run, payload: Value) -> Result<Value, Failure> {
        let Ok(payload) = Payload::of(&payload) else { return Ok(self.doubt()) };
        let entity = entity(run.okta.forward(), payload.user).await;
        let entity = entity.map_err(|error| Failure::okta("read the entity", &error))?;
        let Some(entity) = entity else { return Ok(nothing()) };
        let command = |claims: Option<&_>, attribute: &str, kind: &str| {
            let mut patch = Patch::of(claims?);
            patch.set("entity", &entity.profile.get(attribute).cloned().unwrap_or_default());
            patch.command(kind)
        };
        let access = command(payload.access, "entityId", ACCESS);
        let identity = command(payload.identity, "entityName", IDENTITY);
        Ok(json!({ "commands": access.into_iter().chain(identity).collect::<Vec<_>>() }))
    }

    fn doubt(&self) -> Value {
        match self.deny {
            true => deny("The entity could not be confirmed."),
            false => nothing(),
        }
    }

    fn example() -> Example {
        Example {
            target: "/tokenEnrichment/entity",
            body: Some(json!({
                "eventType": "com.okta.oauth2.tokens.transform",
                "data": {
                    "context": {
                        "protocol": { "client": { "id": "0oa1delegation000001" } },
                        "user": { "id": "00u00000000000000008" },
                    },
                    "access": { "claims": { "uid": "00u00000000000000008", "cid": "0oa1delegation000001" } },
                },
            })),
            answer: None,
        }
    }
}

/// The active entity of a user. A user without one, and an org without the
/// relationship, is no doubt.
async fn entity(okta: &Client, user: &str) -> Result<Option<User>, Error> {
    let found = if_present(okta.list_linked_objects_for_user(&UserId::from(user), RELATIONSHIP)).await?;
    let Some(id) = found.into_iter().flatten().next() else { return Ok(None) };
    let entity = if_present(okta.get_user(id.as_str())).await?;
    Ok(entity.filter(people::is_active))
}
