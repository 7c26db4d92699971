//! The credentials of the functions, and the secret of the hooks: into Secrets Manager, and nowhere
//! else.

use std::time::Duration;

use ::connections::key::KeyKind;
use ::connections::plan::Wanted;
use ::connections::preset::Preset;
use ::connections::service_app::{self, Run};
use ::connections::sink::{Account, Sink};
use okta_client::{Client, Credential as OktaCredential, OrgUrl};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use super::arguments::Setup;
use super::aws_failed;
use crate::api::stop::{Code, Stop};

/// The end of the name of the secret that hooks send.
const HOOK_SECRET: &str = "hook-secret";

/// How long rights may take to come into effect.
const PATIENCE: Duration = Duration::from_secs(60);

/// A credential that was made, or was there.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credential {
    /// What it may do.
    preset: &'static str,
    /// The parameter of the template that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameter: Option<&'static str>,
    /// ARN of the secret.
    pub(super) arn: String,
    /// The client.
    client_id: String,
}

/// A class of what signs in to Okta.
struct Class {
    preset: &'static str,
    /// End of the secret's name.
    end: &'static str,
    /// The parameter of the template that names the secret; `None`: no function has it.
    parameter: Option<&'static str>,
    /// Whether the command line asks for it.
    is_wanted: fn(&Setup) -> bool,
}

/// The credential of `org doctor`.
const DOCTOR: &str = "okta-doctor";

/// Every class.
const CLASSES: [Class; 6] = [
    Class {
        preset: "dac",
        end: "okta-credential",
        parameter: Some("OktaCredentialSecretArn"),
        is_wanted: |_| true,
    },
    Class {
        preset: "dac-read",
        end: "okta-read",
        parameter: Some("OktaReadCredentialSecretArn"),
        is_wanted: |_| true,
    },
    Class { preset: "read-only", end: DOCTOR, parameter: None, is_wanted: |_| true },
    Class {
        preset: "dac-delegation",
        end: "okta-delegation",
        parameter: Some("OktaDelegationCredentialSecretArn"),
        is_wanted: |setup| setup.delegation,
    },
    Class {
        preset: "response",
        end: "okta-response",
        parameter: Some("OktaResponseCredentialSecretArn"),
        is_wanted: |setup| setup.responses,
    },
    Class {
        preset: "rotation",
        end: "okta-rotation",
        parameter: Some("OktaRotationCredentialSecretArn"),
        is_wanted: |setup| setup.rotation,
    },
];

fn place(prefix: &str, end: &str) -> Result<Sink, Stop> {
    let place = format!("secretsmanager:{prefix}{end}").parse();
    place.map_err(|error| Stop::new(Code::Usage, format!("`--secrets {prefix}`: {error}")))
}

/// What the doctor reads with.
pub(super) async fn doctor(prefix: &str) -> Result<OktaCredential, Stop> {
    let place = place(prefix, DOCTOR)?;
    let stored = place.read().await?;
    let stored = stored.ok_or_else(|| {
        Stop::new(
            Code::Usage,
            format!("there is no credential in {place}: `org setup --secrets {prefix}` makes one"),
        )
    })?;
    Ok(stored.credential()?)
}

/// Credentials that are there, and whether the hook secret is.
pub(super) struct Kept {
    places: Vec<Sink>,
    hook_secret: Option<String>,
}

/// What there is below a prefix.
/// Half a credential, or one of another org, is said before anything is taken out.
pub(super) async fn kept(prefix: &str, org: &OrgUrl) -> Result<Kept, Stop> {
    let mut places = Vec::new();
    for class in &CLASSES {
        let place = place(prefix, class.end)?;
        if let Some(stored) = place.read().await? {
            stored.client_of(org.as_str()).map_err(|stop| {
                let stop = Stop::from(stop);
                let sentence = format!(
                    "{place}: {}; `org setup --secrets {prefix}` completes a run that was stopped",
                    stop.text
                );
                Stop::new(stop.code, sentence)
            })?;
            places.push(place);
        }
    }
    let name = format!("{prefix}{HOOK_SECRET}");
    let described = secrets_manager().await.describe_secret().secret_id(&name).send().await;
    let hook_secret = match described {
        Ok(_) => Some(name),
        Err(error)
            if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) =>
        {
            None
        }
        Err(error) => return Err(aws_failed("Secrets Manager, DescribeSecret", &error)),
    };
    Ok(Kept { places, hook_secret })
}

impl Kept {
    /// What taking out does, in words.
    pub(super) fn steps(&self) -> Vec<String> {
        let credentials =
            self.places.iter().map(|place| format!("take out the credential of {place}, and its app"));
        credentials.chain(self.hook_secret.iter().map(|name| format!("delete the secret {name}"))).collect()
    }

    /// Takes everything out; gives what was done.
    pub(super) async fn take_out(&self, client: &Client, org: &OrgUrl) -> Result<Vec<String>, Stop> {
        for place in &self.places {
            let client = client.for_request(tokio::time::Instant::now() + super::PART);
            ::connections::ending::uninstall(&client, org, place).await?;
        }
        if let Some(name) = &self.hook_secret {
            let secrets = secrets_manager().await;
            let deleted =
                secrets.delete_secret().secret_id(name).force_delete_without_recovery(true).send().await;
            deleted.map_err(|error| aws_failed("Secrets Manager, DeleteSecret", &error))?;
        }
        Ok(self.steps())
    }
}

/// Makes a service app for each class, with its key in Secrets Manager, and proves it.
pub(super) async fn credentials(
    client: &Client,
    org: &OrgUrl,
    arguments: &Setup,
    prefix: &str,
) -> Result<Vec<Credential>, Stop> {
    let mut made = Vec::new();
    for class in CLASSES.iter().filter(|class| (class.is_wanted)(arguments)) {
        let (name, preset) = (class.preset, Preset::parse(class.preset)?);
        let (secret, place) = (format!("{prefix}{}", class.end), place(prefix, class.end)?);
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
            parameter: class.parameter,
            arn: arn(&secret).await?,
            client_id: report.client_id,
        });
    }
    Ok(made)
}

async fn secrets_manager() -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::new(Account::default().config().await)
}

async fn arn(secret: &str) -> Result<String, Stop> {
    let described = secrets_manager().await.describe_secret().secret_id(secret).send().await;
    let described = described.map_err(|error| aws_failed("Secrets Manager, DescribeSecret", &error))?;
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
    let name = format!("{prefix}{HOOK_SECRET}");
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
        Err(error) => return Err(aws_failed("Secrets Manager, CreateSecret", &error)),
    }
    let kept = secrets_manager().await.get_secret_value().secret_id(&name).send().await;
    let kept = kept.map_err(|error| aws_failed("Secrets Manager, GetSecretValue", &error))?;
    let text = kept.secret_string.map(Zeroizing::new).unwrap_or_default();
    let secret = serde_json::from_str::<Stored>(&text).ok().filter(|secret| secret.current.len() >= 32);
    let secret = secret.ok_or_else(|| {
        Stop::new(Code::Failed, format!("`{name}` has no hook secret: {{\"current\": \"32 bytes or more\"}}"))
    })?;
    let has_previous = secret.previous.is_some();
    Ok((arn(&name).await?, HookSecret { current: Zeroizing::new(secret.current), has_previous }))
}
