//! Credentials as programs and shells read them: composed in memory, written at once.

use jiff::Timestamp;

use super::sts::Credentials;

/// A format of stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One line of JSON for `credential_process`.
    Process,
    /// The same.
    Json,
    /// As the predecessor wrote it for `eval`.
    Eval,
    /// As the predecessor wrote it for a credentials file.
    Aws,
    /// sh, bash, zsh, dash.
    Sh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// cmd.exe.
    Cmd,
    /// `NAME=value` lines.
    EnvFile,
    /// A section of a credentials file.
    Ini,
}

/// What is written besides the credentials.
#[derive(Clone, Debug, Default)]
pub struct Extra<'a> {
    /// Adds `AccountId` to JSON.
    pub account_id: Option<&'a str>,
    /// Adds a region where the format has one.
    pub region: Option<&'a str>,
    /// Name of the section.
    pub profile: Option<&'a str>,
    /// Adds `AWS_SECURITY_TOKEN`.
    pub legacy: bool,
}

/// RFC 3339 in UTC, with whole seconds: the SDKs for Go and Rust take nothing looser.
pub fn expiration(credentials: &Credentials) -> String {
    rfc3339(credentials.expiration)
}

/// The same of any time.
pub fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Variables of a program that gets the credentials.
pub fn variables<'a>(
    credentials: &'a Credentials,
    end: &'a str,
    extra: &Extra<'a>,
) -> Vec<(&'static str, &'a str)> {
    let mut variables = vec![
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.as_str()),
        ("AWS_SESSION_TOKEN", credentials.session_token.as_str()),
        ("AWS_CREDENTIAL_EXPIRATION", end),
    ];
    if extra.legacy {
        variables.push(("AWS_SECURITY_TOKEN", &credentials.session_token));
    }
    if let Some(region) = extra.region {
        variables.push(("AWS_REGION", region));
        variables.push(("AWS_DEFAULT_REGION", region));
    }
    variables
}

impl Format {
    /// The text for stdout.
    pub fn write(self, credentials: &Credentials, extra: &Extra<'_>) -> String {
        let end = expiration(credentials);
        let (id, secret, token) =
            (&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token);
        let each = |line: &dyn Fn(&str, &str) -> String| -> String {
            variables(credentials, &end, extra).into_iter().map(|(name, value)| line(name, value)).collect()
        };
        match self {
            // In this order and without spaces: some readers take a limited length.
            Self::Process | Self::Json => {
                let json = |text: &str| serde_json::Value::from(text).to_string();
                let account =
                    extra.account_id.map(|id| format!(",\"AccountId\":{}", json(id))).unwrap_or_default();
                format!(
                    "{{\"Version\":1,\"AccessKeyId\":{},\"SecretAccessKey\":{},\"SessionToken\":{},\"Expiration\":{}{account}}}\n",
                    json(id),
                    json(secret),
                    json(token),
                    json(&end),
                )
            }
            Self::Eval => [
                ("AWS_ACCESS_KEY_ID", id.as_str()),
                ("AWS_SECRET_ACCESS_KEY", secret),
                ("AWS_SECURITY_TOKEN", token),
                ("AWS_SESSION_TOKEN", token),
                ("AWS_TEMP_KEY_EXPIRATION", &end),
            ]
            .map(|(name, value)| format!("{name}={} ; export {name}\n", sh(value)))
            .concat(),
            Self::Aws => format!(
                "[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\naws_session_token = {token}\n"
            ),
            Self::Ini => format!(
                "[{}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\naws_session_token = {token}\nx_security_token_expires = {end}\n",
                extra.profile.unwrap_or("default")
            ),
            Self::Sh => each(&|name, value| format!("export {name}={}\n", sh(value))),
            Self::Fish => each(&|name, value| format!("set -gx {name} {};\n", fish(value))),
            Self::Powershell => each(&|name, value| format!("$Env:{name}='{}'\n", value.replace('\'', "''"))),
            Self::Cmd => each(&|name, value| format!("set \"{name}={}\"\r\n", cmd(value))),
            Self::EnvFile => each(&|name, value| format!("{name}={value}\n")),
        }
    }
}

/// In single quotes nothing is special but the quote.
fn sh(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// In single quotes a backslash escapes itself and the quote.
fn fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// In a batch file a percent sign is written twice.
fn cmd(text: &str) -> String {
    text.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn credentials() -> Credentials {
        let time = "2026-11-29T15:04:05.123Z".parse().unwrap();
        Credentials {
            access_key_id: "ASIAEXAMPLE".to_owned(),
            secret_access_key: "a'b\"c$d%e!f\\g`h i".to_owned(),
            session_token: "t/+=".to_owned(),
            expiration: time,
            issued: time,
            server_offset: 0,
            session_arn: String::new(),
        }
    }

    #[test]
    fn the_line_for_a_credential_process() {
        let text = Format::Process.write(&credentials(), &Extra::default());
        assert_eq!(
            text,
            "{\"Version\":1,\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"a'b\\\"c$d%e!f\\\\g`h i\",\"SessionToken\":\"t/+=\",\"Expiration\":\"2026-11-29T15:04:05Z\"}\n"
        );
        let extra = Extra { account_id: Some("123456789012"), ..Extra::default() };
        let with = Format::Json.write(&credentials(), &extra);
        assert!(with.ends_with(",\"AccountId\":\"123456789012\"}\n"), "{with}");
    }

    /// AWS-28: what a shell has after it evaluated the text; other shells are tried by `make conformance`.
    #[test]
    fn a_shell_has_the_very_values() {
        let wanted = credentials();
        for (shell, format) in
            [("bash", Format::Sh), ("dash", Format::Sh), ("bash", Format::Eval), ("dash", Format::Eval)]
        {
            let text = format.write(&wanted, &Extra { legacy: true, ..Extra::default() });
            let script = format!(
                "{text}printf '%s|%s|%s' \"$AWS_SECRET_ACCESS_KEY\" \"$AWS_SESSION_TOKEN\" \"$AWS_SECURITY_TOKEN\""
            );
            let output = Command::new(shell).args(["-c", &script]).output().unwrap();
            let values = String::from_utf8(output.stdout).unwrap();
            assert_eq!(values, format!("{}|t/+=|t/+=", wanted.secret_access_key), "{shell} {format:?}");
        }
    }

    #[test]
    fn files_and_other_shells() {
        let of = |format: Format| {
            format.write(&credentials(), &Extra { region: Some("eu-west-1"), ..Extra::default() })
        };
        assert!(of(Format::Fish).contains("set -gx AWS_SECRET_ACCESS_KEY 'a\\'b\"c$d%e!f\\\\g`h i';\n"));
        assert!(of(Format::Powershell).contains("$Env:AWS_SECRET_ACCESS_KEY='a''b\"c$d%e!f\\g`h i'\n"));
        assert!(of(Format::Cmd).contains("set \"AWS_SECRET_ACCESS_KEY=a'b\"c$d%%e!f\\g`h i\"\r\n"));
        assert!(of(Format::EnvFile).ends_with("AWS_REGION=eu-west-1\nAWS_DEFAULT_REGION=eu-west-1\n"));
        assert!(of(Format::Aws).starts_with("[default]\naws_access_key_id = ASIAEXAMPLE\n"));
        assert!(of(Format::Ini).ends_with("x_security_token_expires = 2026-11-29T15:04:05Z\n"));
    }
}
