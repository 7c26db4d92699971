//! What Okta's SAML page posts to AWS: the form, and the assertion in it.
//!
//! The assertion is not verified here: STS does that. It is read for what a person may
//! choose from, and for how long it is good.

use base64::prelude::{BASE64_STANDARD, Engine};
use html5gum::{Token, Tokenizer};
use jiff::{SignedDuration, Timestamp};
use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};

use super::arn::RoleArn;
use crate::failure::{Exit, Failure};

const NAMESPACE: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const ATTRIBUTES: &str = "https://aws.amazon.com/SAML/Attributes/";

/// AWS takes an assertion so long after it was issued.
const REDEEMABLE: SignedDuration = SignedDuration::from_mins(5);

/// An assertion is not used in its last moments.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// STS takes no longer ones.
const MAX_LENGTH: usize = 100_000;

/// The form of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// `SAMLResponse`, decoded from HTML and not from base64.
    pub response: Option<String>,
    /// The state of a sign-in that is not at its end (`var stateToken = '…'`).
    pub state_token: Option<String>,
    /// What the page says, for messages.
    pub title: String,
}

/// Reads a page.
pub fn read_page(html: &str) -> Page {
    let mut page = Page::default();
    let mut in_title = false;
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) => {
                let of = |name: &str| tag.attributes.get(name.as_bytes()).map(|value| text(&value.value));
                in_title = &*tag.name == b"title";
                if &*tag.name == b"input" && of("name").as_deref() == Some("SAMLResponse") {
                    page.response = of("value");
                }
            }
            Token::EndTag(_) => in_title = false,
            Token::String(content) if in_title => page.title.push_str(&text(&content.value)),
            _ => {}
        }
    }
    page.state_token = state_token(html);
    page
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `stateToken = '…'` or `"stateToken":"…"`, with `\x2D` for a hyphen.
fn state_token(html: &str) -> Option<String> {
    let (_, rest) = html.split_once("stateToken")?;
    let rest = rest.trim_start_matches(['"', '\'']).trim_start();
    let rest = rest.strip_prefix(['=', ':'])?.trim_start();
    let quote = rest.chars().next().filter(|c| "'\"".contains(*c))?;
    let value = rest[1..].split(quote).next()?;
    let mut token = String::new();
    let mut parts = value.split("\\x");
    token.push_str(parts.next()?);
    for part in parts {
        let (code, after) = part.split_at_checked(2)?;
        token.push(char::from(u8::from_str_radix(code, 16).ok()?));
        token.push_str(after);
    }
    (!token.is_empty()).then_some(token)
}

/// An assertion, as it is sent on, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assertion {
    /// Base64, as STS takes it.
    pub encoded: String,
    /// The roles, each with its provider.
    pub roles: Vec<Grant>,
    /// Seconds that a session in the console shall live.
    pub session_duration: Option<u32>,
    /// It is not to be used from then on.
    pub good_until: Timestamp,
}

/// A role that an assertion grants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// The role.
    pub role: RoleArn,
    /// ARN of the SAML provider.
    pub provider: String,
}

impl Assertion {
    /// Reads what a page posts.
    ///
    /// # Errors
    ///
    /// [`Exit::Network`] for what cannot be read, [`Exit::NotAllowed`] without a role.
    pub fn read(posted: &str, now: Timestamp) -> Result<Self, Failure> {
        let unreadable =
            |why: &str| Failure::new(Exit::Network, format!("Okta's SAML assertion cannot be read: {why}"));
        let encoded: String = posted.split_whitespace().collect();
        if encoded.len() > MAX_LENGTH {
            return Err(unreadable("it is longer than the 100,000 characters that AWS takes")
                .hint("fewer roles for the user, or an app for each group of accounts"));
        }
        let bytes = BASE64_STANDARD.decode(&encoded).map_err(|_| unreadable("it is not base64"))?;
        let xml = String::from_utf8(bytes).map_err(|_| unreadable("it is no text"))?;
        let document = Document::parse(&xml).map_err(|error| unreadable(&error.to_string()))?;
        let all = || document.descendants().filter(Node::is_element);
        let named = |name: &'static str| all().find(move |node| node.has_tag_name((NAMESPACE, name)));
        let assertion = named("Assertion").ok_or_else(|| unreadable("there is none in the response"))?;
        let values = |name: &str| -> Vec<String> {
            let wanted = format!("{ATTRIBUTES}{name}");
            let attributes = all().filter(|node| {
                node.has_tag_name((NAMESPACE, "Attribute")) && node.attribute("Name") == Some(wanted.as_str())
            });
            let values = attributes.flat_map(|node| node.children());
            let values = values.filter(|node| node.has_tag_name((NAMESPACE, "AttributeValue")));
            values.map(|node| node.text().unwrap_or_default().trim().to_owned()).collect()
        };
        let time = |node: Option<Node<'_, '_>>, name: &str| {
            node.and_then(|node| node.attribute(name)).and_then(|text| text.parse::<Timestamp>().ok())
        };
        let issued = time(Some(assertion), "IssueInstant").unwrap_or(now);
        let ends = [
            Some(issued + REDEEMABLE),
            time(named("Conditions"), "NotOnOrAfter"),
            time(named("AuthnStatement"), "SessionNotOnOrAfter"),
        ];
        let mut roles: Vec<Grant> = values("Role").iter().filter_map(|value| pair(value)).collect();
        roles.sort();
        roles.dedup();
        if roles.is_empty() {
            return Err(Failure::new(Exit::NotAllowed, "Okta grants no role of AWS to this user")
                .hint("whoever administers the AWS app in Okta assigns roles there"));
        }
        Ok(Self {
            roles,
            session_duration: values("SessionDuration").first().and_then(|text| text.parse().ok()),
            good_until: ends.into_iter().flatten().min().unwrap_or(issued) - MARGIN,
            encoded,
        })
    }
}

/// A pair of provider and role, in either order. Roles of AWS IAM Identity Center cannot be
/// taken with an assertion (STS API Reference, AssumeRoleWithSAML).
fn pair(value: &str) -> Option<Grant> {
    let (first, second) = value.split_once(',')?;
    let (first, second) = (first.trim(), second.trim());
    let (provider, role) = if first.contains(":saml-provider/") { (first, second) } else { (second, first) };
    let role = RoleArn::parse(role).ok().filter(|role| !role.name().starts_with("AWSReservedSSO_"))?;
    provider.contains(":saml-provider/").then(|| Grant { role, provider: provider.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assertion(prefix: &str, roles: &[&str], more: &str) -> String {
        let values: String = roles
            .iter()
            .map(|role| format!("<{prefix}AttributeValue>{role}</{prefix}AttributeValue>"))
            .collect();
        let declared =
            prefix.strip_suffix(':').map_or_else(|| "xmlns".to_owned(), |name| format!("xmlns:{name}"));
        let xml = format!(
            "<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\"><{prefix}Assertion {declared}=\"{NAMESPACE}\" \
             IssueInstant=\"2026-01-31T12:00:00.000Z\"><{prefix}Conditions NotOnOrAfter=\"2026-01-31T12:04:00Z\"/>\
             {more}<{prefix}Attribute Name=\"{ATTRIBUTES}Role\">{values}</{prefix}Attribute></{prefix}Assertion></p:Response>"
        );
        BASE64_STANDARD.encode(xml)
    }

    const NOW: &str = "2026-01-31T12:00:01Z";

    #[test]
    fn roles_in_either_order_and_under_any_prefix() {
        let roles = [
            "arn:aws:iam::123456789012:saml-provider/Okta,arn:aws:iam::123456789012:role/Reader",
            "arn:aws:iam::123456789012:role/team/Writer , arn:aws:iam::123456789012:saml-provider/Okta",
            "arn:aws:iam::123456789012:role/Reader,arn:aws:iam::123456789012:saml-provider/Okta",
            "arn:aws:iam::123456789012:role/AWSReservedSSO_Admin_1,arn:aws:iam::123456789012:saml-provider/Okta",
            "nonsense",
        ];
        for prefix in ["saml2:", "a:", ""] {
            let read = Assertion::read(&assertion(prefix, &roles, ""), NOW.parse().unwrap()).unwrap();
            let names: Vec<&str> = read.roles.iter().map(|grant| grant.role.name()).collect();
            assert_eq!(names, ["Reader", "Writer"], "{prefix}");
            assert!(read.roles.iter().all(|grant| grant.provider.ends_with("saml-provider/Okta")));
            assert_eq!(read.good_until.to_string(), "2026-01-31T12:03:30Z");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        let now = NOW.parse().unwrap();
        let none = Assertion::read(&assertion("", &[], ""), now).unwrap_err();
        assert_eq!(none.exit, Exit::NotAllowed);
        for text in
            ["***", &BASE64_STANDARD.encode("<a/>"), &BASE64_STANDARD.encode("no xml"), &"A".repeat(100_001)]
        {
            assert_eq!(Assertion::read(text, now).unwrap_err().exit, Exit::Network);
        }
    }

    #[test]
    fn a_form_with_entities_and_any_quotes() {
        let page = read_page(
            "<title>Sign in</title><form method=post action='https&#x3a;//signin.aws.amazon.com/saml'>\
             <input value=\"a&#43;b&#x3d;&#x2b;\" type=hidden name='SAMLResponse'><input name=RelayState value=''></form>",
        );
        assert_eq!(page.response.as_deref(), Some("a+b=+"));
        assert_eq!((page.title.as_str(), page.state_token), ("Sign in", None));
    }

    #[test]
    fn a_state_token_of_a_page() {
        for html in [
            "<script>var stateToken = '00ab\\x2Dcd\\x5Fe';</script>",
            "{\"stateToken\":\"00ab\\x2Dcd\\x5Fe\"}",
            "<script>stateToken=\"00ab-cd_e\"</script>",
        ] {
            assert_eq!(read_page(html).state_token.as_deref(), Some("00ab-cd_e"), "{html}");
        }
        assert_eq!(read_page("stateToken").state_token, None);
        assert_eq!(read_page("var stateToken = '\\xZZ'").state_token, None);
    }
}
