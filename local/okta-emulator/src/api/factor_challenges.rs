//! Factors of `/api/v1/authn` beside time-based codes: what is sent, what is asked, what
//! counts as proof.
//!
//! Evidence: reference page "Authentication", "Verify factor" (bodies, `factorResult`,
//! number challenge, one message in 30 seconds); captures in gimme-aws-creds and saml2aws.
//! What a person does with their phone is a setting: `signIn`.

use aws_lc_rs::{digest, signature};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::factors;
use crate::call::Call;
use crate::error::OktaError;
use crate::json::text;
use crate::org::live::Transaction;
use crate::org::{Factor, Org};
use crate::random::random;
use crate::settings::PushResult;

/// One message in so many seconds.
const MESSAGE_EVERY: i64 = 30;

/// How far a proof got.
pub(crate) enum Proof {
    /// The factor is proven.
    Done,
    /// `factorResult`, and what is embedded in the factor.
    Pending(&'static str, Value),
}

/// Looks at what was sent for a factor.
pub(crate) fn prove(
    org: &mut Org,
    call: &Call,
    token: &str,
    state: &Transaction,
    factor: &Factor,
) -> Result<Proof, OktaError> {
    let body = call.object()?;
    let (id, code) = (text(&factor.object, "id"), text(body, "passCode"));
    let waiting = Ok(Proof::Pending("CHALLENGE", Value::Null));
    match text(&factor.object, "factorType") {
        "push" => push(org, call, token, state),
        "sms" | "call" | "email" if code.is_empty() => {
            let now = call.now.as_second();
            let sent = state.sent.is_some_and(|sent| now - sent < MESSAGE_EVERY);
            if sent {
                return Err(OktaError::new(
                    429,
                    "E0000109",
                    "An SMS message was recently sent. Please wait 30 seconds before trying again.",
                ));
            }
            if let Some(state) = org.live.transactions.get_mut(token) {
                state.sent = Some(now);
            }
            waiting
        }
        "sms" | "call" | "email" => same(code, &call.settings.sign_in.code),
        "token" | "token:hardware" | "token:hotp" if code.is_empty() => waiting,
        "token" | "token:hardware" | "token:hotp" => same(code, &factor.secret),
        "question" if text(body, "answer").is_empty() => waiting,
        "question" => same(text(body, "answer"), &factor.secret),
        "webauthn" if text(body, "signatureData").is_empty() => {
            let challenge = random();
            if let Some(state) = org.live.transactions.get_mut(token) {
                state.challenge = Some(challenge.clone());
            }
            Ok(Proof::Pending(
                "CHALLENGE",
                json!({ "challenge": { "challenge": challenge, "extensions": {} } }),
            ))
        }
        "webauthn" => webauthn(call, state, factor),
        _ if code.is_empty() => waiting,
        _ => factors::verify(org, &state.user, id, code, call.now).map(|()| Proof::Done),
    }
}

fn same(given: &str, wanted: &str) -> Result<Proof, OktaError> {
    if given == wanted {
        return Ok(Proof::Done);
    }
    Err(OktaError::new(403, "E0000068", "Invalid Passcode/Answer")
        .because("Your passcode doesn't match our records. Please try again."))
}

/// The phone answers after so many polls.
fn push(org: &mut Org, call: &Call, token: &str, state: &Transaction) -> Result<Proof, OktaError> {
    let person = &call.settings.sign_in;
    let polls = state.polls;
    if let Some(state) = org.live.transactions.get_mut(token) {
        state.polls += 1;
    }
    if polls < person.push_polls {
        let number = person.push_number.filter(|_| polls > 0);
        let challenge = number.map(|number| json!({ "challenge": { "correctAnswer": number } }));
        return Ok(Proof::Pending("WAITING", challenge.unwrap_or(Value::Null)));
    }
    Ok(match person.push_result {
        PushResult::Success => Proof::Done,
        PushResult::Rejected => Proof::Pending("REJECTED", Value::Null),
        PushResult::Timeout => Proof::Pending("TIMEOUT", Value::Null),
    })
}

/// The signature of a security key over authenticator data and client data (WebAuthn
/// Level 2, 7.2); the factor's secret is its public key, base64.
fn webauthn(call: &Call, state: &Transaction, factor: &Factor) -> Result<Proof, OktaError> {
    let refused = || OktaError::new(403, "E0000068", "Invalid Passcode/Answer");
    let body = call.object()?;
    let decode = |name: &str| {
        let value = text(body, name).trim_end_matches('=');
        let value = value.replace('+', "-").replace('/', "_");
        BASE64_URL_SAFE_NO_PAD.decode(value).map_err(|_| refused())
    };
    let (client, data, signed) =
        (decode("clientData")?, decode("authenticatorData")?, decode("signatureData")?);
    let said: Value = serde_json::from_slice(&client).map_err(|_| refused())?;
    let challenge = state.challenge.as_deref().unwrap_or_default();
    if said["type"] != "webauthn.get" || said["challenge"] != challenge || said["origin"] != call.org_url {
        return Err(refused());
    }
    let message = [&data[..], digest::digest(&digest::SHA256, &client).as_ref()].concat();
    let key = BASE64_STANDARD.decode(&factor.secret).map_err(|_| refused())?;
    let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, key);
    key.verify(&message, &signed).map(|()| Proof::Done).map_err(|_| refused())
}

/// A factor of the seed: its type, and its secret where it has one.
pub(crate) fn plant(org: &mut Org, user: &str, login: &str, kind: &str, secret: &str, now: Timestamp) {
    let id =
        format!("{}{}{}", prefix(kind), org.factors.get(user).map_or(0, |factors| factors.len()), &user[4..]);
    let profile = match kind {
        "sms" | "call" => json!({ "phoneNumber": "+1 XXX-XXX-0199" }),
        "email" => json!({ "email": login }),
        "question" => {
            json!({ "question": "disliked_food", "questionText": "What is the food you least liked as a child?" })
        }
        "push" => json!({ "credentialId": login, "deviceType": "SmartPhone_IPhone", "name": "Phone" }),
        _ => json!({ "credentialId": login, "authenticatorName": "Key" }),
    };
    let provider = match kind {
        "token" | "token:hardware" => "RSA",
        "webauthn" => "FIDO",
        _ => "OKTA",
    };
    factors::plant(org, user, &id, (kind, provider), profile, secret, now);
}

/// How Okta begins the ids of factors of a kind.
fn prefix(kind: &str) -> &'static str {
    match kind {
        "push" => "opf",
        "sms" => "mbl",
        "call" => "clf",
        "email" => "emf",
        "question" => "ufs",
        "webauthn" => "fwf",
        _ => "rsa",
    }
}
