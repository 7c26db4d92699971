//! Reads a secret through the extension on localhost.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::var("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let url = format!("http://127.0.0.1:{port}/secretsmanager/get?secretId=okta");
        let answer = reqwest::Client::builder().build()?.get(url).send().await?;
        answer.text().await?;
        Ok(())
    })
}
