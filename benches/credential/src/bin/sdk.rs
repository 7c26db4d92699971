//! Reads a secret with the SDK.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
        let client = aws_sdk_secretsmanager::Client::new(&config);
        // The stand-in's answer is none; asking is what is measured.
        let _ = client.get_secret_value().secret_id("okta").send().await;
        Ok(())
    })
}
