//! Second factors of Okta's authentication API.
//!
//! Evidence: reference page "Authentication", "Verify factor" (bodies, statuses, links,
//! number challenge); gimme-aws-creds and saml2aws for what the page leaves open.

use std::time::Duration;

use serde_json::{Value, json};

use super::Secrets;
use super::classic::{link, refused};
use super::webauthn::Authenticator;
use crate::aws::files::Place;
use crate::aws::http::{Answer, Okta};
use crate::aws::state::State;
use crate::failure::{Exit, Failure};
use crate::terminal::Terminal;

/// A code by time, of whichever app (RFC 6238).
const TOTP: &str = "token:software:totp";

/// A pushed request is asked about so often.
const POLL: Duration = Duration::from_secs(2);

/// One message in so many seconds (reference page "Authentication").
const MESSAGE_EVERY: Duration = Duration::from_secs(30);

/// Whom to ask, and what is remembered.
pub struct Asked<'p> {
    /// The person.
    pub terminal: &'p mut Terminal,
    /// Where state is.
    pub place: &'p Place,
    /// Name of the org.
    pub org: &'p str,
    /// The factor that options or settings name: a type, or an id.
    pub factor: Option<&'p str>,
    /// A security key.
    pub authenticator: Option<&'p dyn Authenticator>,
}

/// A factor of the answer.
struct Factor<'a> {
    id: &'a str,
    kind: &'a str,
    provider: &'a str,
    value: &'a Value,
}

impl<'a> Factor<'a> {
    fn read(value: &'a Value) -> Self {
        let of = |name: &str| value[name].as_str().unwrap_or_default();
        Self { id: of("id"), kind: of("factorType"), provider: of("provider"), value }
    }

    /// As a person knows it.
    fn label(&self) -> String {
        let profile = &self.value["profile"];
        let what = ["phoneNumber", "email", "name", "questionText", "credentialId"];
        let what = what.iter().find_map(|name| profile[name].as_str()).unwrap_or_default();
        let kind = match self.kind {
            "token:software:totp" => "code of an app",
            "token:hardware" | "token:hotp" | "token" => "code of a token",
            "push" => "Okta Verify push",
            "sms" => "text message",
            "call" => "phone call",
            "email" => "e-mail",
            "question" => "security question",
            "webauthn" => "security key",
            other => other,
        };
        format!("{kind} ({} {what})", self.provider).replace(" )", ")")
    }

    fn is_known(&self) -> bool {
        matches!(
            self.kind,
            "token:software:totp"
                | "token:hardware"
                | "token:hotp"
                | "token"
                | "push"
                | "sms"
                | "call"
                | "email"
                | "question"
                | "webauthn"
        )
    }
}

/// Proves a second factor; the answer is the next state of the sign-in.
///
/// # Errors
///
/// [`Exit::Factor`], [`Exit::PersonNeeded`] and others of the table.
pub async fn prove(
    okta: &Okta,
    state: &Value,
    secrets: &Secrets,
    asked: &mut Asked<'_>,
) -> Result<Answer, Failure> {
    let embedded = &state["_embedded"];
    // Some pages of the documentation have `factor` where an answer has `factors`.
    let list = if embedded["factors"].is_array() { &embedded["factors"] } else { &embedded["factor"] };
    let factors: Vec<Factor<'_>> = match list {
        Value::Array(list) => list.iter().map(Factor::read).collect(),
        one => vec![Factor::read(one)],
    };
    let factor = choose(&factors, secrets, asked)?;
    let answer = try_factor(okta, state, factor, secrets, asked).await;
    let refused = match answer {
        Ok(answer) if answer.status.is_success() => {
            let (org, id) = (asked.org.to_owned(), factor.id.to_owned());
            let deadline = std::time::Instant::now() + okta.left();
            State::change(asked.place, deadline, |state| state.factors.insert(org, id))?;
            return Ok(answer);
        }
        Ok(answer) => refused(&answer),
        Err(failure) => failure,
    };
    Err(with_others(refused, factor, &factors))
}

/// A refusal, with the factors that are left.
fn with_others(failure: Failure, tried: &Factor<'_>, factors: &[Factor<'_>]) -> Failure {
    let others = factors.iter().filter(|other| other.is_known() && other.id != tried.id);
    let twice = |kind: &str| factors.iter().filter(|factor| factor.kind == kind).count() > 1;
    let others: Vec<String> = others
        .map(|other| match other.kind {
            kind if twice(kind) => format!("`--factor {kind}:{}`", other.provider),
            kind => format!("`--factor {kind}`"),
        })
        .collect();
    if failure.exit != Exit::Factor || others.is_empty() {
        return failure;
    }
    let others = format!("another factor: {}", others.join(", "));
    let hint = failure.hint.iter().cloned().chain([others]).collect::<Vec<_>>().join("; ");
    failure.hint(hint)
}

async fn try_factor(
    okta: &Okta,
    state: &Value,
    factor: &Factor<'_>,
    secrets: &Secrets,
    asked: &mut Asked<'_>,
) -> Result<Answer, Failure> {
    let verify = factor.value["_links"]["verify"]["href"].as_str().or_else(|| link(state, "next"));
    let verify = verify.ok_or_else(|| Failure::new(Exit::Network, "Okta names no address for the factor"))?;
    let mut url = okta.url(verify)?;
    url.query_pairs_mut().append_pair("rememberDevice", "false");
    let token = state["stateToken"].as_str().unwrap_or_default();
    match factor.kind {
        "push" => push(okta, url, token, asked.terminal).await,
        "sms" | "call" | "email" => message(okta, url, token, factor, asked.terminal).await,
        "question" => {
            let question = factor.value["profile"]["questionText"].as_str().unwrap_or("Security question");
            let answer = asked.terminal.ask_secret(question)?;
            okta.post(url, &json!({ "stateToken": token, "answer": answer })).await
        }
        "webauthn" => webauthn(okta, url, token, asked).await,
        _ => code(okta, url, token, factor, secrets, asked).await,
    }
}

/// The factor that is named, that was used last, the only one, or the one that a person
/// picks. A stored seed is used before anybody is asked. Never a message by itself.
fn choose<'a, 'f>(
    factors: &'f [Factor<'a>],
    secrets: &Secrets,
    asked: &mut Asked<'_>,
) -> Result<&'f Factor<'a>, Failure> {
    let known: Vec<&Factor<'_>> = factors.iter().filter(|factor| factor.is_known()).collect();
    let offered = || factors.iter().map(Factor::label).collect::<Vec<_>>().join(", ");
    if let Some(wanted) = asked.factor {
        let named = known.iter().find(|factor| {
            factor.id == wanted
                || factor.kind == wanted
                || format!("{}:{}", factor.kind, factor.provider) == wanted
        });
        return named.copied().ok_or_else(|| {
            Failure::new(Exit::Factor, format!("there is no factor `{wanted}`"))
                .hint(format!("Okta offers: {}", offered()))
        });
    }
    let last = State::read(asked.place)?.factors.get(asked.org).cloned();
    let used = known.iter().find(|factor| Some(factor.id) == last.as_deref());
    // Whose seed it is, nobody says: of several apps, the one that was used.
    let takes_seed = |factor: &&Factor<'_>| secrets.totp_seed.is_some() && factor.kind == TOTP;
    let seeded: Vec<_> = known.iter().filter(|factor| takes_seed(factor)).collect();
    let seeded = used.filter(|factor| takes_seed(factor)).or(match &seeded[..] {
        [only] => Some(*only),
        _ => None,
    });
    match (seeded.or(used), &known[..]) {
        (Some(factor), _) => Ok(factor),
        (None, [only]) => Ok(only),
        (None, []) => {
            Err(Failure::new(Exit::Factor, format!("none of your factors can be used here: {}", offered()))
                .hint("`okta-dac aws init --mode device` signs in with a browser, where all of them work"))
        }
        (None, several) => {
            let labels: Vec<String> = several.iter().map(|factor| factor.label()).collect();
            let picked = asked.terminal.pick("Which factor", &labels)?;
            several.get(picked).copied().ok_or_else(|| Failure::defect("a choice that was not offered"))
        }
    }
}

/// A code: of the stored seed, or typed.
async fn code(
    okta: &Okta,
    url: url::Url,
    token: &str,
    factor: &Factor<'_>,
    secrets: &Secrets,
    asked: &mut Asked<'_>,
) -> Result<Answer, Failure> {
    let seed = secrets.totp_seed.as_ref().filter(|_| factor.kind == TOTP);
    let code = match seed {
        None => asked.terminal.ask(&format!("Code, {}", factor.label()))?,
        Some(seed) => {
            // A step is used once, by whichever process; noted before it is sent.
            let deadline = std::time::Instant::now() + okta.left();
            let now = u64::try_from(okta.now().as_second()).unwrap_or_default();
            let (id, left) = (factor.id.to_owned(), okta.left());
            // A step counts as used only if it will be sent; none is ever sent twice.
            let (step, wait, sent) = State::change(asked.place, deadline, |state| {
                let current = seed.step(now);
                let step = state.totp_steps.get(&id).map_or(current, |last| current.max(last + 1));
                let wait = Duration::from_secs(seed.begins(step).saturating_sub(now));
                let sent = wait < left;
                if sent {
                    state.totp_steps.insert(id, step);
                }
                (step, wait, sent)
            })?;
            if !sent {
                return Err(Failure::new(
                    Exit::Factor,
                    "the code of this moment was used; the next one comes too late",
                )
                .hint(format!("try again in {} s", wait.as_secs())));
            }
            tokio::time::sleep(wait).await;
            seed.code(step)
        }
    };
    okta.post(url, &json!({ "stateToken": token, "passCode": code })).await
}

/// Asks the phone, and waits for what the person does there.
async fn push(okta: &Okta, url: url::Url, token: &str, terminal: &mut Terminal) -> Result<Answer, Failure> {
    // Nobody is asked who cannot know of what.
    if !terminal.is_there() {
        return Err(crate::terminal::needed());
    }
    let body = json!({ "stateToken": token });
    let mut answer = okta.post(url.clone(), &body).await?;
    let (mut poll, mut shown, mut pause, mut failed) = (url, None, POLL, None);
    terminal.show("Okta asks your phone.");
    loop {
        let state = answer.json();
        if !answer.status.is_success() || state["status"] != "MFA_CHALLENGE" {
            return Ok(answer);
        }
        match state["factorResult"].as_str().unwrap_or("WAITING") {
            "WAITING" | "CHALLENGE" => {}
            result => {
                let why = match result {
                    "REJECTED" => "the request was refused on the phone",
                    "TIMEOUT" => "nobody answered on the phone in time",
                    "CANCELLED" => "the request was cancelled",
                    _ => "Okta gave the request up",
                };
                return Err(answer.detailed(Failure::new(Exit::Factor, why).hint("try again, or `--factor`")));
            }
        }
        let number = ["factor", "factors"].iter().find_map(|name| {
            let value = &state["_embedded"][name]["_embedded"]["challenge"]["correctAnswer"];
            value.as_u64().or_else(|| value.as_str()?.parse().ok())
        });
        if number.is_some() && shown != number {
            terminal.show(&format!("Tap the number {} on your phone.", number.unwrap_or_default()));
            shown = number;
        }
        if let Some(next) = link(&state, "next") {
            poll = okta.url(next)?;
        }
        if pause >= okta.left() {
            return Err(failed.unwrap_or_else(|| {
                Failure::new(Exit::Factor, "nobody answered on the phone in time")
                    .hint("`--timeout` gives more")
            }));
        }
        tokio::time::sleep(pause).await;
        pause = POLL;
        // No answer is no refusal: the request on the phone lives on.
        match okta.post(poll.clone(), &body).await {
            Ok(limited) if limited.status.as_u16() == 429 => {
                let wait = u64::try_from(limited.reset.unwrap_or_default()).unwrap_or_default();
                pause = POLL.max(Duration::from_secs(wait));
                if pause >= okta.left() {
                    return Err(refused(&limited));
                }
            }
            Ok(next) if next.status.is_server_error() => {
                failed = Some(next.unexpected("asking for the push"))
            }
            Ok(next) => (answer, failed) = (next, None),
            Err(failure) if failure.exit == Exit::Network => failed = Some(failure),
            Err(failure) => return Err(failure),
        }
    }
}

/// Lets Okta send a code, and asks for it.
async fn message(
    okta: &Okta,
    url: url::Url,
    token: &str,
    factor: &Factor<'_>,
    terminal: &mut Terminal,
) -> Result<Answer, Failure> {
    if !terminal.is_there() {
        return Err(crate::terminal::needed());
    }
    let body = json!({ "stateToken": token });
    let mut answer = okta.post(url.clone(), &body).await?;
    if answer.status.as_u16() == 429 || answer.code() == "E0000109" {
        if MESSAGE_EVERY >= okta.left() {
            return Err(
                Failure::new(Exit::RateLimited, "Okta sends one message in 30 s").hint("try again in 30 s")
            );
        }
        terminal.show("Okta sends one message in 30 s: waiting.");
        tokio::time::sleep(MESSAGE_EVERY).await;
        answer = okta.post(url.clone(), &body).await?;
    }
    if !answer.status.is_success() {
        return Ok(answer);
    }
    let code = terminal.ask(&format!("Code, {}", factor.label()))?;
    okta.post(url, &json!({ "stateToken": token, "passCode": code })).await
}

/// A challenge for a security key.
async fn webauthn(okta: &Okta, url: url::Url, token: &str, asked: &mut Asked<'_>) -> Result<Answer, Failure> {
    let Some(authenticator) = asked.authenticator else {
        return Err(Failure::new(Exit::Factor, "security keys cannot be used here").hint(
            "`okta-dac aws init --mode device` signs in with a browser, or use another factor: `--factor`",
        ));
    };
    let answer = okta.post(url.clone(), &json!({ "stateToken": token })).await?;
    if !answer.status.is_success() {
        return Ok(answer);
    }
    let state = answer.json();
    let factor = &state["_embedded"]["factor"];
    let challenge = factor["_embedded"]["challenge"]["challenge"].as_str().unwrap_or_default();
    let credential = factor["profile"]["credentialId"].as_str().unwrap_or_default();
    let origin = okta.org().origin().ascii_serialization();
    let signed =
        authenticator.sign(&origin, challenge, credential).map_err(|why| Failure::new(Exit::Factor, why))?;
    let body = json!({
        "stateToken": token, "clientData": signed.client_data, "signatureData": signed.signature,
        "authenticatorData": signed.authenticator_data,
    });
    okta.post(url, &body).await
}
