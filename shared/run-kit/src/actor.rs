//! Who acts.

/// Who started a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The bearer of a token of the API.
    Caller {
        /// Id of the Okta user.
        uid: String,
        /// Id of the client that the token was issued to.
        client: String,
    },
    /// Okta, with the secret of a hook.
    OktaHook,
    /// A schedule of the deployment.
    Schedule,
    /// An event on the account's bus.
    EventBus,
    /// Secrets Manager, which rotates a secret.
    SecretsManager,
    /// A person at a terminal, by the name that the operating system gives them.
    Operator(String),
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Actor::Caller { uid, .. } => write!(f, "user:{uid}"),
            Actor::OktaHook => f.write_str("okta-hook"),
            Actor::Schedule => f.write_str("schedule"),
            Actor::EventBus => f.write_str("event-bus"),
            Actor::SecretsManager => f.write_str("secrets-manager"),
            Actor::Operator(name) => write!(f, "operator:{name}"),
        }
    }
}
