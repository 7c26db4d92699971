//! What an operation works with.

use std::future::Future;
use std::sync::Arc;

use domain::Caller;
use http::Extensions;
use okta_client::Client;
use okta_client::models::{AppId, KeyId};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

/// One request's surroundings.
#[derive(Clone, Debug)]
pub struct Context {
    /// Client of the org; its calls end at [`Context::deadline`].
    pub okta: Client,
    /// The okta-dac app.
    pub app_id: AppId,
    /// The certificate that nobody has the private key of.
    pub placeholder_key: KeyId,
    /// Who is calling.
    pub caller: Caller,
    /// Id of the request, unique among all requests.
    pub request_id: String,
    /// When the answer must be on its way.
    pub deadline: Instant,
    /// Resolvers of DNS over HTTPS.
    pub dns_resolvers: Vec<Url>,
    /// Name of the DynamoDB table.
    pub state_table: String,
    /// The API and stage that the request came through.
    pub api: ApiStage,
    /// What the function keeps between requests.
    pub resources: Resources,
    /// Where this API is, as the caller sees it, without a trailing slash.
    pub base_url: String,
}

/// A stage of a REST API of API Gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiStage {
    /// Id of the API.
    pub id: String,
    /// Name of the stage.
    pub stage: String,
}

/// What a function keeps between requests beside the Okta client, one value of
/// a type: made when it is first needed, so that no function pays for what it
/// does not use.
#[derive(Clone, Debug, Default)]
pub struct Resources(Arc<Mutex<Extensions>>);

impl Resources {
    /// With this value, in place of one that would be made.
    pub fn with<T: Clone + Send + Sync + 'static>(value: T) -> Self {
        let mut kept = Extensions::new();
        kept.insert(value);
        Self(Arc::new(Mutex::new(kept)))
    }

    /// Keeps a value, before the first request.
    pub async fn keep<T: Clone + Send + Sync + 'static>(&self, value: T) {
        self.0.lock().await.insert(value);
    }

    /// The value, made now if this is the first time.
    pub async fn get_or_make<T, F>(&self, make: impl FnOnce() -> F) -> T
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = T>,
    {
        let mut kept = self.0.lock().await;
        if let Some(value) = kept.get::<T>() {
            return value.clone();
        }
        let value = make().await;
        kept.insert(value.clone());
        value
    }
}
