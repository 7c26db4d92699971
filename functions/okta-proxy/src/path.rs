//! Which paths are passed on: users, groups, and what is below them.

use percent_encoding::percent_decode_str;
use url::Url;

/// The collections that callers reach.
const ALLOWED: [&str; 2] = ["users", "groups"];

/// Why a path is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathError {
    /// It is no path of segments that mean one thing only.
    Malformed,
    /// It leads elsewhere.
    Elsewhere,
}

/// The URL of a path below `/api/v1/`, which stands as it was sent.
///
/// Every segment is decoded once and encoded again: what Okta sees has as many
/// segments as what was checked, and none of them is empty, `.`, `..`, or holds a
/// slash, a backslash, a control character or another encoding.
pub(crate) fn url(org: &str, path: &str) -> Result<Url, PathError> {
    let decoded = |segment: &str| {
        let text = percent_decode_str(segment).decode_utf8().ok()?.into_owned();
        let twice = percent_decode_str(&text).decode_utf8().ok()?;
        let harmless = !matches!(text.as_str(), "" | "." | "..")
            && !text.contains(|c: char| matches!(c, '/' | '\\' | '?' | '#' | ';') || c.is_control());
        (harmless && twice == text).then_some(text)
    };
    let segments = path.split('/').map(decoded).collect::<Option<Vec<String>>>();
    let segments = segments.ok_or(PathError::Malformed)?;
    if !segments.first().is_some_and(|first| ALLOWED.contains(&first.as_str())) {
        return Err(PathError::Elsewhere);
    }
    let mut url = Url::parse(org).map_err(|_| PathError::Malformed)?;
    let root = ["api", "v1"].into_iter();
    url.path_segments_mut()
        .map_err(|()| PathError::Malformed)?
        .clear()
        .extend(root.chain(segments.iter().map(String::as_str)));
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pxy_01_pxy_02_only_users_and_groups() {
        let path = |path: &str| url("https://example.okta.com", path).map(|url| url.path().to_owned());
        for (sent, passed) in [
            ("users", "/api/v1/users"),
            ("users/me", "/api/v1/users/me"),
            ("groups/00g1/users", "/api/v1/groups/00g1/users"),
            ("users/a%40b.test", "/api/v1/users/a@b.test"),
            ("users/%C3%A4", "/api/v1/users/%C3%A4"),
        ] {
            assert_eq!(path(sent).as_deref(), Ok(passed), "{sent}");
        }
        for sent in [
            "",
            "users/",
            "users//me",
            "/users",
            "users/..",
            "users/../apps",
            "users/%2e%2e/apps",
            "users/%2E%2e",
            "users/.",
            "users/..%2Fapps",
            "users/a%2Fb",
            "users/a%5Cb",
            "users/a\\b",
            "users/%252e%252e",
            "users/a%3Fb",
            "users/a%23b",
            "users/a;b",
            "users/%00",
            "users/%ff",
            "users/%0a",
            "../../oauth2/default/v1/keys",
        ] {
            assert_eq!(path(sent), Err(PathError::Malformed), "{sent}");
        }
        for sent in
            ["apps", "idps/0oa1", "authn", "Users", "usersx/me", "%75sersx", "meta/schemas/user/default"]
        {
            assert_eq!(path(sent), Err(PathError::Elsewhere), "{sent}");
        }
    }
}
