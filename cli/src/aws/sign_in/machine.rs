//! A machine with a private key: client credentials at a custom authorization server.
//!
//! Evidence: Okta's guide "Implement OAuth for Okta with a service app" (claims of the
//! assertion); RFC 7523; okta-aws-cli for the scope.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use jiff::Timestamp;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::aws::http::Okta;
use crate::aws::vault::random_hex;
use crate::failure::{Exit, Failure};

/// The authorization server and the scope, unless the settings name others.
pub const DEFAULT_SERVER: &str = "default";

/// As okta-aws-cli has it.
pub const DEFAULT_SCOPE: &str = "okta-m2m-access";

/// An assertion of the client lives so long.
const LIFETIME: i64 = 300;

/// Who asks.
pub struct Machine<'a> {
    /// OAuth client.
    pub client: &'a str,
    /// The custom authorization server.
    pub server: &'a str,
    /// The scope.
    pub scope: &'a str,
    /// Id of the key.
    pub key_id: Option<&'a str>,
    /// PEM or JWK.
    pub key: &'a str,
}

impl Machine<'_> {
    /// A token for AssumeRoleWithWebIdentity.
    ///
    /// # Errors
    ///
    /// By the table of exit codes; never a question.
    pub async fn token(&self, okta: &Okta) -> Result<String, Failure> {
        let url = okta.url(&format!("/oauth2/{}/v1/token", self.server))?;
        let assertion = self.assertion(url.as_str(), Timestamp::now())?;
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", self.scope),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        let answer = okta.form(url, &form).await?;
        let json = answer.json();
        if answer.status.is_success() {
            let token = json["access_token"].as_str().map(str::to_owned);
            return token.ok_or_else(|| answer.unexpected("the token request"));
        }
        let failure = match (json["error"].as_str().unwrap_or_default(), answer.status.as_u16()) {
            ("invalid_dpop_proof" | "use_dpop_nonce", _) => {
                Failure::new(Exit::Refused, "Okta wants DPoP of this client, and AWS takes only plain tokens")
                    .hint("switch DPoP off for this app in Okta")
            }
            (
                "invalid_client"
                | "invalid_scope"
                | "access_denied"
                | "unauthorized_client"
                | "invalid_grant",
                _,
            ) => Failure::new(Exit::Refused, format!("Okta refuses the client: {}", answer.summary()))
                .hint("client, key and scope are those of `okta-dac aws init`"),
            _ => return Err(answer.unexpected("the token request")),
        };
        Err(answer.detailed(failure))
    }

    /// The signed assertion of the client (RFC 7523).
    fn assertion(&self, audience: &str, now: Timestamp) -> Result<String, Failure> {
        let (key, own_id) = Key::read(self.key)?;
        let now = now.as_second();
        let mut header = json!({ "typ": "JWT", "alg": key.algorithm() });
        if let Some(id) = self.key_id.map(str::to_owned).or(own_id) {
            header["kid"] = id.into();
        }
        let claims = json!({
            "iss": self.client, "sub": self.client, "aud": audience, "iat": now, "exp": now + LIFETIME,
            "jti": random_hex()?,
        });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = key.sign(signed.as_bytes()).ok_or_else(|| unusable("it cannot sign"))?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A private key.
enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair, &'static str),
}

fn unusable(why: &str) -> Failure {
    Failure::new(Exit::Configuration, format!("the private key cannot be used: {why}"))
        .hint("PEM (PKCS#1, PKCS#8 or SEC1) or a JWK; RSA, P-256, P-384 or P-521")
}

/// Curves: their name in a JWK, the algorithm (RFC 7518, 3.4), and the signer.
static CURVES: [(&str, &str, &EcdsaSigningAlgorithm); 3] = [
    ("P-256", "ES256", &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
    ("P-384", "ES384", &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
    ("P-521", "ES512", &signature::ECDSA_P521_SHA512_FIXED_SIGNING),
];

impl Key {
    /// Reads a key, with the id that a JWK has.
    fn read(text: &str) -> Result<(Self, Option<String>), Failure> {
        let text = text.trim();
        if text.starts_with('{') {
            return Self::of_jwk(text);
        }
        let der = Zeroizing::new(pem(text).ok_or_else(|| unusable("it is neither PEM nor a JWK"))?);
        let rsa = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
        if let Ok(pair) = rsa {
            return Ok((Self::Rsa(pair), None));
        }
        let curves = CURVES.iter();
        let mut pairs = curves.filter_map(|(_, algorithm, signer)| {
            Some(Self::Ec(EcdsaKeyPair::from_private_key_der(signer, &der).ok()?, algorithm))
        });
        pairs.next().map(|key| (key, None)).ok_or_else(|| unusable("it is of another kind"))
    }

    /// A JWK (RFC 7517): the numbers of a private key.
    fn of_jwk(text: &str) -> Result<(Self, Option<String>), Failure> {
        let jwk: Value = serde_json::from_str(text).map_err(|_| unusable("the JWK is no JSON"))?;
        let number = |name: &str| {
            let text = jwk[name].as_str().ok_or_else(|| unusable(&format!("the JWK has no `{name}`")))?;
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text);
            bytes.map_err(|_| unusable(&format!("`{name}` of the JWK is not base64url")))
        };
        let unfit = || unusable("the numbers of the JWK do not fit together");
        let key = match (jwk["kty"].as_str(), jwk["crv"].as_str()) {
            (Some("RSA"), _) => {
                let numbers: Result<Vec<_>, _> =
                    ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(number).into_iter().collect();
                let der = Zeroizing::new(rsa_der(&numbers?));
                Self::Rsa(RsaKeyPair::from_der(&der).map_err(|_| unfit())?)
            }
            (Some("EC"), Some(curve)) => {
                let known = CURVES.iter().find(|(name, ..)| *name == curve);
                let (_, algorithm, signer) =
                    known.ok_or_else(|| unusable(&format!("the curve {curve} is not possible")))?;
                let public = [vec![4], number("x")?, number("y")?].concat();
                let pair = EcdsaKeyPair::from_private_key_and_public_key(signer, &number("d")?, &public);
                Self::Ec(pair.map_err(|_| unfit())?, algorithm)
            }
            _ => return Err(unusable("the JWK is neither RSA nor EC")),
        };
        Ok((key, jwk["kid"].as_str().map(str::to_owned)))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_, algorithm) => algorithm,
        }
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ec(pair, _) => {
                pair.sign(&random, message).ok().map(|signature| signature.as_ref().to_vec())
            }
        }
    }
}

/// The DER of a PEM.
fn pem(text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    if !label.ends_with("PRIVATE KEY") || label.contains("ENCRYPTED") {
        return None;
    }
    let (body, _) = rest.split_once("-----END")?;
    BASE64_STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}

/// `RSAPrivateKey` of PKCS#1 (RFC 8017, A.1.2): version 0 and eight numbers.
fn rsa_der(numbers: &[Vec<u8>]) -> Vec<u8> {
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let mut der = vec![tag];
        if length < 128 {
            der.push(length as u8);
        } else {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            der.push(0x80 | bytes.len() as u8);
            der.extend(bytes);
        }
        der.extend_from_slice(content);
        der
    }
    let mut content = element(2, &[0]);
    for number in numbers {
        // A positive number begins with a zero bit.
        let lead: &[u8] = if number.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
        content.extend(element(2, &[lead, number].concat()));
    }
    element(0x30, &content)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair, UnparsedPublicKey, VerificationAlgorithm};

    use super::*;

    fn to_pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
    }

    fn signs(text: &str, algorithm: &str, public: &[u8], verifier: &'static dyn VerificationAlgorithm) {
        let machine = Machine { client: "0oa", server: "default", scope: "s", key_id: None, key: text };
        let jwt =
            machine.assertion("https://acme.test/oauth2/default/v1/token", Timestamp::UNIX_EPOCH).unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let part = |text: &str| {
            serde_json::from_slice::<Value>(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        assert_eq!(part(header)["alg"], algorithm);
        let claims = part(claims);
        assert_eq!(
            (&claims["iss"], &claims["sub"], &claims["exp"]),
            (&json!("0oa"), &json!("0oa"), &json!(300))
        );
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(verifier, public).verify(signed.as_bytes(), &signature).unwrap();
    }

    #[test]
    fn keys_of_every_kind_and_form() {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = rsa.public_key().as_ref().to_vec();
        let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).unwrap();
        // PKCS#1 is what PKCS#8 has inside, after 26 bytes (RFC 5958).
        let pkcs1 = &pkcs8.as_ref()[26..];
        for text in [to_pem("PRIVATE KEY", pkcs8.as_ref()), to_pem("RSA PRIVATE KEY", pkcs1)] {
            signs(&text, "RS256", &public, &signature::RSA_PKCS1_2048_8192_SHA256);
        }
        let verifiers: [(&'static dyn VerificationAlgorithm, usize); 3] = [
            (&signature::ECDSA_P256_SHA256_FIXED, 32),
            (&signature::ECDSA_P384_SHA384_FIXED, 48),
            (&signature::ECDSA_P521_SHA512_FIXED, 66),
        ];
        for ((curve, algorithm, signer), (verifier, size)) in CURVES.iter().zip(verifiers) {
            let pair = EcdsaKeyPair::generate(signer).unwrap();
            let public = pair.public_key().as_ref().to_vec();
            let private = AsBigEndian::<EcPrivateKeyBin<'_>>::as_be_bytes(&pair.private_key()).unwrap();
            let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
            let jwk = json!({
                "kty": "EC", "crv": curve, "d": number(private.as_ref()), "x": number(&public[1..=size]),
                "y": number(&public[size + 1..]), "kid": "k",
            });
            let sec1 = AsDer::<EcPrivateKeyRfc5915Der<'_>>::as_der(&pair.private_key()).unwrap();
            let pkcs8 = pair.to_pkcs8v1().unwrap();
            for text in [
                jwk.to_string(),
                to_pem("EC PRIVATE KEY", sec1.as_ref()),
                to_pem("PRIVATE KEY", pkcs8.as_ref()),
            ] {
                signs(&text, algorithm, &public, verifier);
            }
        }
    }

    #[test]
    fn what_is_no_key_is_said_without_the_key() {
        for text in [
            "secret",
            "{\"kty\":\"oct\"}",
            "{secret",
            "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----",
        ] {
            let failure = Key::read(text).err().unwrap();
            assert_eq!(failure.exit, Exit::Configuration);
            assert!(!failure.message(true).contains("secret"), "{failure}");
        }
    }
}
