//! `Link` headers (RFC 8288), as far as Okta sends them.

use http::HeaderMap;
use http::header::LINK;

/// Target of the first link with `rel="next"`. Okta sends one header line per
/// relation; proxies may join them with commas.
pub(crate) fn next(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split('<').skip(1))
        .find_map(|link| {
            let (target, parameters) = link.split_once('>')?;
            let next =
                parameters.split([';', ',']).any(|p| p.trim() == "rel=\"next\"" || p.trim() == "rel=next");
            next.then(|| target.to_owned())
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a header says, what is followed stands in it between angle brackets.
        #[test]
        fn what_is_followed_stands_in_the_header(
            text in prop_oneof!["\\PC{0,60}", "(<https://o/[a-z<>,;]{0,6}>?; ?rel=\"?(next|self)\"?,? ?){0,3}"],
        ) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = text.parse() {
                headers.append(LINK, value);
            }
            if let Some(target) = next(&headers) {
                prop_assert!(text.contains(&format!("<{target}>")), "{target} of {text}");
            }
        }
    }

    #[test]
    fn separate_lines_and_joined_ones() {
        let (own, next_link) =
            (r#"<https://o/g?limit=2>; rel="self""#, r#"<https://o/g?after=a,b&limit=2>; rel="next""#);
        let mut separate = HeaderMap::new();
        separate.append(LINK, own.parse().unwrap());
        assert_eq!(next(&separate), None);
        separate.append(LINK, next_link.parse().unwrap());
        assert_eq!(next(&separate).as_deref(), Some("https://o/g?after=a,b&limit=2"));
        let mut joined = HeaderMap::new();
        joined.append(LINK, format!("{own}, {next_link}").parse().unwrap());
        assert_eq!(next(&joined).as_deref(), Some("https://o/g?after=a,b&limit=2"));
    }
}
