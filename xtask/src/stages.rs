//! API Gateway's control plane: what a deployed API is configured with.
//!
//! No function uses it: it takes ten calls a second for the whole account.

use std::fmt::Write;

use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::error::DisplayErrorContext;
use aws_sdk_apigateway::types::{Authorizer, Stage};
use clap::Args;

/// Which API.
#[derive(Clone, Debug, Args)]
pub struct Api {
    /// Id of the REST API: the output `ApiId`, or the first label of its address.
    #[arg(long)]
    pub api: String,
}

/// Shows the stages, their limits and the authorizers.
///
/// # Errors
///
/// A sentence.
pub fn stages(api: &Api) -> Result<String, String> {
    run(async |client| {
        let (stages, authorizers) = tokio::join!(
            client.get_stages().rest_api_id(&api.api).send(),
            client.get_authorizers().rest_api_id(&api.api).send(),
        );
        let stages = stages.map_err(|error| sentence("read the stages", &error))?;
        let authorizers = authorizers.map_err(|error| sentence("read the authorizers", &error))?;
        Ok(report(stages.item(), authorizers.items()))
    })
}

/// Runs with the credentials, the region and the endpoint of the environment.
fn run(work: impl AsyncFnOnce(Client) -> Result<String, String>) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
        work(Client::new(&config)).await
    })
}

fn sentence<E: std::error::Error>(step: &str, error: &E) -> String {
    format!("failed to {step}: {}", DisplayErrorContext(error))
}

fn report(stages: &[Stage], authorizers: &[Authorizer]) -> String {
    let mut text = String::new();
    for stage in stages {
        let _ = writeln!(text, "stage {}", stage.stage_name().unwrap_or_default());
        let mut settings: Vec<_> = stage.method_settings().into_iter().flatten().collect();
        settings.sort_by_key(|(method, _)| *method);
        for (method, setting) in settings {
            let (rate, burst) = (setting.throttling_rate_limit(), setting.throttling_burst_limit());
            let _ = writeln!(text, "  {method}: {rate} a second, {burst} at once");
        }
    }
    for authorizer in authorizers {
        let _ = writeln!(
            text,
            "authorizer {}: by {}, kept for {} s",
            authorizer.name().unwrap_or_default(),
            authorizer.identity_source().unwrap_or_default(),
            authorizer.authorizer_result_ttl_in_seconds().unwrap_or_default(),
        );
    }
    text.trim_end().to_owned()
}
