//! Certificates that IdPs trust.
//!
//! Evidence: recordings of the Terraform provider (`kid` is a UUID, `x5c` is
//! given back as sent); error table (E0000096 for a certificate that is there).

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::org::Org;
use crate::paging::{self, Limits};

const IDPS: Auth = Auth::Admin("idps");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/idps/credentials/keys", "listIdentityProviderKeys", IDPS, list_keys),
    post("/api/v1/idps/credentials/keys", "createIdentityProviderKey", IDPS, create_key),
    get("/api/v1/idps/credentials/keys/{kid}", "getIdentityProviderKey", IDPS, get_key),
    delete("/api/v1/idps/credentials/keys/{kid}", "deleteIdentityProviderKey", IDPS, delete_key),
];

fn list_keys(org: &mut Org, call: &Call) -> Outcome {
    let keys = org.idp_keys.iter();
    Ok(paging::reply(
        call,
        keys,
        Limits(20, 200),
        |(kid, _)| (*kid).clone(),
        |(_, key)| Value::Object(key.clone()),
    ))
}

fn create_key(org: &mut Org, call: &Call) -> Outcome {
    let certificate = call.object()?.get("x5c").and_then(|x5c| x5c.get(0)).and_then(Value::as_str);
    let certificate = certificate.unwrap_or_default().to_owned();
    let known = |key: &serde_json::Map<String, Value>| key.get("x5c") == Some(&json!([certificate]));
    if let Some((kid, _)) = org.idp_keys.iter().find(|(_, key)| known(key)) {
        return Err(OktaError::certificate_uploaded(kid));
    }
    let serial = org.new_id("");
    let kid = format!("00000000-0000-4000-8000-{}", &serial[serial.len() - 12..]);
    insert_key(org, &kid, &certificate, &okta_time(call.now))?;
    Ok(Reply::ok(Value::Object(org.idp_keys[&kid].clone())))
}

/// Keeps a certificate under `kid`; used by the seed, too.
pub(crate) fn insert_key(org: &mut Org, kid: &str, certificate: &str, now: &str) -> Result<(), OktaError> {
    let refused = || OktaError::validation("x5c", "x5c: The certificate cannot be read");
    let compact: String = certificate.split_whitespace().collect();
    let der = BASE64_STANDARD.decode(compact).map_err(|_| refused())?;
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).map_err(|_| refused())?;
    let expires =
        jiff::Timestamp::from_second(parsed.validity().not_after.timestamp()).map_err(|_| refused())?;
    let thumbprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
    let mut key = json!({
        "kty": "RSA", "created": now, "lastUpdated": now, "expiresAt": okta_time(expires), "alg": "RSA",
        "kid": kid, "use": "sig", "x5c": [certificate], "x5t#S256": BASE64_URL_SAFE_NO_PAD.encode(thumbprint),
    });
    if let Ok(x509_parser::public_key::PublicKey::RSA(rsa)) = parsed.public_key().parsed() {
        let unsigned = |bytes: &[u8]| {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            BASE64_URL_SAFE_NO_PAD.encode(&bytes[zeros..])
        };
        key["n"] = unsigned(rsa.modulus).into();
        key["e"] = unsigned(rsa.exponent).into();
    }
    if let Value::Object(key) = key {
        org.idp_keys.insert(kid.to_owned(), key);
    }
    Ok(())
}

fn get_key(org: &mut Org, call: &Call) -> Outcome {
    let kid = call.parameter("kid");
    let key = org.idp_keys.get(kid).ok_or_else(|| OktaError::not_found(kid, "CredentialKey"))?;
    Ok(Reply::ok(Value::Object(key.clone())))
}

/// Refused while an IdP trusts the key.
fn delete_key(org: &mut Org, call: &Call) -> Outcome {
    let kid = call.parameter("kid");
    if !org.idp_keys.contains_key(kid) {
        return Err(OktaError::not_found(kid, "CredentialKey"));
    }
    let trusts = |idp: &serde_json::Map<String, Value>| {
        idp.get("protocol").and_then(|p| p.pointer("/credentials/trust/kid")) == Some(&Value::from(kid))
    };
    if org.idps.values().any(trusts) {
        return Err(OktaError::validation("kid", "kid: The key is used by an identity provider"));
    }
    org.idp_keys.remove(kid);
    Ok(Reply::no_content())
}
