//! The end of the bootstrap token.

use std::time::Duration;

use okta_client::Client;

use crate::stop::{Code, Stop};

/// How long a revoked token may still work.
const TOKEN_ENDS: Duration = Duration::from_secs(10);

/// Ends the bootstrap token, and proves that it is dead.
///
/// # Errors
///
/// [`Code::TokenLives`]: it is not.
pub async fn revoke(client: &Client) -> Result<(), Stop> {
    // Whatever this says, the next question decides.
    let revoked = client.revoke_current_api_token().await;
    let started = tokio::time::Instant::now();
    loop {
        match client.get_user("me").await {
            Err(error) if error.is_rejected_credential() => return Ok(()),
            _ if started.elapsed() < TOKEN_ENDS && revoked.is_ok() => {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            _ => {
                let why = revoked.err().map(|error| format!(": {error}")).unwrap_or_default();
                let sentence = format!("THE BOOTSTRAP TOKEN STILL WORKS{why}");
                return Err(Stop::new(Code::TokenLives, sentence));
            }
        }
    }
}
