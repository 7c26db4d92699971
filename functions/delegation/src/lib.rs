//! Delegation: a user lets others, the agents, act for them, and a token says so.
//!
//! 1. The delegator nominates an agent. Who may act is in the delegator's own
//!    profile: `delegatedAgents`, the ids, as the predecessor has it, and, where a
//!    nomination has an end or a reason, `delegationGrants`.
//! 2. The agent starts: `start-delegation` gives an id that counts once.
//! 3. The agent's application asks Okta for a token, with the id. Okta asks
//!    `enrich-agent-token`, which looks at both users once more and answers what to
//!    write into the token. `sub` stays the agent.
//!
//! Everything that is done or refused is recorded: see the crate `state`.
//!
//! One module is one operation.

mod add_delegation_agent;
mod enrich_agent_token;
mod enrich_entity_token;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod grants;
mod list_delegation_agents;
mod list_delegation_events;
mod list_delegators;
mod patch;
mod payload;
mod people;
mod remove_delegation_agent;
mod set_delegation;
mod settings;
mod start_delegation;
#[cfg(test)]
mod testing;

pub use add_delegation_agent::AddDelegationAgent;
pub use enrich_agent_token::EnrichAgentToken;
pub use enrich_entity_token::EnrichEntityToken;
pub use list_delegation_agents::ListDelegationAgents;
pub use list_delegation_events::ListDelegationEvents;
pub use list_delegators::ListDelegators;
pub use remove_delegation_agent::RemoveDelegationAgent;
pub use set_delegation::SetDelegation;
pub use settings::Settings;
pub use start_delegation::StartDelegation;

/// The operations of this package, ordered by name.
pub const ENDPOINTS: &[lambda_kit::Description] = &[
    lambda_kit::Description::of::<AddDelegationAgent>(),
    lambda_kit::Description::of_hook::<EnrichAgentToken>(),
    lambda_kit::Description::of_hook::<EnrichEntityToken>(),
    lambda_kit::Description::of::<ListDelegationAgents>(),
    lambda_kit::Description::of::<ListDelegationEvents>(),
    lambda_kit::Description::of::<ListDelegators>(),
    lambda_kit::Description::of::<RemoveDelegationAgent>(),
    lambda_kit::Description::of::<SetDelegation>(),
    lambda_kit::Description::of::<StartDelegation>(),
];
