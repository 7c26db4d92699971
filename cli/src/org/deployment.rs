//! `samconfig.toml`: what `make deploy` deploys with. It names secrets and holds none.

use std::path::{Path, PathBuf};

use okta_client::OrgUrl;
use org_setup::setup::Report;
use serde_json::{Map, Value};

use super::arguments::Setup;
use super::secrets::Credential;
use crate::api::stop::{Code, Stop};
use crate::aws::files;

/// What a new file begins with.
const EXAMPLE: &str = include_str!("../../../samconfig.toml.example");

/// Parameters of the template, with values, in the order in which they were learned.
pub(super) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    pub(super) fn of(org: &OrgUrl, arguments: &Setup, report: &Report, deployment: &Deployment) -> Self {
        // Other clients, and the origin of before, are a person's decision.
        let mut clients: Vec<&str> =
            deployment.value("TokenClientIds").unwrap_or_default().split(',').collect();
        clients.retain(|client| !client.is_empty() && *client != report.app_id);
        clients.push(&report.app_id);
        let origin = deployment.value("CorsAllowOrigin").or(arguments.origins.first().map(String::as_str));
        let mut all = vec![
            ("OktaOrgUrl", org.as_str().to_owned()),
            ("OktaDacAppId", report.app_id.clone()),
            ("RespondersGroupId", report.responders_group_id.clone()),
            ("PlaceholderKeyId", report.placeholder_key_id.clone()),
            ("TokenIssuer", report.issuer.clone()),
            ("TokenAudiences", arguments.audience.clone()),
            ("TokenClientIds", clients.join(",")),
        ];
        all.extend(origin.map(|origin| ("CorsAllowOrigin", origin.to_owned())));
        all.extend(arguments.layer.clone().map(|layer| ("SecretsExtensionLayerArn", layer)));
        all.extend(report.delegated_user_type_id.clone().map(|id| ("DelegatedUserTypeId", id)));
        Self(all)
    }

    pub(super) fn add_secrets(&mut self, credentials: &[Credential], hook_secret: String) {
        let named =
            credentials.iter().filter_map(|credential| Some((credential.parameter?, credential.arn.clone())));
        self.0.extend(named);
        self.0.push(("HookSecretArn", hook_secret));
    }

    pub(super) fn to_json(&self) -> Value {
        let members = self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into()));
        Value::Object(members.collect::<Map<String, Value>>())
    }
}

/// The file, as it was before the run.
pub(super) struct Deployment {
    path: PathBuf,
    text: String,
}

/// Reads the file before anything is made: one that cannot be edited stops the run.
pub(super) fn prepare(path: &Path) -> Result<Deployment, Stop> {
    let text = match files::read(path)? {
        None => without_examples(EXAMPLE),
        Some(bytes) => String::from_utf8(bytes)
            .ok()
            .filter(|text| text.lines().filter(|line| line.trim() == LIST).count() == 1)
            .ok_or_else(|| {
                let sentence = format!(
                    "{}: one `{LIST}`, with a line for each parameter, is what can be edited: see samconfig.toml.example, and `--samconfig` for another file",
                    path.display()
                );
                Stop::new(Code::Usage, sentence)
            })?,
    };
    // The folder of a bare name is the one where the person stands.
    let path = std::path::absolute(path);
    let path = path.map_err(|error| Stop::new(Code::Usage, format!("`--samconfig`: {error}")))?;
    Ok(Deployment { path, text })
}

/// The line that the parameters follow.
const LIST: &str = "parameter_overrides = [";

/// The name of a line's parameter.
fn name_of(line: &str) -> Option<&str> {
    line.trim().strip_prefix('"')?.split_once('=').map(|(name, _)| name)
}

/// The example without values that are nobody's.
fn without_examples(example: &str) -> String {
    let is_kept = |line: &&str| name_of(line).is_none_or(|name| name == "Architecture");
    let lines = example.lines().filter(|line| !line.starts_with('#')).filter(is_kept);
    lines.map(|line| format!("{line}\n")).collect::<String>().trim_start().to_owned()
}

impl Deployment {
    /// What the file says of a parameter.
    fn value(&self, name: &str) -> Option<&str> {
        let line = self.text.lines().find(|line| name_of(line) == Some(name))?;
        let value = line.trim().strip_prefix('"')?.split_once('=')?.1;
        Some(value.trim_end_matches(',').trim_end_matches('"'))
    }

    /// Puts the parameters into the file; others stay.
    pub(super) fn write(&self, parameters: &Parameters) -> Result<String, Stop> {
        let mut lines: Vec<String> = self.text.lines().map(str::to_owned).collect();
        let own: Vec<String> =
            parameters.0.iter().map(|(name, value)| format!("  \"{name}={value}\",")).collect();
        let is_new = |line: &String| {
            name_of(line).is_none_or(|name| !parameters.0.iter().any(|(known, _)| *known == name))
        };
        lines.retain(is_new);
        let at = lines.iter().position(|line| line.trim() == LIST).map_or(lines.len(), |at| at + 1);
        lines.splice(at..at, own);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        files::replace(&self.path, text.as_bytes())?;
        Ok(self.path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_put_in_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samconfig.toml");
        let parameters = |issuer: &str| {
            Parameters(vec![
                ("TokenIssuer", issuer.to_owned()),
                ("OktaOrgUrl", "https://acme.test".to_owned()),
            ])
        };
        prepare(&path).unwrap().write(&parameters("one")).unwrap();
        let first = std::fs::read_to_string(&path).unwrap();
        assert!(
            first.contains("  \"TokenIssuer=one\",\n") && first.contains("\"Architecture=arm64\""),
            "{first}"
        );
        // What is nobody's is not there: SAM says that the parameter lacks.
        assert!(!first.contains("example.okta.com") && !first.contains("111122223333"), "{first}");
        std::fs::write(&path, first.replace("  \"Arch", "  \"LogLevel=DEBUG\",\n  \"Arch")).unwrap();
        prepare(&path).unwrap().write(&parameters("two")).unwrap();
        let second = std::fs::read_to_string(&path).unwrap();
        assert!(second.contains("LogLevel=DEBUG") && second.contains("TokenIssuer=two"), "{second}");
        assert_eq!(second.matches("TokenIssuer").count(), 1);
        let read = prepare(&path).unwrap();
        assert_eq!(
            [read.value("LogLevel"), read.value("TokenIssuer"), read.value("None")],
            [Some("DEBUG"), Some("two"), None]
        );
        std::fs::write(&path, "parameter_overrides = \"A=b\"\n").unwrap();
        assert!(prepare(&path).is_err());
        // Of two environments nobody knows which is meant.
        std::fs::write(&path, format!("{first}\n[prod.deploy.parameters]\n{LIST}\n]\n")).unwrap();
        assert!(prepare(&path).is_err());
    }
}
