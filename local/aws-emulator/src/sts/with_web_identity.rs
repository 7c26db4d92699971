//! AssumeRoleWithWebIdentity.

use std::collections::BTreeMap;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use crate::account::{Issue, Source};
use crate::call::Call;
use crate::error::{AwsError, escaped};
use crate::saml_response::is_session_name;
use crate::seed::Trust;
use crate::shared::Shared;

use super::request::{Asked, assumed, issue};

const ACTION: &str = "AssumeRoleWithWebIdentity";

pub(super) async fn assume(shared: &Shared, call: &Call) -> Result<String, AwsError> {
    let asked = Asked::read(call)?;
    let name = call.required("RoleSessionName")?;
    if !is_session_name(name) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        )));
    }
    let token = call.required("WebIdentityToken")?;
    if !(4..=20_000).contains(&token.len()) {
        return Err(AwsError::validation(
            "1 validation error detected: Value at 'webIdentityToken' has a wrong length",
        ));
    }
    let invalid = |message: &str| AwsError::invalid_identity_token(message);
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token)
        .map_err(|_| invalid("The ID Token provided is not a valid JWT"))?
        .claims;
    let issuer = claims["iss"].as_str().unwrap_or_default().to_owned();
    let provider = {
        let state = shared.state();
        let account = state.account(&asked.role);
        let providers = account.into_iter().flat_map(|account| account.oidc_providers.iter());
        providers.into_iter().find(|provider| shared.location(&provider.issuer) == issuer).cloned()
    };
    let provider = provider
        .ok_or_else(|| invalid(&format!("No OpenIDConnect provider found in your account for {issuer}")))?;
    let validity = verify(shared, &issuer, token).await;
    let audience = claims["aud"].as_str().unwrap_or_default();
    if !provider.audiences.iter().any(|of| of == audience) {
        return Err(invalid("Incorrect token audience"));
    }
    validity?;
    if claims["exp"].as_i64().is_none_or(|end| end <= call.now.as_second()) {
        return Err(AwsError::expired_token(
            "Token expired: current date/time must be before the expiration date/time",
        ));
    }
    let subject =
        claims["sub"].as_str().ok_or_else(|| AwsError::rejected_claim("The token has no subject"))?;
    let mut state = shared.state();
    let role = asked.role(&state, call, ACTION)?;
    let trusted = |trust: &Trust| matches!(trust, Trust::Oidc(of) if of == "*" || of == subject);
    if !role.seed.trusts.iter().any(trusted) {
        return Err(AwsError::access_denied(format!("Not authorized to perform sts:{ACTION}")));
    }
    let session = issue(
        &mut state,
        &role,
        Issue {
            name,
            seconds: asked.within(&role)?,
            not_after: None,
            source: Source::WebIdentity,
            source_identity: None,
            tags: BTreeMap::new(),
        },
        call,
    );
    Ok(format!(
        "{}<SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken><Audience>{}</Audience><Provider>{}</Provider>\
         <PackedPolicySize>6</PackedPolicySize>",
        assumed(&session),
        escaped(subject),
        escaped(audience),
        escaped(&issuer),
    ))
}

/// The signature, by the keys that the issuer publishes.
async fn verify(shared: &Shared, issuer: &str, token: &str) -> Result<(), AwsError> {
    let bad =
        || AwsError::invalid_identity_token("Couldn't retrieve verification key from your identity provider");
    let location = format!("{issuer}/.well-known/openid-configuration");
    let configuration: Value = serde_json::from_str(&shared.document(&location).await?).map_err(|_| bad())?;
    let keys = configuration["jwks_uri"].as_str().ok_or_else(bad)?;
    // Keys are rotated; AWS looks them up.
    shared.forget(keys);
    let keys: JwkSet = serde_json::from_str(&shared.document(keys).await?).map_err(|_| bad())?;
    let header = jsonwebtoken::decode_header(token).map_err(|_| bad())?;
    let key = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or_else(bad)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| bad())?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(token, &key, &validation).map(|_| ()).map_err(|_| bad())
}
