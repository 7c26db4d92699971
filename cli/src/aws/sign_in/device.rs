//! The device authorization grant, and the exchange for a web SSO token (Identity Engine).
//!
//! Evidence: RFC 8628; Okta's guide "Configure device authorization grant"; okta-aws-cli and
//! gimme-aws-creds for the exchange, which Okta's documentation does not have.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::Token;
use crate::aws::http::{Answer, Okta};
use crate::aws::saml::{Assertion, read_page};
use crate::failure::{Exit, Failure};
use crate::terminal::Terminal;

/// Path of the org's own authorization server.
const ORG: &str = "/oauth2/v1";

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID: &str = "urn:ietf:params:oauth:token-type:id_token";
const WEB_SSO: &str = "urn:okta:oauth:token-type:web_sso_token";

/// With these the user's apps can be listed,
const SCOPES: &str = "openid okta.apps.sso okta.apps.read okta.users.read.self";

/// with this one alone the app must be named.
const FEWER_SCOPES: &str = "openid okta.apps.sso";

/// Okta's text where the sign-in is not good enough for the app.
const ASSURANCE: &str = "assurance requirements are not met";

/// Tokens of a sign-in.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Tokens {
    /// For the API, and as the actor of the exchange.
    pub access: Token,
    /// The subject of the exchange.
    pub id: String,
}

/// What Okta says at the start (RFC 8628, 3.2).
#[derive(Deserialize)]
pub struct Started {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    #[serde(default = "interval")]
    interval: u64,
    expires_in: u64,
}

fn interval() -> u64 {
    5
}

/// Signs a person in; they do it in a browser, on this machine or another.
///
/// # Errors
///
/// By the table of exit codes.
pub async fn sign_in(
    okta: &Okta,
    client: &str,
    terminal: &mut Terminal,
    open_browser: bool,
) -> Result<Tokens, Failure> {
    if !terminal.is_there() {
        return Err(crate::terminal::needed());
    }
    let started = start(okta, ORG, client, &[SCOPES, FEWER_SCOPES]).await?;
    terminal.show(&started.invitation());
    if let Ok(code) = fast_qr::QRBuilder::new(started.address()).build() {
        terminal.show(&code.to_str());
    }
    started.open(okta, open_browser);
    tokens(okta, &poll(okta, ORG, client, &started).await?)
}

/// Begins, with the first of these scopes that the client may have; `server` is the path of the
/// authorization server's endpoints.
///
/// # Errors
///
/// By the table of exit codes.
pub async fn start(okta: &Okta, server: &str, client: &str, scopes: &[&str]) -> Result<Started, Failure> {
    let url = okta.url(&format!("{server}/device/authorize"))?;
    let mut answer = None;
    for scope in scopes {
        let said = okta.form(url.clone(), &[("client_id", client), ("scope", scope)]).await?;
        let is_refused = said.json()["error"] == "invalid_scope";
        answer = Some(said);
        if !is_refused {
            break;
        }
    }
    let answer = answer.ok_or_else(|| Failure::defect("a sign-in without a scope"))?;
    if !answer.media_type.starts_with("application/json") {
        return Err(Failure::new(Exit::Configuration, format!("{} is no Okta org", okta.org()))
            .hint("`okta-dac aws init --sso-url` takes the right address"));
    }
    if !answer.status.is_success() {
        return Err(refused(&answer));
    }
    answer.read("the device authorization")
}

impl Started {
    fn address(&self) -> &str {
        self.verification_uri_complete.as_deref().unwrap_or(&self.verification_uri)
    }

    /// What a person has to do.
    pub fn invitation(&self) -> String {
        format!("Open {}\nand allow the code {}.", self.address(), self.user_code)
    }

    /// Opens the page in a browser, if it is one of the org.
    pub fn open(&self, okta: &Okta, opens: bool) {
        let address = url::Url::parse(self.address());
        if opens && address.is_ok_and(|address| address.origin() == okta.org().origin()) {
            let _ = open::that_detached(self.address());
        }
    }
}

/// Waits until somebody allowed the code; gives the answer with the tokens.
///
/// # Errors
///
/// By the table of exit codes.
pub async fn poll(okta: &Okta, server: &str, client: &str, started: &Started) -> Result<Answer, Failure> {
    let url = okta.url(&format!("{server}/token"))?;
    let form = [("client_id", client), ("device_code", &started.device_code), ("grant_type", GRANT)];
    let end = std::time::Instant::now() + Duration::from_secs(started.expires_in);
    let mut interval = Duration::from_secs(started.interval);
    loop {
        if std::time::Instant::now() + interval >= end {
            return Err(Failure::new(Exit::Factor, "nobody allowed the code in time").hint("try again"));
        }
        if interval >= okta.left() {
            return Err(
                Failure::new(Exit::Factor, "nobody allowed the code in time").hint("`--timeout` gives more")
            );
        }
        tokio::time::sleep(interval).await;
        // No answer is no refusal: the code lives on.
        let Ok(answer) = okta.form(url.clone(), &form).await else { continue };
        if answer.status.is_success() {
            return Ok(answer);
        }
        let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
        match (error.as_str(), answer.status.as_u16()) {
            ("authorization_pending", _) | (_, 500..) => {}
            ("slow_down", _) | (_, 429) => interval += Duration::from_secs(5),
            ("access_denied", _) => {
                return Err(
                    answer.detailed(Failure::new(Exit::Factor, "the code was refused in the browser"))
                );
            }
            ("expired_token", _) => {
                return Err(Failure::new(Exit::Factor, "nobody allowed the code in time").hint("try again"));
            }
            _ => return Err(refused(&answer)),
        }
    }
}

fn tokens(okta: &Okta, answer: &Answer) -> Result<Tokens, Failure> {
    #[derive(Deserialize)]
    struct Both {
        access_token: String,
        id_token: String,
        expires_in: i64,
    }
    let both: Both = answer.read("the token request")?;
    // Not in its last minute.
    let good_until = okta.now() + jiff::SignedDuration::from_secs((both.expires_in - 60).max(0));
    Ok(Tokens { access: Token { value: both.access_token, good_until }, id: both.id_token })
}

/// Ids of the user's AWS apps.
///
/// # Errors
///
/// [`Exit::NotAllowed`] if there is none.
pub async fn apps(okta: &Okta, tokens: &Tokens) -> Result<Vec<String>, NoAssertion> {
    let answer = okta.get(okta.url("/api/v1/users/me/appLinks")?, Some(&tokens.access.value)).await?;
    if !answer.status.is_success() {
        let failure =
            Failure::new(Exit::NotAllowed, format!("Okta does not list your apps: {}", answer.summary()));
        let failure = answer.detailed(failure.hint("`okta-dac aws init --app-id` names the AWS app"));
        // The token itself is not taken any more.
        let ended = answer.status.as_u16() == 401;
        return Err(if ended { NoAssertion::Ended(failure) } else { NoAssertion::Other(failure) });
    }
    let links: Vec<Value> = answer.read("the list of apps")?;
    let own = links.iter().filter(|link| link["appName"] == "amazon_aws");
    let apps: Vec<String> =
        own.filter_map(|link| link["appInstanceId"].as_str().map(str::to_owned)).collect();
    if apps.is_empty() {
        return Err(Failure::new(Exit::NotAllowed, "no AWS app is assigned to you in Okta").into());
    }
    Ok(apps)
}

/// Why an app gave no assertion.
pub enum NoAssertion {
    /// The sign-in has ended, is too old, or is not good enough: a new one may help.
    Ended(Failure),
    /// Another reason.
    Other(Failure),
}

impl NoAssertion {
    /// How the command ends.
    pub fn failure(self) -> Failure {
        match self {
            Self::Ended(failure) | Self::Other(failure) => failure,
        }
    }
}

impl From<Failure> for NoAssertion {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

/// The assertion of one app.
///
/// # Errors
///
/// [`NoAssertion`].
pub async fn assertion(
    okta: &Okta,
    client: &str,
    tokens: &Tokens,
    app: &str,
) -> Result<Assertion, NoAssertion> {
    let token = web_sso_token(okta, client, tokens, app).await?;
    let url = okta.url("/login/token/sso")?;
    // In the body: an address is logged.
    let answer = okta.page_of_form(url, &[("token", &token)]).await?;
    match answer.status.as_u16() {
        429 | 500.. => return Err(answer.unexpected("opening the app").into()),
        _ => {}
    }
    let page = read_page(&answer.body);
    let posted = page.response.ok_or_else(|| {
        answer.detailed(
            Failure::new(Exit::NotAllowed, "Okta gives no assertion for the app")
                .hint("whoever administers the AWS app in Okta assigns it"),
        )
    })?;
    Ok(Assertion::read(&posted, okta.now())?)
}

/// The exchange; known from two clients alone, so it is in one place.
async fn web_sso_token(okta: &Okta, client: &str, tokens: &Tokens, app: &str) -> Result<String, NoAssertion> {
    let audience = format!("urn:okta:apps:{app}");
    let form = [
        ("client_id", client),
        ("grant_type", EXCHANGE),
        ("actor_token", &tokens.access.value),
        ("actor_token_type", ACCESS),
        ("subject_token", &tokens.id),
        ("subject_token_type", ID),
        ("requested_token_type", WEB_SSO),
        ("audience", &audience),
    ];
    let answer = okta.form(okta.url("/oauth2/v1/token")?, &form).await?;
    if answer.status.is_success() {
        let token = answer.json()["access_token"].as_str().map(str::to_owned);
        return token.ok_or_else(|| answer.unexpected("the exchange for the app").into());
    }
    let text = answer.summary();
    if text.contains(ASSURANCE) {
        let failure = Failure::new(Exit::Account, format!("the sign-in is not good enough for the app: {text}")).hint(
            "in Okta, the app of this client and the AWS app need the same authentication policy, without a condition on the device and without a new sign-in for each use",
        );
        return Err(NoAssertion::Ended(answer.detailed(failure)));
    }
    let speaks_of_app = ["app", "assigned"].iter().any(|word| text.contains(word));
    let exit = match answer.status.as_u16() {
        429 => Exit::RateLimited,
        500.. => Exit::Network,
        _ if speaks_of_app => Exit::NotAllowed,
        _ => Exit::Refused,
    };
    let failure =
        answer.detailed(Failure::new(exit, format!("Okta refuses the exchange for the app: {text}")));
    // Okta's one code for tokens that it does not take, whatever else it says.
    let ended = exit == Exit::Refused && answer.json()["error"] == "invalid_grant";
    Err(if ended { NoAssertion::Ended(failure) } else { NoAssertion::Other(failure) })
}

fn refused(answer: &Answer) -> Failure {
    let exit = match answer.status.as_u16() {
        429 => Exit::RateLimited,
        500.. => Exit::Network,
        _ => Exit::Refused,
    };
    let failure = Failure::new(exit, format!("Okta refuses the client: {}", answer.summary()));
    answer.detailed(
        failure.hint("the app of `--client-id` must be a native app with the device authorization grant"),
    )
}
