//! What an operation works with.

use domain::Caller;
use okta_client::Client;
use okta_client::models::{AppId, KeyId};
use tokio::time::Instant;

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
    /// Where this API is, as the caller sees it, without a trailing slash.
    pub base_url: String,
}
