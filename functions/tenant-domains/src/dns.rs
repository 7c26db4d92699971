//! TXT records, over HTTPS (the JSON form that public resolvers speak).

use std::time::Duration;

use domain::{EmailDomain, verification_name};
use futures::future::join_all;
use operations::{EnvVar, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, http_client};
use serde::Deserialize;
use url::Url;

/// Longest wait for the resolvers, which are asked at the same time.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Type of TXT records (RFC 1035, 3.2.2); a CNAME on the way stands beside them.
const TXT: u16 = 16;

/// `NOERROR` and `NXDOMAIN` (RFC 1035, 4.1.1): an answer, also if it is empty.
const ANSWERS: [u16; 2] = [0, 3];

/// No resolver answered.
#[derive(Debug, thiserror::Error)]
#[error("ask the resolvers for `{name}`")]
pub struct DnsError {
    name: String,
    source: Reason,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("reach the resolver")]
    Unreachable(#[from] reqwest::Error),
    #[error("resolve the name: the resolver answers {0}")]
    Failed(u16),
}

impl From<DnsError> for Failure {
    fn from(error: DnsError) -> Self {
        let detail = format!("no resolver answers for `{}`; nothing was changed", error.name);
        Failure::new(ProblemCode::DnsUnavailable, detail).log("look the record up", &error)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Answer {
    status: u16,
    #[serde(default)]
    answer: Vec<Record>,
}

#[derive(Deserialize)]
pub(crate) struct Record {
    #[serde(rename = "type")]
    kind: u16,
    data: String,
}

/// Resolvers of DNS over HTTPS.
#[derive(Clone, Debug)]
pub(crate) struct Resolvers {
    http: reqwest::Client,
    urls: Vec<Url>,
}

impl Resolvers {
    /// The resolvers that the environment names.
    pub(crate) fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let variable = &EnvVar::DNS_RESOLVERS;
        let refuse = |text: &str| ConfigError::value(variable, "must be URLs, separated by commas", text);
        let texts = environment.list(variable)?;
        let urls =
            texts.iter().map(|text| Url::parse(text).map_err(|_| refuse(text))).collect::<Result<_, _>>()?;
        let http = http_client(TIMEOUT).map_err(|error| ConfigError::System(error.to_string()))?;
        Ok(Self { http, urls })
    }

    /// The texts of the record that verifies `domain`, as any resolver knows them:
    /// one may have kept an older answer.
    pub(crate) async fn texts(&self, domain: &EmailDomain) -> Result<Vec<String>, DnsError> {
        let name = verification_name(domain);
        let answers = join_all(self.urls.iter().map(|resolver| self.ask(resolver, &name))).await;
        let (mut texts, mut failure) = (Vec::new(), None);
        let mut answered = false;
        for answer in answers {
            match answer {
                Ok(found) => {
                    answered = true;
                    texts.extend(found);
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(source) if !answered => Err(DnsError { name, source }),
            _ => Ok(texts),
        }
    }

    async fn ask(&self, resolver: &Url, name: &str) -> Result<Vec<String>, Reason> {
        let mut url = resolver.clone();
        url.query_pairs_mut().append_pair("name", name).append_pair("type", "TXT");
        let answer = self.http.get(url).header("accept", "application/dns-json").send().await;
        let answer: Answer = answer.and_then(reqwest::Response::error_for_status)?.json().await?;
        texts(answer)
    }
}

/// The texts of an answer.
pub(crate) fn texts(answer: Answer) -> Result<Vec<String>, Reason> {
    if !ANSWERS.contains(&answer.status) {
        return Err(Reason::Failed(answer.status));
    }
    let texts = answer.answer.into_iter().filter(|record| record.kind == TXT);
    Ok(texts.map(|record| joined(&record.data)).collect())
}

/// A record's strings, joined: `"one" "two"` is `onetwo`, and text that is not
/// quoted is itself, as one of the resolvers prints it.
fn joined(data: &str) -> String {
    if !data.trim_start().starts_with('"') {
        return data.trim().to_owned();
    }
    let (mut text, mut inside) = (String::new(), false);
    let mut characters = data.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => inside = !inside,
            '\\' if inside => text.extend(characters.next()),
            c if inside => text.push(c),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dom_11_strings_of_a_record_are_joined() {
        for (data, text) in [
            (r#""token""#, "token"),
            (r#""to" "ken""#, "token"),
            (r#""to""ken""#, "token"),
            ("token", "token"),
            (r#""with \"quotes\" and a \\""#, r#"with "quotes" and a \"#),
            (r#"" token ""#, " token "),
            ("", ""),
        ] {
            assert_eq!(joined(data), text, "{data}");
        }
    }
}
