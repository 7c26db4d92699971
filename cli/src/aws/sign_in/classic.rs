//! Okta's authentication API, and the SAML page of the app (Classic Engine).
//!
//! Evidence: reference page "Authentication" (statuses, links, errors); gimme-aws-creds and
//! saml2aws for the second factor of an app.

use serde_json::{Value, json};
use url::Url;

use super::Secrets;
use super::factors::{self, Asked};
use crate::aws::http::{Answer, Okta};
use crate::aws::saml::{Assertion, read_page};
use crate::failure::{Exit, Failure};

/// What a sign-in needs to know.
pub struct SignIn<'a, 'p> {
    /// The org.
    pub okta: &'a Okta,
    /// The link of the AWS app.
    pub app: &'a Url,
    /// Login.
    pub username: &'a str,
    /// Secrets that are stored.
    pub secrets: &'a Secrets,
    /// For a password that is not stored, and for factors.
    pub person: Asked<'p>,
}

/// The assertion of a session that is still alive; [`None`] if Okta wants a sign-in.
///
/// # Errors
///
/// [`Exit::Network`] and others of the page.
pub async fn from_session(okta: &Okta, app: &Url) -> Result<Option<Assertion>, Failure> {
    let page = okta.page(app.clone()).await?;
    assertion_of(okta, &page)
}

fn assertion_of(okta: &Okta, answer: &Answer) -> Result<Option<Assertion>, Failure> {
    match answer.status.as_u16() {
        429 => return Err(limited(answer)),
        500.. => return Err(answer.unexpected("opening the app")),
        _ => {}
    }
    let page = read_page(&answer.body);
    match page.response {
        Some(posted) => Assertion::read(&posted, okta.now()).map(Some),
        None => Ok(None),
    }
}

impl SignIn<'_, '_> {
    /// Signs in and gets the assertion.
    ///
    /// # Errors
    ///
    /// By the table of exit codes.
    pub async fn assertion(&mut self) -> Result<Assertion, Failure> {
        let token = self.session_token().await?;
        let mut link = self.app.clone();
        link.query_pairs_mut().append_pair("sessionToken", &token);
        let answer = self.okta.page(link).await?;
        if let Some(assertion) = assertion_of(self.okta, &answer)? {
            return Ok(assertion);
        }
        let page = read_page(&answer.body);
        if let Some(state) = page.state_token {
            return self.app_factor(&state).await;
        }
        Err(not_assigned(&page.title, &answer))
    }

    /// A second factor that the app asks for, after the sign-in.
    async fn app_factor(&mut self, state: &str) -> Result<Assertion, Failure> {
        let answer = self.post("/api/v1/authn", &json!({ "stateToken": state })).await?;
        let token = self.finish(answer).await?;
        let mut url = self.okta.url("/login/sessionCookieRedirect")?;
        url.query_pairs_mut()
            .append_pair("checkAccountSetupComplete", "true")
            .append_pair("token", &token)
            .append_pair("redirectUrl", self.app.as_str());
        let answer = self.okta.page(url).await?;
        assertion_of(self.okta, &answer)?.ok_or_else(|| {
            Failure::new(Exit::Account, "the app wants more than a second factor")
                .hint("`okta-dac aws init --mode device` signs in with a browser")
        })
    }

    /// User name, password, factor.
    async fn session_token(&mut self) -> Result<String, Failure> {
        let stored = self.secrets.password.clone();
        let password = match stored {
            Some(password) => password,
            None => self.person.terminal.ask_secret(&format!("Okta password of {}", self.username))?,
        };
        let password = zeroize::Zeroizing::new(password);
        let mut body = json!({
            "username": self.username, "password": *password,
            "options": { "warnBeforePasswordExpired": true, "multiOptionalFactorEnroll": false },
        });
        if let Some(device) = &self.secrets.device_token {
            body["context"] = json!({ "deviceToken": device });
        }
        let answer = self.post("/api/v1/authn", &body).await?;
        self.finish(answer).await
    }

    /// Posts; waits once for a limit that ends in time.
    async fn post(&self, path: &str, body: &Value) -> Result<Answer, Failure> {
        let url = self.okta.url(path)?;
        let answer = self.okta.post(url.clone(), body).await?;
        if answer.status.as_u16() != 429 {
            return Ok(answer);
        }
        let wait = std::time::Duration::from_secs(u64::try_from(answer.reset.unwrap_or(1)).unwrap_or(1));
        if wait >= self.okta.left() {
            return Err(limited(&answer));
        }
        tokio::time::sleep(wait).await;
        let answer = self.okta.post(url, body).await?;
        if answer.status.as_u16() == 429 { Err(limited(&answer)) } else { Ok(answer) }
    }

    /// From an answer of `authn` to a session token.
    async fn finish(&mut self, mut answer: Answer) -> Result<String, Failure> {
        // Each turn is a step of the sign-in; there are few.
        for _ in 0..10 {
            if !answer.status.is_success() {
                return Err(refused(&answer));
            }
            let state = answer.json();
            match state["status"].as_str().unwrap_or_default() {
                "SUCCESS" => {
                    let token = state["sessionToken"].as_str();
                    return token.map(str::to_owned).ok_or_else(|| answer.unexpected("signing in"));
                }
                "MFA_REQUIRED" | "MFA_CHALLENGE" => {
                    answer = factors::prove(self.okta, &state, self.secrets, &mut self.person).await?;
                }
                "PASSWORD_WARN" => {
                    self.person.terminal.show("Your Okta password ends soon: change it in your browser.");
                    let skip = link(&state, "skip").ok_or_else(|| answer.unexpected("signing in"))?;
                    let body = json!({ "stateToken": state["stateToken"] });
                    answer = self.okta.post(self.okta.url(skip)?, &body).await?;
                }
                status => return Err(self.needs_a_person(status, &answer)),
            }
        }
        Err(Failure::new(Exit::Network, "the sign-in does not come to an end"))
    }

    fn needs_a_person(&self, status: &str, answer: &Answer) -> Failure {
        let org = self.okta.org();
        let account = |sentence: &str, hint: String| Failure::new(Exit::Account, sentence).hint(hint);
        let failure = match status {
            "PASSWORD_EXPIRED" | "PASSWORD_RESET" => {
                account("the Okta password has expired", format!("set a new one at {org}"))
            }
            "LOCKED_OUT" => account("the Okta account is locked", format!("unlock it at {org}signin/unlock")),
            "MFA_ENROLL" | "MFA_ENROLL_ACTIVATE" => {
                account("Okta wants you to set up a factor first", format!("set one up at {org}"))
            }
            status if status.starts_with("RECOVERY") => {
                account("the Okta account is being recovered", format!("end that at {org}"))
            }
            status => Failure::new(
                Exit::Network,
                format!("Okta answers with a status that is not known: `{status}`"),
            )
            .hint("`okta-dac aws init --mode device` signs in with a browser"),
        };
        answer.detailed(failure)
    }
}

/// A link of an answer.
pub(super) fn link<'a>(state: &'a Value, name: &str) -> Option<&'a str> {
    state["_links"][name]["href"].as_str()
}

fn limited(answer: &Answer) -> Failure {
    let seconds = answer.reset.unwrap_or(60);
    answer.detailed(
        Failure::new(Exit::RateLimited, format!("Okta's limit is used up for {seconds} s"))
            .hint(format!("try again in {seconds} s")),
    )
}

/// What a refusal of `authn` means.
pub(super) fn refused(answer: &Answer) -> Failure {
    let failure = match (answer.code().as_str(), answer.status.as_u16()) {
        ("E0000004", _) => Failure::new(Exit::Refused, "Okta refuses user name or password")
            .hint("`okta-dac aws init` takes the right ones; the stored password is not tried again before"),
        ("E0000047", _) | (_, 429) => return limited(answer),
        ("E0000068", _) => Failure::new(Exit::Factor, "Okta refuses the code"),
        ("E0000069", _) => Failure::new(Exit::Factor, "the factor is locked after too many wrong codes"),
        ("E0000082", _) => {
            Failure::new(Exit::Factor, "the code was used before").hint("wait for the next one")
        }
        ("E0000083", _) => Failure::new(Exit::Factor, "the code is too old"),
        ("E0000011", _) => Failure::new(Exit::Factor, "the sign-in took too long").hint("try again"),
        _ => return answer.unexpected("signing in"),
    };
    answer.detailed(failure)
}

/// A page without an assertion.
fn not_assigned(title: &str, answer: &Answer) -> Failure {
    let sentence = if title.is_empty() {
        "Okta gives no assertion for the app".to_owned()
    } else {
        format!("Okta gives no assertion for the app (its page is called `{title}`)")
    };
    answer.detailed(
        Failure::new(Exit::NotAllowed, sentence).hint("whoever administers the AWS app in Okta assigns it"),
    )
}
