//! Whether something may be changed.

use futures::future::{BoxFuture, FutureExt, Shared};

/// Whether something may be changed, as soon as that is known.
#[derive(Clone)]
pub(crate) struct Permit(Shared<BoxFuture<'static, bool>>);

impl Permit {
    pub(crate) fn when(permit: impl Future<Output = bool> + Send + 'static) -> Self {
        Self(permit.boxed().shared())
    }

    pub(crate) async fn is_given(&self) -> bool {
        self.0.clone().await
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Permit").field(&self.0.peek()).finish()
    }
}
