//! The certificate that a new tenant's IdP trusts until its admin uploads one.

use base64::prelude::{BASE64_STANDARD, Engine};
use okta_client::{ApiToken, Client, OrgUrl};

/// Makes an RSA key pair and a self-signed certificate, uploads the certificate
/// and forgets the private key; gives the key id, for the parameter
/// `PlaceholderKeyId`.
///
/// # Errors
///
/// A sentence.
pub fn placeholder_key(org: &str, token: &str) -> Result<String, String> {
    if token.is_empty() {
        return Err("write an API token of a super admin to standard input".to_owned());
    }
    let org = OrgUrl::parse(org).map_err(|error| error.to_string())?;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).map_err(|error| error.to_string())?;
    let mut certificate = rcgen::CertificateParams::default();
    let name = rcgen::DnValue::from(domain::PLACEHOLDER);
    certificate.distinguished_name.push(rcgen::DnType::CommonName, name);
    let certificate = certificate.self_signed(&pair).map_err(|error| error.to_string())?;
    let x5c = BASE64_STANDARD.encode(certificate.der());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let client = Client::new(org, ApiToken::from(token.to_owned())).map_err(|error| error.to_string())?;
    let key = runtime.block_on(client.create_identity_provider_key(&x5c));
    key.map(|key| key.kid.to_string()).map_err(|error| format!("failed to {error}"))
}

#[cfg(test)]
mod tests {
    use okta_emulator::{DEMO_ORG, Emulator, Options, Seed};

    use super::*;

    #[test]
    fn uploads_a_certificate_that_an_idp_can_trust() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let seed = Seed::parse(DEMO_ORG).unwrap();
        let token = seed.api_token.token.clone();
        let emulator =
            runtime.block_on(Emulator::start(Options { port: 0, seed, state_file: None })).unwrap();
        let kid = placeholder_key(&emulator.url(), &token).unwrap();
        assert!(emulator.snapshot()["idp_keys"][&kid]["x5c"][0].is_string());
        assert!(placeholder_key(&emulator.url(), "").is_err());
        assert!(placeholder_key("http://example.test", &token).is_err());
        assert!(placeholder_key(&emulator.url(), "another").unwrap_err().contains("E0000011"));
    }
}
