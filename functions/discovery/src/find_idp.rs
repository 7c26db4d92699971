//! Finds the identity provider of a login: WebFinger (RFC 7033), as Okta's own discovery answers.
//!
//! # Okta calls
//!
//! None: the function has no credential, and answers from the index of domains with two reads of
//! the state table.
//!
//! Everybody may ask. The answer says which identity provider has a domain, and nothing of users:
//! every login of a domain gets the same answer. The path of RFC 7033 has nothing before it, so a
//! client that knows the domain alone needs a custom domain with an empty base path before this
//! API; under the address of API Gateway the name of the stage stands before the path.

use domain::{Discovery, EmailDomain};
use guard::DomainIndex;
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use lambda_kit::{Example, Forward, ForwardRequest, Forwarded, QueryParameter, Values};
use operations::{EnvVar, Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, OrgUrl};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::json;

/// The relation of a link to an identity provider, as Okta's own discovery names it.
const REL: &str = "okta:idp";

/// Schemes of a login: an account (RFC 7565), as Okta's sign-in page sends it, and a mailbox.
const SCHEMES: [&str; 3] = ["okta:acct:", "acct:", "mailto:"];

/// Longest resource that is read: a login has at most 100 characters in Okta.
const LONGEST: usize = 320;

/// The operation `find-idp`.
pub struct FindIdp {
    index: DomainIndex,
    org: OrgUrl,
    is_on: bool,
}

/// What is known of a login: a JSON Resource Descriptor (RFC 7033, section 4.4).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ResourceDescriptor")]
struct Descriptor {
    /// The resource that was asked for.
    subject: String,
    /// Links, of the relations that were asked for.
    links: Vec<Link>,
}

/// A link to an identity provider.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ResourceLink")]
struct Link {
    /// `okta:idp`.
    rel: &'static str,
    /// Where a sign-in through the identity provider begins.
    href: String,
    /// What else is known of it.
    properties: Properties,
}

/// Properties of a link to an identity provider.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ResourceLinkProperties")]
struct Properties {
    /// Id of the identity provider, which is the tenant's: for the parameter `idp` of Okta's
    /// `/authorize`.
    #[serde(rename = "okta:idp:id")]
    id: String,
}

impl Forward for FindIdp {
    const OPERATION: &'static Operation = operations::get("find-idp");

    const MEDIA_TYPE: &'static str = "application/jrd+json";

    const QUERY: &'static [QueryParameter] = &[
        QueryParameter {
            name: "resource",
            description: "The login: `acct:ann@acme.test`, `mailto:ann@acme.test` or `ann@acme.test`. Required.",
            values: Values::Text,
        },
        QueryParameter {
            name: "rel",
            description: "Only links of this relation; may be repeated. The one that there is: `okta:idp`.",
            values: Values::Text,
        },
    ];

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let by = Discovery::webfinger_if(environment.choice(&EnvVar::DISCOVERY_BY, Discovery::WORDS)?);
        let org = environment.text(&EnvVar::OKTA_ORG_URL)?;
        let org = OrgUrl::parse(&org)
            .map_err(|error| ConfigError::value(&EnvVar::OKTA_ORG_URL, error.to_string(), org))?;
        Ok(Self { index: DomainIndex::prepare(environment)?, org, is_on: by == Discovery::Webfinger })
    }

    async fn call(&self, request: ForwardRequest) -> Result<Forwarded, Failure> {
        if !self.is_on {
            let detail = "this deployment finds nobody here: users are routed by Okta (`DiscoveryBy` is `routing-rules`)";
            return Err(Failure::new(ProblemCode::DomainNotFound, detail));
        }
        let values = |name: &'static str| request.query.iter().filter(move |(of, _)| of == name);
        let mut resources = values("resource").map(|(_, value)| value.as_str());
        let (Some(subject), None) = (resources.next(), resources.next()) else {
            return Err(Failure::violation("query.resource", "must be given, once".to_owned()));
        };
        let domain = domain_of(subject)?;
        let Some(id) = self.index.tenant_of(&domain).await? else {
            let detail = format!("no identity provider has logins of `{domain}`");
            return Err(Failure::new(ProblemCode::DomainNotFound, detail));
        };
        let mut rels = values("rel").map(|(_, value)| value.as_str()).peekable();
        let is_wanted = rels.peek().is_none() || rels.any(|rel| rel == REL);
        let link = Link {
            rel: REL,
            href: format!("{}/sso/idps/{id}", self.org.as_str()),
            properties: Properties { id },
        };
        let links = Some(link).filter(|_| is_wanted).into_iter().collect();
        let descriptor = Descriptor { subject: subject.to_owned(), links };
        let headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA_TYPE)),
            // RFC 7033, section 5: pages of any origin may ask.
            (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            // A tenant that is suspended is not found a minute later.
            (CACHE_CONTROL, HeaderValue::from_static("public, max-age=60")),
        ];
        Ok(Forwarded { status: 200, headers, body: json!(descriptor).to_string().into_bytes() })
    }

    fn answer(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<Descriptor>())
    }

    fn example() -> Example {
        Example {
            target: "/.well-known/webfinger?resource=acct:ann@globex.test",
            body: None,
            answer: Some(json!({
                "subject": "acct:ann@globex.test",
                "links": [{
                    "rel": REL, "href": "https://example.okta.com/sso/idps/0oa00000000000000014",
                    "properties": { "okta:idp:id": "0oa00000000000000014" },
                }],
            })),
        }
    }
}

/// The domain of a login.
fn domain_of(resource: &str) -> Result<EmailDomain, Failure> {
    let refuse = || {
        let rule = "must be a login, such as `acct:ann@acme.test`";
        Failure::violation("query.resource", rule.to_owned())
    };
    if resource.len() > LONGEST {
        return Err(refuse());
    }
    let lower = resource.to_ascii_lowercase();
    let scheme = SCHEMES.iter().find(|scheme| lower.starts_with(**scheme));
    let login = resource.get(scheme.map_or(0, |scheme| scheme.len())..).unwrap_or_default();
    match login.rsplit_once('@') {
        Some((name, domain)) if !name.is_empty() => EmailDomain::parse(domain).map_err(|_| refuse()),
        _ => Err(refuse()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wfd_06_a_login_has_one_domain() {
        for resource in [
            "acct:ann@Acme.test",
            "ACCT:ann@acme.test",
            "okta:acct:ann@acme.test",
            "mailto:ann@acme.test",
            "ann@acme.test",
            "acct:ann%40home@acme.test",
            "a@b@acme.test",
        ] {
            assert_eq!(domain_of(resource).unwrap().as_str(), "acme.test", "{resource}");
        }
        let long = format!("{}@acme.test", "a".repeat(LONGEST));
        for bad in [
            "",
            "acct:",
            "acct:ann",
            "acct:@acme.test",
            "@acme.test",
            "ann@",
            "ann@test",
            "ann@acme.test.",
            "https://acme.test/ann",
            &long,
        ] {
            assert!(domain_of(bad).is_err(), "{bad}");
        }
    }
}
