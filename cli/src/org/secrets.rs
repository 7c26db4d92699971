//! The credentials of the functions, and the secret of the hooks: into Secrets Manager, and nowhere
//! else.

use std::time::Duration;

use ::connections::key::KeyKind;
use ::connections::plan::Wanted;
use ::connections::preset::Preset;
use ::connections::service_app::{self, Run};
use ::connections::sink::{Account, Sink};
use okta_client::{Client, OrgUrl};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use super::arguments::Setup;
use crate::api::stop::{Code, Stop};

/// How long rights may take to come into effect.
const PATIENCE: Duration = Duration::from_secs(60);

/// A credential that was made, or was there.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credential {
    /// What it may do.
    preset: &'static str,
    /// The parameter of the template that names it.
    pub(super) parameter: &'static str,
    /// ARN of the secret.
    pub(super) arn: String,
    /// The client.
    client_id: String,
}

/// The classes of functions that the command line asks for: preset, end of the secret's name,
/// parameter.
fn classes(arguments: &Setup) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut all = vec![
        ("dac", "okta-credential", "OktaCredentialSecretArn"),
        ("dac-read", "okta-read", "OktaReadCredentialSecretArn"),
    ];
    all.extend(arguments.delegation.then_some((
        "dac-delegation",
        "okta-delegation",
        "OktaDelegationCredentialSecretArn",
    )));
    all.extend(arguments.responses.then_some((
        "response",
        "okta-response",
        "OktaResponseCredentialSecretArn",
    )));
    all.extend(arguments.rotation.then_some((
        "rotation",
        "okta-rotation",
        "OktaRotationCredentialSecretArn",
    )));
    all
}

/// Makes a service app for each class, with its key in Secrets Manager, and proves it.
pub(super) async fn credentials(
    client: &Client,
    org: &OrgUrl,
    arguments: &Setup,
    prefix: &str,
) -> Result<Vec<Credential>, Stop> {
    let mut made = Vec::new();
    for (name, end, parameter) in classes(arguments) {
        let preset = Preset::parse(name)?;
        let secret = format!("{prefix}{end}");
        let place: Sink = format!("secretsmanager:{secret}")
            .parse()
            .map_err(|error| Stop::new(Code::Usage, format!("`--secrets {prefix}`: {error}")))?;
        let wanted = Wanted {
            label: format!("okta-dac {name}"),
            preset,
            key: KeyKind::default(),
            adopt: false,
            jwks_uri: None,
            resources: crate::connections::resources(org, preset, "all"),
        };
        let client = client.for_request(tokio::time::Instant::now() + super::PART);
        let run =
            Run { client: &client, org, sink: &place, wanted: &wanted, keep_token: true, patience: PATIENCE };
        let report = service_app::connect(&run).await?;
        crate::warn(&format!("the credential {name} is in {place}"));
        made.push(Credential {
            preset: name,
            parameter,
            arn: arn(&secret).await?,
            client_id: report.client_id,
        });
    }
    Ok(made)
}

async fn secrets_manager() -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::new(Account::default().config().await)
}

fn failed(doing: &str, error: impl std::error::Error) -> Stop {
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    Stop::new(Code::NotAvailable, format!("Secrets Manager, {doing}: {cause}"))
}

async fn arn(secret: &str) -> Result<String, Stop> {
    let described = secrets_manager().await.describe_secret().secret_id(secret).send().await;
    let described = described.map_err(|error| failed("DescribeSecret", error))?;
    described.arn.ok_or_else(|| Stop::new(Code::Failed, format!("`{secret}` has no ARN")))
}

/// The secret of the hooks.
pub(super) struct HookSecret {
    /// What hooks send from now on.
    pub(super) current: Zeroizing<String>,
    /// Whether the API takes a former one, too.
    pub(super) has_previous: bool,
}

#[derive(Deserialize)]
struct Stored {
    current: String,
    previous: Option<String>,
}

/// The secret that Okta's hooks send, with its ARN: made once, and never shown.
pub(super) async fn hook_secret(prefix: &str) -> Result<(String, HookSecret), Stop> {
    let name = format!("{prefix}hook-secret");
    let mut bytes = Zeroizing::new([0_u8; 32]);
    aws_lc_rs::rand::fill(&mut *bytes)
        .map_err(|_| Stop::new(Code::Failed, "this system gives no random bytes"))?;
    let secret: Zeroizing<String> = Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    let value = Zeroizing::new(json!({ "current": *secret }).to_string());
    let made = secrets_manager().await.create_secret().name(&name).secret_string(value.as_str()).send().await;
    match made {
        Ok(_) => {}
        // One that is there stays: Okta's hooks send it.
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_exists_exception()) => {}
        Err(error) => return Err(failed("CreateSecret", error)),
    }
    let kept = secrets_manager().await.get_secret_value().secret_id(&name).send().await;
    let kept = kept.map_err(|error| failed("GetSecretValue", error))?;
    let text = kept.secret_string.map(Zeroizing::new).unwrap_or_default();
    let secret = serde_json::from_str::<Stored>(&text).ok().filter(|secret| secret.current.len() >= 32);
    let secret = secret.ok_or_else(|| {
        Stop::new(Code::Failed, format!("`{name}` has no hook secret: {{\"current\": \"32 bytes or more\"}}"))
    })?;
    let has_previous = secret.previous.is_some();
    Ok((arn(&name).await?, HookSecret { current: Zeroizing::new(secret.current), has_previous }))
}
