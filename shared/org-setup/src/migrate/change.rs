//! One change of a migration, with what was there before, and a plan of them.

use okta_client::models::{
    AppId, Application, ApplicationGroupAssignment, Group, GroupProfile, IdentityProvider, PolicyId,
    PolicyRule, UserType,
};
use okta_client::{Client, Error, OkIfAbsent};
use serde_json::Value;
use tenancy::routing;

/// One change, with what was there before.
#[derive(Clone, Debug)]
pub(super) enum Change {
    App(Box<(Application, Application)>),
    Server { id: String, before: Value, after: Value },
    Claim { server: String, id: String, before: Value, after: Value },
    Assignment(AppId, Box<Group>),
    Group { before: Box<Group>, after: GroupProfile },
    Idp(Box<(IdentityProvider, IdentityProvider)>),
    Rule(PolicyId, Box<(PolicyRule, PolicyRule)>),
    Attributes { kind: Box<UserType>, before: Value, after: Value },
}

/// What a run changes, and what it leaves to a person.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// By what they belong to: the org, or one tenant.
    pub(super) changes: Vec<Vec<(String, Change)>>,
    /// What a person decides.
    pub left: Vec<String>,
}

impl Plan {
    /// The changes, for a person.
    pub fn steps(&self) -> Vec<String> {
        self.changes.iter().flatten().map(|(text, _)| text.clone()).collect()
    }

    pub(super) fn push(&mut self, text: impl Into<String>, change: Change) {
        match self.changes.last_mut() {
            Some(group) => group.push((text.into(), change)),
            None => self.changes.push(vec![(text.into(), change)]),
        }
    }

    /// What is pushed from now on is taken back by itself.
    pub(super) fn begin(&mut self) {
        self.changes.push(Vec::new());
    }
}

/// Whether two objects are the same, but for what Okta writes into them.
fn is_same(one: &serde_json::Map<String, Value>, other: &serde_json::Map<String, Value>) -> bool {
    let own = |name: &str| !["lastUpdated", "_links", "_embedded"].contains(&name);
    let differs = |(name, value): (&String, &Value)| own(name) && other.get(name) != Some(value);
    !one.iter().any(differs) && !other.keys().any(|name| own(name) && !one.contains_key(name))
}

impl Change {
    /// Whether the object is as it was when the run looked.
    pub(super) async fn is_untouched(&self, client: &Client) -> Result<bool, Error> {
        Ok(match self {
            Self::Group { before, .. } => client.get_group(&before.id).await?.profile == before.profile,
            Self::Idp(both) => {
                let now = client.get_identity_provider(&both.0.id).await?;
                now.name == both.0.name && is_same(&now.other, &both.0.other)
            }
            Self::Rule(_, both) => {
                let (_, rules) = routing(client).await?;
                let now = rules.into_iter().find(|rule| rule.id == both.0.id);
                now.is_some_and(|now| {
                    now.name == both.0.name
                        && now.status == both.0.status
                        && is_same(&now.other, &both.0.other)
                })
            }
            // Nobody but an administrator changes these, and no request of the API.
            Self::App(_)
            | Self::Server { .. }
            | Self::Claim { .. }
            | Self::Assignment(..)
            | Self::Attributes { .. } => true,
        })
    }

    pub(super) async fn apply(&self, client: &Client) -> Result<(), Error> {
        match self {
            Self::App(both) => client.replace_application(&both.1).await.map(drop),
            Self::Server { id, after, .. } => client.replace_authorization_server(id, after).await.map(drop),
            Self::Claim { server, id, after, .. } => {
                client.replace_oauth2_claim(server, id, after).await.map(drop)
            }
            Self::Assignment(app, group) => {
                let assignment = ApplicationGroupAssignment::of(group.id.clone());
                client.assign_group_to_application(app, &assignment).await.map(drop)
            }
            Self::Group { before, after } => client.replace_group(&before.id, after).await.map(drop),
            Self::Idp(both) => client.replace_identity_provider(&both.1).await.map(drop),
            Self::Rule(policy, both) => client.replace_policy_rule(policy, &both.1).await.map(drop),
            Self::Attributes { kind, after, .. } => client.update_user_profile(kind, after).await.map(drop),
        }
    }

    pub(super) async fn undo(&self, client: &Client) -> Result<(), Error> {
        match self {
            Self::App(both) => client.replace_application(&both.0).await.map(drop),
            Self::Server { id, before, .. } => {
                client.replace_authorization_server(id, before).await.map(drop)
            }
            Self::Claim { server, id, before, .. } => {
                client.replace_oauth2_claim(server, id, before).await.map(drop)
            }
            Self::Assignment(app, group) => {
                client.unassign_application_from_group(app, &group.id).await.ok_if_absent()
            }
            Self::Group { before, .. } => client.replace_group(&before.id, &before.profile).await.map(drop),
            Self::Idp(both) => client.replace_identity_provider(&both.0).await.map(drop),
            Self::Rule(policy, both) => client.replace_policy_rule(policy, &both.0).await.map(drop),
            Self::Attributes { kind, before, .. } => client.update_user_profile(kind, before).await.map(drop),
        }
    }
}
