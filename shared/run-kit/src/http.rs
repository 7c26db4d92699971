//! The client for everything that is not Okta.

use std::time::Duration;

/// A client with time limits for everything that is not Okta.
///
/// # Errors
///
/// If there is no TLS on this system.
pub fn http_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .build()
}
