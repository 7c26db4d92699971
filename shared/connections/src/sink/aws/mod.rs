//! AWS, as the person who runs the command has access to it.

pub(super) mod parameter;
pub(super) mod secret;

use aws_config::{BehaviorVersion, SdkConfig};
use tokio::sync::OnceCell;

use crate::stop::{Code, Stop};
use crate::stored::Stored;

/// Region and credentials of the AWS command line: environment, profile, role. Nothing is
/// read before something is asked.
#[derive(Debug, Default)]
pub struct Account(OnceCell<SdkConfig>);

impl From<SdkConfig> for Account {
    fn from(config: SdkConfig) -> Self {
        Self(OnceCell::new_with(Some(config)))
    }
}

impl Account {
    /// The configuration of clients.
    pub async fn config(&self) -> &SdkConfig {
        self.0.get_or_init(|| aws_config::defaults(BehaviorVersion::latest()).load()).await
    }
}

/// A call of AWS failed. The message of a service has no secret.
fn failed(error: &(dyn std::error::Error + 'static)) -> Stop {
    let sources = std::iter::successors(error.source(), |error| error.source());
    let text = sources.fold(error.to_string(), |text, source| format!("{text}: {source}"));
    Stop::new(Code::Usage, format!("AWS cannot be used for a credential: {text}"))
}

/// The document that readers get: without what is to come.
fn in_use(stored: &Stored) -> Stored {
    Stored { pending: None, ..stored.clone() }
}

/// Both parts together. What is in use already is not to come any more: a run ended between
/// both writes.
fn together(in_use: Option<Stored>, pending: Option<Stored>) -> Option<Stored> {
    let to_come = pending.and_then(|pending| pending.pending);
    match (in_use, to_come) {
        (None, None) => None,
        (None, to_come) => Some(Stored { pending: to_come, ..Stored::default() }),
        (Some(stored), to_come) => {
            let is_used = |part: &crate::stored::Part| {
                stored.private_key.as_ref() == Some(&part.value)
                    || stored.client_secret.as_ref() == Some(&part.value)
            };
            let pending = to_come.filter(|part| !is_used(part));
            Some(Stored { pending, ..stored })
        }
    }
}

/// The document with what is to come alone, if something is.
fn to_come(stored: &Stored) -> Option<Stored> {
    stored.pending.clone().map(|part| Stored { pending: Some(part), ..Stored::default() })
}
