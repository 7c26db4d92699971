//! E-mail domains: which ones a tenant can have, and how they overlap.

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::names::excerpt;

/// Domains of mail providers: everybody may have a mailbox there, and no tenant may
/// have the domain. Their subdomains also count.
#[rustfmt::skip] // A list.
const PUBLIC_MAIL: &[&str] = &[
    "126.com", "163.com", "aol.com", "bluewin.ch", "btinternet.com", "comcast.net", "duck.com",
    "fastmail.com", "free.fr", "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de",
    "gmx.net", "googlemail.com", "hey.com", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.fr",
    "hotmail.it", "hushmail.com", "icloud.com", "laposte.net", "libero.it", "live.co.uk", "live.com",
    "live.fr", "mac.com", "mail.com", "mail.ru", "mailbox.org", "me.com", "msn.com", "naver.com",
    "orange.fr", "outlook.com", "outlook.de", "outlook.fr", "pm.me", "posteo.de", "proton.me",
    "protonmail.com", "qq.com", "rediffmail.com", "rocketmail.com", "seznam.cz", "sina.com", "t-online.de",
    "tuta.com", "tutanota.com", "verizon.net", "web.de", "wp.pl", "yahoo.co.in", "yahoo.co.jp",
    "yahoo.co.uk", "yahoo.com", "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.it", "yandex.com", "yandex.ru",
    "ymail.com", "zoho.com",
];

/// An e-mail domain as DNS knows it: lower case, A-labels, no trailing dot.
///
/// ```
/// use domain::EmailDomain;
/// assert_eq!(EmailDomain::parse("Bücher.example").unwrap().as_str(), "xn--bcher-kva.example");
/// assert!(EmailDomain::parse("example").is_err());
/// assert!(EmailDomain::parse("a@example.com").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailDomain(String);

impl EmailDomain {
    /// # Errors
    ///
    /// [`EmailDomainError`] with the rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, EmailDomainError> {
        let refuse = |rule| Err(EmailDomainError { domain: excerpt(text), rule });
        if text.ends_with('.') {
            return refuse("must not end with a dot");
        }
        let ascii = Uts46::new().to_ascii(
            text.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        );
        let Ok(ascii) = ascii else {
            return refuse("must be a domain name: labels of letters, digits and hyphens, joined by dots");
        };
        if !ascii.contains('.') {
            return refuse("must have at least two labels");
        }
        if ascii.rsplit('.').next().is_some_and(|top| top.bytes().all(|b| b.is_ascii_digit())) {
            return refuse("must be a domain name, not an address");
        }
        Ok(Self(ascii.into_owned()))
    }

    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether one is the other, or below it: then logins of one are logins of both.
    ///
    /// ```
    /// use domain::EmailDomain;
    /// let domain = |text| EmailDomain::parse(text).unwrap();
    /// assert!(domain("acme.com").overlaps(&domain("eu.acme.com")));
    /// assert!(!domain("ey.com").overlaps(&domain("disney.com")));
    /// assert!(!domain("acme.com").overlaps(&domain("acme.net")));
    /// ```
    pub fn overlaps(&self, other: &Self) -> bool {
        self.is_below(&other.0) || other.is_below(&self.0)
    }

    /// Whether it is the other, or below the other: its logins are logins of the other.
    pub fn is_within(&self, other: &Self) -> bool {
        self.is_below(&other.0)
    }

    /// Whether it is longer, and ends with the letters of the other. Okta compares the
    /// ends of logins as text: a rule for `ey.com` also matches logins of `disney.com`.
    ///
    /// ```
    /// use domain::EmailDomain;
    /// let domain = |text| EmailDomain::parse(text).unwrap();
    /// assert!(domain("disney.com").hides_behind(&domain("ey.com")));
    /// assert!(!domain("ey.com").hides_behind(&domain("disney.com")));
    /// ```
    pub fn hides_behind(&self, shorter: &Self) -> bool {
        self != shorter && self.0.ends_with(&shorter.0)
    }

    /// The domain below a public suffix that it belongs to: domains that overlap have the
    /// same one.
    ///
    /// ```
    /// use domain::EmailDomain;
    /// assert_eq!(EmailDomain::parse("eu.acme.co.uk").unwrap().registrable(), "acme.co.uk");
    /// ```
    pub fn registrable(&self) -> &str {
        psl::domain_str(&self.0).unwrap_or(&self.0)
    }

    /// Whether it is `parent` or one of its subdomains.
    fn is_below(&self, parent: &str) -> bool {
        self.0.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// Whether everybody can have a mailbox here.
    pub fn is_public_mail(&self) -> bool {
        PUBLIC_MAIL.iter().any(|provider| self.is_below(provider))
    }

    /// Whether it is a public suffix, such as `com` and `co.uk`, below which
    /// strangers register their domains (publicsuffix.org).
    pub fn is_public_suffix(&self) -> bool {
        psl::domain(self.0.as_bytes()).is_none()
    }
}

impl fmt::Display for EmailDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `_oktadac.verification.<domain>`: the name of the TXT record that verifies a domain.
pub fn verification_name(domain: &EmailDomain) -> String {
    format!("_oktadac.verification.{domain}")
}

/// The domain that a tenant is to get: below a public suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEmailDomain(EmailDomain);

impl NewEmailDomain {
    /// `any_provider` lets domains of public mail providers pass.
    ///
    /// # Errors
    ///
    /// [`EmailDomainError`] with the rule that the text breaks.
    pub fn parse(text: &str, any_provider: bool) -> Result<Self, EmailDomainError> {
        let domain = EmailDomain::parse(text)?;
        let refuse = |rule| Err(EmailDomainError { domain: excerpt(text), rule });
        // RFC 1035, 2.3.4: 255 octets, of which two are no text.
        if verification_name(&domain).len() > 253 {
            return refuse(
                "must have at most 231 characters: the name of its TXT record must fit into the DNS",
            );
        }
        if domain.is_public_suffix() {
            return refuse("must be below a public suffix: it is one itself");
        }
        if domain.is_public_mail() && !any_provider {
            return refuse("must not be a public mail provider's");
        }
        Ok(Self(domain))
    }
}

impl std::ops::Deref for NewEmailDomain {
    type Target = EmailDomain;

    fn deref(&self) -> &EmailDomain {
        &self.0
    }
}

/// A domain that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("domain `{domain}` {rule}")]
pub struct EmailDomainError {
    domain: String,
    rule: &'static str,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn br_10_the_verification_record_fits_into_the_dns() {
        let domain = |length: usize| {
            let labels = vec!["a".repeat(63); 3].join(".");
            format!("{}.{labels}.test", "b".repeat(length - labels.len() - ".".len() - ".test".len()))
        };
        assert!(NewEmailDomain::parse(&domain(231), false).is_ok());
        for length in [232, 245, 253] {
            let refused = NewEmailDomain::parse(&domain(length), false).unwrap_err().to_string();
            assert!(refused.contains("231 characters"), "{refused}");
        }
    }

    /// Only `xn--` means something.
    #[test]
    fn br_18_hyphens_in_the_third_and_fourth_place() {
        for domain in ["ab--cd.example.com", "r3---sn.example.com"] {
            assert_eq!(EmailDomain::parse(domain).unwrap().as_str(), domain);
        }
        for domain in ["xn--a.example.com", "-ab.example.com", "ab-.example.com"] {
            assert!(EmailDomain::parse(domain).is_err(), "{domain}");
        }
    }

    #[test]
    fn dom_03_public_suffixes_and_providers_are_nobodys() {
        for good in
            ["acme.com", "ACME.com", "eu.acme.co.uk", "bücher.example", "a-b.test", "xn--bcher-kva.example"]
        {
            assert!(NewEmailDomain::parse(good, false).is_ok(), "{good}");
        }
        for bad in [
            "com",
            "co.uk",
            "localhost",
            "",
            ".",
            "acme.com.",
            "-a.com",
            "a..com",
            "a b.com",
            "a@b.com",
            "*.com",
            "_dmarc.acme.com",
            "gmail.com",
            "mail.gmail.com",
            "127.0.0.1",
            "github.io",
            "a/b.com",
            "a?name=b.com",
            &format!("{}.com", "a".repeat(64)),
            &"a.".repeat(130),
        ] {
            assert!(NewEmailDomain::parse(bad, false).is_err(), "{bad}");
        }
        assert!(NewEmailDomain::parse("gmail.com", true).is_ok());
        assert!(NewEmailDomain::parse("com", true).is_err());
    }

    #[test]
    fn the_list_of_providers_is_well_formed() {
        assert!(PUBLIC_MAIL.is_sorted());
        for provider in PUBLIC_MAIL {
            assert_eq!(EmailDomain::parse(provider).unwrap().as_str(), *provider);
        }
    }

    proptest! {
        #[test]
        fn dom_12_what_is_accepted_is_safe_in_a_url_and_its_own_canonical_form(text in "\\PC{0,40}") {
            if let Ok(domain) = EmailDomain::parse(&text) {
                prop_assert!(domain.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b)));
                prop_assert_eq!(EmailDomain::parse(domain.as_str()), Ok(domain.clone()));
            }
        }

        #[test]
        fn overlapping_is_symmetric(a in "[ab]{1,2}(\\.[ab]{1,2}){1,3}", b in "[ab]{1,2}(\\.[ab]{1,2}){1,3}") {
            let (a, b) = (EmailDomain::parse(&a).unwrap(), EmailDomain::parse(&b).unwrap());
            prop_assert_eq!(a.overlaps(&b), b.overlaps(&a));
            prop_assert!(a.overlaps(&a));
            // Who has the lock of one has the lock of the other.
            if a.overlaps(&b) && !a.is_public_suffix() && !b.is_public_suffix() {
                prop_assert_eq!(a.registrable(), b.registrable());
            }
        }
    }
}
