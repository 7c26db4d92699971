//! Where the org is.

use std::net::IpAddr;

use url::{Host, Url};

/// Origin of an Okta org, checked: `https`, or `http` on a loopback address.
///
/// ```
/// use okta_client::OrgUrl;
/// assert_eq!(OrgUrl::parse("https://example.okta.com/").unwrap().as_str(), "https://example.okta.com");
/// assert!(OrgUrl::parse("http://example.okta.com").is_err());
/// assert!(OrgUrl::parse("https://example.okta.com/oauth2/default").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgUrl(Url);

/// A text that is no [`OrgUrl`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the origin of an Okta org: write `https://`, the host, and nothing after it")]
pub struct OrgUrlError(String);

impl OrgUrl {
    /// # Errors
    ///
    /// [`OrgUrlError`] for anything but an origin, and for a scheme that would
    /// send the credential in clear.
    pub fn parse(text: &str) -> Result<Self, OrgUrlError> {
        let refused = || OrgUrlError(text.to_owned());
        let url = Url::parse(text).map_err(|_| refused())?;
        let loopback = match url.host() {
            Some(Host::Domain(domain)) => domain == "localhost",
            Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
            None => false,
        };
        let secure = url.scheme() == "https" || (url.scheme() == "http" && loopback);
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if secure && bare && url.has_host() { Ok(Self(url)) } else { Err(refused()) }
    }

    /// The origin, without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// A URL below `/api/v1`; `None` if a segment cannot be one: empty, `.` or
    /// `..`, which no encoding keeps from changing the path.
    pub(crate) fn api(&self, segments: &[&str]) -> Option<Url> {
        let segments: Vec<&str> = ["api", "v1"].into_iter().chain(segments.iter().copied()).collect();
        self.path(&segments)
    }

    /// A URL of the org; `None` as [`OrgUrl::api`].
    pub(crate) fn path(&self, segments: &[&str]) -> Option<Url> {
        let mut url = self.0.clone();
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return None;
        }
        url.path_segments_mut().ok()?.clear().extend(segments);
        Some(url)
    }

    /// Whether `url` leads to this org.
    pub(crate) fn is_origin_of(&self, url: &Url) -> bool {
        self.0.origin() == url.origin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn man_22_a_missing_slash_cannot_send_the_token_elsewhere() {
        let org = OrgUrl::parse("https://tenant.okta.com").unwrap();
        assert_eq!(org.api(&["groups"]).unwrap().as_str(), "https://tenant.okta.com/api/v1/groups");
    }

    #[test]
    fn only_origins() {
        for bad in [
            "",
            "example.okta.com",
            "http://example.okta.com",
            "https://user@example.okta.com",
            "https://example.okta.com/?a",
            "https://example.okta.com/#a",
            "https://example.okta.com/x",
            "ftp://example.okta.com",
            "http://192.168.0.1",
        ] {
            assert!(OrgUrl::parse(bad).is_err(), "{bad}");
        }
        for good in
            ["https://example.okta.com", "http://127.0.0.1:8700", "http://localhost:1", "http://[::1]:1"]
        {
            assert!(OrgUrl::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn segments_cannot_leave_their_place() {
        let org = OrgUrl::parse("https://e.okta.com").unwrap();
        let url = |segment| org.api(&["users", segment]).map(|url| url.path().to_owned());
        assert_eq!(url("a/b?c#d%2e"), Some("/api/v1/users/a%2Fb%3Fc%23d%252e".to_owned()));
        assert_eq!(url("../x"), Some("/api/v1/users/..%2Fx".to_owned()));
        assert_eq!((url(".."), url("."), url("")), (None, None, None));
    }
}
