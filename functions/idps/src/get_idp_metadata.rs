//! Reads the SAML metadata of Okta as the service provider of a tenant's IdP:
//! what the tenant's own identity provider is configured with.
//!
//! # Okta calls
//!
//! At the same time: `getIdentityProvider`, which tells whether it is a tenant's,
//! and the metadata, which are in no description of Okta's.
//!
//! Two calls, none in a row.

use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success, Text};
use okta_client::Error;
use okta_client::models::IdpId;
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use tenancy::if_present;

use crate::visible::{not_found, tenant_of};

/// The operation `get-idp-metadata`.
pub struct GetIdpMetadata;

/// Whose metadata.
#[derive(Debug)]
pub struct Input {
    idp: IdpId,
}

/// Why there are no metadata.
#[derive(Debug)]
pub enum GetIdpMetadataError {
    /// There is no such IdP, or it is no tenant's.
    NotFound(IdpId),
    /// Okta did not answer.
    Okta(Error),
}

impl From<GetIdpMetadataError> for Failure {
    fn from(error: GetIdpMetadataError) -> Self {
        match error {
            GetIdpMetadataError::NotFound(id) => not_found(&id),
            GetIdpMetadataError::Okta(error) => Failure::okta("read the metadata", &error),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { idp: request.id("idpId")? })
    }
}

impl Endpoint for GetIdpMetadata {
    const OPERATION: &'static Operation = operations::get("get-idp-metadata");
    const MEDIA_TYPE: &'static str = "application/samlmetadata+xml";
    type Input = Input;
    type Output = Text;
    type Error = GetIdpMetadataError;

    fn prepare(_: &Environment) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Text>, GetIdpMetadataError> {
        let okta = context.run.okta.forward();
        let (idp, metadata) = futures::try_join!(
            if_present(okta.get_identity_provider(&input.idp)),
            if_present(okta.get_identity_provider_metadata(&input.idp)),
        )
        .map_err(GetIdpMetadataError::Okta)?;
        match (idp.as_ref().and_then(tenant_of), metadata) {
            (Some(_), Some(xml)) => Ok(Success::text(Self::MEDIA_TYPE, xml)),
            _ => Err(GetIdpMetadataError::NotFound(input.idp)),
        }
    }

    fn example() -> Example {
        Example { target: "/idps/0oa00000000000000011/metadata.xml", body: None, answer: None }
    }
}
