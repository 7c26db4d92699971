//! Second factors: time-based one-time passwords.
//!
//! Evidence: enrollFactor, activateFactor; reference page "Factors" (RFC 6238,
//! 30 seconds; wrong code 403 E0000068; too many attempts 429 E0000047).

use aws_lc_rs::hmac;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{object, text, turn};
use crate::org::{Factor, Org};

const USERS: Auth = Auth::Admin("users");

/// Wrong codes after which no more are looked at.
const MAX_ATTEMPTS: u32 = 5;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/users/{userId}/factors", "listFactors", USERS, list_factors),
    post("/api/v1/users/{userId}/factors", "enrollFactor", USERS, enroll_factor),
    post("/api/v1/users/{userId}/factors/{factorId}/lifecycle/activate", "activateFactor", USERS, activate_factor),
    delete("/api/v1/users/{userId}/factors/{factorId}", "unenrollFactor", USERS, unenroll_factor),
];

fn render(factor: &Factor, user: &str, call: &Call) -> Value {
    let own = call.url(format!("/api/v1/users/{user}/factors/{}", text(&factor.object, "id")));
    let post = |path: &str| json!({ "href": format!("{own}{path}"), "hints": { "allow": ["POST"] } });
    let mut printed = Value::Object(factor.object.clone());
    let mut links = json!({ "self": { "href": own, "hints": { "allow": ["GET", "DELETE"] } },
        "user": { "href": call.url(format!("/api/v1/users/{user}")), "hints": { "allow": ["GET"] } } });
    if text(&factor.object, "status") == "ACTIVE" {
        links["verify"] = post("/verify");
    } else {
        links["activate"] = post("/lifecycle/activate");
        let code = call.url(format!("/api/v1/users/{user}/factors/{}/qr", text(&factor.object, "id")));
        printed["_embedded"] = json!({ "activation": {
            "timeStep": 30, "sharedSecret": factor.secret, "encoding": "base32", "keyLength": factor.secret.len(),
            "_links": { "qrcode": { "href": code, "type": "image/png" } },
        } });
    }
    printed["_links"] = links;
    printed
}

fn list_factors(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("userId"))?.id.clone();
    let factors = org.factors.get(&user).into_iter().flat_map(|factors| factors.values());
    Ok(Reply::ok(factors.map(|factor| render(factor, &user, call)).collect()))
}

fn enroll_factor(org: &mut Org, call: &Call) -> Outcome {
    let body = call.object()?.clone();
    let user = org.user(call.parameter("userId"))?;
    let (user, login) = (user.id.clone(), user.login().to_owned());
    let (kind, provider) = (text(&body, "factorType"), text(&body, "provider"));
    if kind != "token:software:totp" || !["OKTA", "GOOGLE"].contains(&provider) {
        return Err(OktaError::validation("factorType", "factorType: Only token:software:totp is emulated"));
    }
    let enrolled = org.factors.get(&user).into_iter().flat_map(|factors| factors.values());
    if enrolled.into_iter().any(|factor| text(&factor.object, "provider") == provider) {
        return Err(OktaError::validation(
            "factorType",
            "factorType: A factor of this type is already set up.",
        ));
    }
    let (id, time) = (org.new_id("ost"), okta_time(call.now));
    let factor = Factor {
        object: object(json!({
            "id": id, "factorType": kind, "provider": provider, "vendorName": provider,
            "status": "PENDING_ACTIVATION", "created": time, "lastUpdated": time,
            "profile": { "credentialId": login },
        })),
        secret: random_secret(),
        last_step: None,
        failed_attempts: 0,
    };
    let answer = render(&factor, &user, call);
    org.factors.entry(user).or_default().insert(id, factor);
    Ok(Reply::ok(answer))
}

fn activate_factor(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("userId"))?.id.clone();
    let code = text(call.object()?, "passCode").to_owned();
    verify(org, &user, call.parameter("factorId"), &code, call.now)?;
    let id = call.parameter("factorId");
    let factor = org.factors.get_mut(&user).and_then(|factors| factors.get_mut(id));
    let factor = factor.ok_or_else(|| OktaError::not_found(id, "UserFactor"))?;
    turn(&mut factor.object, "ACTIVE", call.now);
    Ok(Reply::ok(render(factor, &user, call)))
}

fn unenroll_factor(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("userId"))?.id.clone();
    let id = call.parameter("factorId");
    let removed = org.factors.get_mut(&user).and_then(|factors| factors.remove(id));
    removed.map(|_| Reply::no_content()).ok_or_else(|| OktaError::not_found(id, "UserFactor"))
}

/// Checks a code: of this 30-second step or one beside it, and of none that
/// was used before.
pub(crate) fn verify(
    org: &mut Org,
    user: &str,
    factor: &str,
    code: &str,
    now: Timestamp,
) -> Result<(), OktaError> {
    let factor = org.factors.get_mut(user).and_then(|factors| factors.get_mut(factor));
    let factor = factor.ok_or_else(|| OktaError::not_found("factor", "UserFactor"))?;
    if factor.failed_attempts >= MAX_ATTEMPTS {
        return Err(OktaError::rate_limit());
    }
    let step = u64::try_from(now.as_second()).unwrap_or(0) / 30;
    let matching = (step.saturating_sub(1)..=step + 1).find(|step| totp(&factor.secret, *step) == code);
    match matching {
        Some(step) if factor.last_step.is_some_and(|last| step <= last) => Err(OktaError::new(
            403,
            "E0000082",
            "Each code can only be used once. Please wait for a new code and try again.",
        )),
        Some(step) => {
            factor.last_step = Some(step);
            factor.failed_attempts = 0;
            Ok(())
        }
        None => {
            factor.failed_attempts += 1;
            Err(OktaError::new(403, "E0000068", "Invalid Passcode/Answer")
                .because("Your passcode doesn't match our records. Please try again."))
        }
    }
}

/// An active factor of the seed: `kind` is its type and its provider.
pub(crate) fn plant(
    org: &mut Org,
    user: &str,
    id: &str,
    kind: (&str, &str),
    profile: Value,
    secret: &str,
    now: Timestamp,
) {
    let time = okta_time(now);
    let factor = Factor {
        object: object(json!({
            "id": id, "factorType": kind.0, "provider": kind.1, "vendorName": kind.1, "status": "ACTIVE",
            "created": time, "lastUpdated": time, "profile": profile,
        })),
        secret: secret.to_owned(),
        last_step: None,
        failed_attempts: 0,
    };
    org.factors.entry(user.to_owned()).or_default().insert(id.to_owned(), factor);
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn random_secret() -> String {
    let mut bytes = [0; 16];
    // Without randomness the secret is all A: an emulator's, no one's loss.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes.iter().map(|byte| char::from(BASE32[usize::from(byte % 32)])).collect()
}

/// The code of a time step: HMAC-SHA-1, six digits (RFC 6238, RFC 4226).
pub(crate) fn totp(secret: &str, step: u64) -> String {
    let (mut key, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for byte in secret.bytes() {
        let Some(value) = BASE32.iter().position(|c| *c == byte) else { continue };
        bits = (bits << 5) | u32::try_from(value).unwrap_or(0);
        held += 5;
        if held >= 8 {
            held -= 8;
            key.push(u8::try_from((bits >> held) & 0xff).unwrap_or(0));
        }
        bits &= (1 << held) - 1;
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 0xf);
    let number = tag[offset..offset + 4].iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_rfc_6238() {
        // Appendix B, the last six of eight digits; the secret is
        // "12345678901234567890" in base32.
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(totp(secret, seconds / 30), code);
        }
    }
}
