//! Reads the IdP of a tenant.
//!
//! # Okta calls
//!
//! 1. `getIdentityProvider`.
//! 2. `getIdentityProviderKey`, unless the IdP trusts the placeholder.
//!
//! Two calls in a row.

use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use okta_client::Error;
use okta_client::models::{IdpId, KeyId};
use operations::{EnvVar, Operation};
use run_kit::{ConfigError, Environment, Failure};
use serde_json::json;

use crate::visible::{self, Item};

/// The operation `get-idp`.
pub struct GetIdp {
    placeholder: KeyId,
}

/// Which IdP.
#[derive(Debug)]
pub struct Input {
    idp: IdpId,
}

/// Why there is no IdP to show.
#[derive(Debug)]
pub enum GetIdpError {
    /// There is none of this id, or it is no tenant's.
    NotFound(IdpId),
    /// Okta did not answer.
    Okta(Error),
}

impl From<GetIdpError> for Failure {
    fn from(error: GetIdpError) -> Self {
        match error {
            GetIdpError::NotFound(id) => visible::not_found(&id),
            GetIdpError::Okta(error) => Failure::okta("read the identity provider", &error),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { idp: request.id("idpId")? })
    }
}

impl Endpoint for GetIdp {
    const OPERATION: &'static Operation = operations::get("get-idp");
    type Input = Input;
    type Output = Item;
    type Error = GetIdpError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { placeholder: environment.text(&EnvVar::PLACEHOLDER_KEY_ID)?.into() })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Item>, GetIdpError> {
        let found = visible::read(context.run.okta.forward(), &self.placeholder, &input.idp)
            .await
            .map_err(GetIdpError::Okta)?;
        found.map(Success::new).ok_or(GetIdpError::NotFound(input.idp))
    }

    fn example() -> Example {
        Example { target: "/idps/0oa00000000000000011", body: None, answer: Some(sample("acme")) }
    }
}

/// The IdP of a tenant of the demo org.
pub(crate) fn sample(tenant: &str) -> serde_json::Value {
    let (id, users) = match tenant {
        "acme" => ("0oa00000000000000011", "00g00000000000000010"),
        _ => ("0oa00000000000000014", "00g00000000000000013"),
    };
    json!({
        "id": id, "name": tenant, "status": "INACTIVE", "created": "2026-01-31T12:00:00.000Z", "type": "SAML2",
        "lastUpdated": "2026-01-31T12:00:00.000Z",
        "protocol": {
            "type": "SAML2",
            "endpoints": {
                "sso": { "url": "https://idp.invalid/sso", "binding": "HTTP-POST", "destination": "https://idp.invalid/sso" },
                "acs": { "binding": "HTTP-POST", "type": "INSTANCE" },
            },
            "algorithms": {
                "request": { "signature": { "algorithm": "SHA-256", "scope": "REQUEST" } },
                "response": { "signature": { "algorithm": "SHA-256", "scope": "ANY" } },
            },
            "settings": { "nameFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" },
            "credentials": {
                "trust": {
                    "issuer": "https://idp.invalid", "kid": "7b0e1f5e-3c3d-4f0a-9d53-9a8f5f6d2c11",
                    "audience": format!("https://www.okta.com/saml2/service-provider/sp{}", &id[3..]),
                    "revocation": null, "revocationCacheLifetime": 0,
                },
                "signing": { "kid": "DAtcli5g0PYtzSZ2u0ALb7gJExpz3R3w-LxAi02j1Mw" },
            },
        },
        "policy": {
            "provisioning": {
                "action": "AUTO", "profileMaster": false, "groups": { "action": "ASSIGN", "assignments": [users] },
                "conditions": { "deprovisioned": { "action": "NONE" }, "suspended": { "action": "NONE" } },
            },
            "accountLink": {
                "action": "AUTO", "filter": { "groups": { "include": [users] }, "users": { "excludeAdmins": true } },
            },
            "subject": {
                "userNameTemplate": { "template": "idpuser.email" }, "matchType": "USERNAME", "filter": null,
                "matchAttribute": null,
            },
            "maxClockSkew": 0, "transformedUsernameMatchingEnabled": false,
        },
        "_links": { "acs": {
            "href": format!("https://example.okta.com/sso/saml2/{id}"), "type": "application/xml",
            "hints": { "allow": ["POST"] },
        } },
    })
}
