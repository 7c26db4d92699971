//! The Security Token Service: a client of our own, for four operations.
//!
//! AWS's SDK would read the very profile that calls this program, and start slower. What
//! is sent is from the STS API Reference; errors are told apart by their code alone, apart
//! from two refusals of a duration, which share a code with others.

mod answer;
mod duration;
mod endpoint;

pub use answer::{Credentials, Refused};
pub use duration::{CHAINED, Duration, ladder};
pub use endpoint::Endpoints;

use std::collections::BTreeMap;
use std::time::{Duration as Time, Instant, SystemTime};

use jiff::Timestamp;
use reqwest::Client;
use url::form_urlencoded;

use super::arn::RoleArn;
use crate::failure::{Exit, Failure};

/// How often a call is tried where AWS is busy or does not answer.
const TRIES: u32 = 4;

/// Who proves that the role may be taken.
#[derive(Clone, Debug)]
pub enum Proof<'a> {
    /// A SAML assertion, and the ARN of its provider.
    Saml {
        /// Base64.
        assertion: &'a str,
        /// ARN of the SAML provider.
        provider: &'a str,
    },
    /// A token, and the name that the session shall have.
    WebIdentity {
        /// A JWT.
        token: &'a str,
        /// 2 to 64 characters.
        session_name: &'a str,
    },
    /// Credentials of another role.
    Credentials(&'a Credentials, &'a Chain),
}

/// What AssumeRole takes besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// What the session is called.
    pub session_name: String,
    /// What the role's owner asked for.
    pub external_id: Option<String>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Keys of the tags that go on to further roles.
    pub transitive_tags: Vec<String>,
    /// Who the session belongs to.
    pub source_identity: Option<String>,
    /// A device, and the code that it shows.
    pub mfa: Option<(String, String)>,
}

/// What further limits a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// An inline policy.
    pub policy: Option<String>,
    /// ARNs of managed policies.
    pub policy_arns: Vec<String>,
}

/// The client.
pub struct Sts {
    http: Client,
    endpoints: Endpoints,
    deadline: Instant,
}

impl Sts {
    /// A client that is done by `deadline`.
    pub fn new(http: Client, endpoints: Endpoints, deadline: Instant) -> Self {
        Self { http, endpoints, deadline }
    }

    /// One attempt to take a role for so many seconds.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub async fn assume(
        &self,
        role: &RoleArn,
        seconds: u32,
        proof: &Proof<'_>,
        limits: &Limits,
    ) -> Result<Credentials, Refused> {
        let seconds = seconds.to_string();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Version", "2011-06-15").append_pair("RoleArn", role.as_str());
        form.append_pair("DurationSeconds", &seconds);
        let (action, signer) = match proof {
            Proof::Saml { assertion, provider } => {
                form.append_pair("PrincipalArn", provider).append_pair("SAMLAssertion", assertion);
                ("AssumeRoleWithSAML", None)
            }
            Proof::WebIdentity { token, session_name } => {
                form.append_pair("RoleSessionName", session_name).append_pair("WebIdentityToken", token);
                ("AssumeRoleWithWebIdentity", None)
            }
            Proof::Credentials(credentials, chain) => {
                chain.append(&mut form);
                ("AssumeRole", Some(*credentials))
            }
        };
        form.append_pair("Action", action);
        if let Some(policy) = &limits.policy {
            form.append_pair("Policy", policy);
        }
        for (index, arn) in limits.policy_arns.iter().enumerate() {
            form.append_pair(&format!("PolicyArns.member.{}.arn", index + 1), arn);
        }
        let region = self.endpoints.region(role);
        let (answer, date) = self.send(&region, form.finish(), signer).await?;
        answer::credentials(&answer, action, date)
    }

    /// Who the credentials are of.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub async fn caller(&self, role: &RoleArn, credentials: &Credentials) -> Result<String, Refused> {
        let body = "Action=GetCallerIdentity&Version=2011-06-15".to_owned();
        let (answer, _) = self.send(&self.endpoints.region(role), body, Some(credentials)).await?;
        answer::element(&answer, "Arn").ok_or_else(|| Refused::unreadable("GetCallerIdentity"))
    }

    /// The alias of the account of a role, by the role's own credentials.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub async fn alias(&self, role: &RoleArn, credentials: &Credentials) -> Result<Option<String>, Refused> {
        let body = "Action=ListAccountAliases&Version=2010-05-08".to_owned();
        let url = self.endpoints.iam(role);
        let (region, service) = (role.partition().default_region, "iam");
        let (status, answer, date) = self.post(&url, service, region, &body, Some(credentials)).await?;
        match status {
            200 => Ok(answer::element(&answer, "member")),
            status => Err(answer::refusal(status, &answer, date)),
        }
    }

    /// Sends to STS, again where AWS is busy; once more at the partition's default region
    /// where STS is switched off in this one.
    async fn send(
        &self,
        region: &str,
        body: String,
        signer: Option<&Credentials>,
    ) -> Result<(String, Option<Timestamp>), Refused> {
        let mut region = region.to_owned();
        let mut tries = 0;
        loop {
            tries += 1;
            let url = self.endpoints.sts(&region);
            let refused = match self.post(&url, "sts", &region, &body, signer).await {
                Ok((200, answer, date)) => return Ok((answer, date)),
                Ok((status, answer, date)) => answer::refusal(status, &answer, date),
                Err(refused) => refused,
            };
            let default = super::arn::Partition::of_region(&region).default_region;
            if refused.code == "RegionDisabledException" && region != default {
                default.clone_into(&mut region);
                continue;
            }
            let pause =
                Time::from_millis(fastrand::u64(100..400) << (tries - 1).min(3)).min(Time::from_secs(2));
            let last = tries >= if refused.code == "IDPCommunicationError" { 3 } else { TRIES };
            if !refused.is_passing() || last || Instant::now() + pause >= self.deadline {
                return Err(refused);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn post(
        &self,
        url: &str,
        service: &str,
        region: &str,
        body: &str,
        signer: Option<&Credentials>,
    ) -> Result<(u16, String, Option<Timestamp>), Refused> {
        const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
        let mut request = http::Request::post(url).header("content-type", FORM).header("accept", "text/xml");
        if let Some(credentials) = signer {
            for (name, value) in credentials.sign(url, service, region, FORM, body)? {
                request = request.header(name, value);
            }
        }
        let request = request.body(body.to_owned()).map_err(|error| Refused::local(&error.to_string()))?;
        let request =
            reqwest::Request::try_from(request).map_err(|error| Refused::local(&error.to_string()))?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        let answered = tokio::time::timeout(left, async {
            let answer = self.http.execute(request).await?;
            let status = answer.status().as_u16();
            let date = answer.headers().get("date").and_then(|date| date.to_str().ok()).and_then(http_date);
            Ok::<_, reqwest::Error>((status, answer.text().await?, date))
        });
        match answered.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Refused::connection(url, &error)),
            Err(_) => Err(Refused::late(url)),
        }
    }
}

impl Chain {
    fn append(&self, form: &mut form_urlencoded::Serializer<'_, String>) {
        form.append_pair("RoleSessionName", &self.session_name);
        if let Some(id) = &self.external_id {
            form.append_pair("ExternalId", id);
        }
        for (index, (key, value)) in self.tags.iter().enumerate() {
            form.append_pair(&format!("Tags.member.{}.Key", index + 1), key);
            form.append_pair(&format!("Tags.member.{}.Value", index + 1), value);
        }
        for (index, key) in self.transitive_tags.iter().enumerate() {
            form.append_pair(&format!("TransitiveTagKeys.member.{}", index + 1), key);
        }
        if let Some(identity) = &self.source_identity {
            form.append_pair("SourceIdentity", identity);
        }
        if let Some((serial, code)) = &self.mfa {
            form.append_pair("SerialNumber", serial).append_pair("TokenCode", code);
        }
    }

    /// Whether STS would take it, before anything is sent.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`].
    pub fn check(&self) -> Result<(), Failure> {
        let usage = |sentence: String| Err(Failure::new(Exit::Usage, sentence));
        if let Some(id) = self.external_id.as_ref().filter(|id| !(2..=1_224).contains(&id.len())) {
            return usage(format!("an external id has 2 to 1,224 characters, this one {}", id.len()));
        }
        if self.tags.len() > 50 {
            return usage(format!("{} tags: 50 at most are possible", self.tags.len()));
        }
        for (key, value) in &self.tags {
            if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
                return usage(format!(
                    "the tag `{key}`: 1 to 128 characters for a key, 256 at most for a value"
                ));
            }
        }
        if let Some((_, code)) = &self.mfa
            && (code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return usage("the code of a device has six digits".to_owned());
        }
        match &self.source_identity {
            Some(identity) if session_name(identity) != *identity => {
                usage(format!("`{identity}` is no source identity: 2 to 64 of letters, digits and _+=,.@-"))
            }
            _ => Ok(()),
        }
    }
}

/// A session's name of 2 to 64 of `[\w+=,.@-]`: others become a hyphen.
pub fn session_name(wanted: &str) -> String {
    let mut name: String = wanted
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' })
        .take(64)
        .collect();
    while name.len() < 2 {
        name.push('-');
    }
    name
}

/// A time of HTTP (RFC 9110, 5.6.7).
pub fn http_date(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S GMT", text).ok()?.to_datetime().ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp())
}

impl Credentials {
    /// Signature Version 4, as headers.
    fn sign(
        &self,
        url: &str,
        service: &str,
        region: &str,
        media_type: &str,
        body: &str,
    ) -> Result<Vec<(String, String)>, Refused> {
        use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
        let wrong = |error: &dyn std::fmt::Display| Refused::local(&error.to_string());
        let identity = aws_credential_types::Credentials::new(
            self.access_key_id.clone(),
            self.secret_access_key.clone(),
            Some(self.session_token.clone()),
            None,
            "okta-dac",
        );
        let identity = identity.into();
        let now = SystemTime::UNIX_EPOCH
            + Time::from_secs(
                u64::try_from(Timestamp::now().as_second() + self.server_offset).unwrap_or_default(),
            );
        let parameters = aws_sigv4::sign::v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| wrong(&error))?;
        let headers = std::iter::once(("content-type", media_type));
        let request = SignableRequest::new("POST", url, headers, SignableBody::Bytes(body.as_bytes()));
        let request = request.map_err(|error| wrong(&error))?;
        let (instructions, _) =
            sign(request, &parameters.into()).map_err(|error| wrong(&error))?.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_is_what_aws_takes() {
        assert_eq!(session_name("user@acme.test"), "user@acme.test");
        assert_eq!(session_name("Zoë Müller/x"), "Zo--M-ller-x");
        assert_eq!(session_name(""), "--");
        assert_eq!(session_name(&"a".repeat(100)).len(), 64);
    }

    #[test]
    fn times_of_http() {
        assert_eq!(http_date("Sun, 29 Nov 2026 15:04:05 GMT").unwrap().to_string(), "2026-11-29T15:04:05Z");
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn a_chain_is_checked_before_it_is_sent() {
        let chain = |change: &dyn Fn(&mut Chain)| {
            let mut chain = Chain { session_name: "a@b".to_owned(), ..Chain::default() };
            change(&mut chain);
            chain.check()
        };
        assert!(chain(&|_| ()).is_ok());
        let wrong: [&dyn Fn(&mut Chain); 5] = [
            &|chain| chain.external_id = Some("x".to_owned()),
            &|chain| chain.mfa = Some(("arn".to_owned(), "12345".to_owned())),
            &|chain| chain.source_identity = Some("a b".to_owned()),
            &|chain| chain.tags = (0..51).map(|n| (n.to_string(), String::new())).collect(),
            &|chain| chain.tags = BTreeMap::from([(String::new(), String::new())]),
        ];
        for wrong in wrong {
            assert_eq!(chain(wrong).unwrap_err().exit, Exit::Usage);
        }
    }
}
