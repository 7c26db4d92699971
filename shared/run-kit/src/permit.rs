//! Whether a run may change something.

use std::future::Future;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt, Shared};
use operations::ProblemCode;

use crate::Failure;

type Decision = BoxFuture<'static, Result<(), Denied>>;

/// Says whether a run may change something, as soon as that is known. A caller's run is
/// begun before it is known: what it reads costs no time, and what it changes waits.
#[derive(Clone, Default)]
pub struct Permit(Option<Asked>);

#[derive(Clone)]
struct Asked {
    first: Shared<Decision>,
    ask: Arc<dyn Fn() -> Decision + Send + Sync>,
}

/// Why a run may change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The caller's rights ended after the token was issued.
    #[error("act with rights that have ended")]
    Ended,
    /// Nobody can say whether they ended.
    #[error("know whether rights have ended")]
    Unknown,
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Ended => {
                Failure::new(ProblemCode::Forbidden, "the rights of this token have ended; get a new token")
            }
            Denied::Unknown => Failure::new(
                ProblemCode::StateUnavailable,
                "okta-dac's own table does not answer; nothing was changed",
            )
            .retry_after(std::time::Duration::from_secs(5)),
        }
    }
}

impl Permit {
    /// For runs that nobody's token starts.
    pub fn granted() -> Self {
        Self(None)
    }

    /// As `first` says; `ask` asks anew.
    pub fn when<F>(
        first: impl Future<Output = Result<(), Denied>> + Send + 'static,
        ask: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Denied>> + Send + 'static,
    {
        Self(Some(Asked { first: first.boxed().shared(), ask: Arc::new(move || ask().boxed()) }))
    }

    /// Waits until it is known.
    ///
    /// # Errors
    ///
    /// [`Denied`].
    pub async fn wait(&self) -> Result<(), Denied> {
        match &self.0 {
            Some(asked) => asked.first.clone().await,
            None => Ok(()),
        }
    }

    /// Asks once more: under a lock, which those hold who take rights away, the answer
    /// is good until the lock is given back.
    ///
    /// # Errors
    ///
    /// [`Denied`].
    pub async fn again(&self) -> Result<(), Denied> {
        match &self.0 {
            Some(asked) => (asked.ask)().await,
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = self.0.as_ref().map(|asked| asked.first.peek());
        f.debug_tuple("Permit").field(&known).finish()
    }
}
