//! Pages of a list: `limit`, `after` and the header `Link`.

use std::collections::BTreeMap;

use operations::Operation;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use run_kit::{Failure, Violation};

use crate::{Context, QueryParameter, Request, Success, Values};

/// Which page of a list is wanted.
#[derive(Debug)]
pub struct Paging {
    limit: usize,
    after: Option<String>,
    /// The path parameters.
    path: BTreeMap<String, String>,
    /// The query as sent, without `after`.
    query: Vec<(&'static str, String)>,
}

impl Paging {
    /// The parameter `limit`.
    pub const LIMIT: QueryParameter = QueryParameter {
        name: "limit",
        description: "Elements on a page, 1 to 200; 30 unless given.",
        values: Values::Number(1, 200),
    };

    /// The parameter `limit` of a list that is given whole to whoever asks for no page.
    pub const LIMIT_OF_ALL: QueryParameter = QueryParameter {
        name: "limit",
        description: "Elements on a page, 1 to 200; 30 unless given, and 200 without `after` besides.",
        values: Values::Number(1, 200),
    };

    /// The parameters of such a list.
    pub const QUERY_OF_ALL: &'static [QueryParameter] = &[Self::LIMIT_OF_ALL, Self::AFTER];

    /// The parameter `after`.
    pub const AFTER: QueryParameter = QueryParameter {
        name: "after",
        description: "Opaque cursor, from the link `next` of the page before.",
        values: Values::Text,
    };

    /// The parameters of a list that has no others.
    pub const QUERY: &'static [QueryParameter] = &[Self::LIMIT, Self::AFTER];

    const DEFAULT_LIMIT: usize = 30;
    const MAX_LIMIT: usize = 200;

    /// Reads `limit` and `after`; `others` are the list's other parameters,
    /// which its links repeat.
    ///
    /// # Errors
    ///
    /// If `limit` is no number from 1 to 200, or `after` cannot be a cursor.
    pub fn decode(request: &Request, others: &[&'static str]) -> Result<Self, Violation> {
        let limit = match request.query("limit").map(str::parse) {
            None => Self::DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=Self::MAX_LIMIT).contains(&limit) => limit,
            Some(_) => {
                let detail = "must be a number from 1 to 200".to_owned();
                return Err(Violation { pointer: "query.limit".to_owned(), detail });
            }
        };
        let query = others.iter().filter_map(|name| Some((*name, request.query(name)?.to_owned()))).collect();
        let after = request.query("after").map(str::to_owned);
        if after.as_deref().is_some_and(|after| !is_cursor(after)) {
            return Err(Self::no_cursor());
        }
        Ok(Self { limit, after, path: request.parts.path.clone(), query })
    }

    /// The same for a list of [`Paging::QUERY_OF_ALL`]: clients of the predecessor ask for no
    /// page, and take what comes for everything.
    ///
    /// # Errors
    ///
    /// As [`Paging::decode`].
    pub fn decode_of_all(request: &Request, others: &[&'static str]) -> Result<Self, Violation> {
        let paging = Self::decode(request, others)?;
        let asks = request.query("limit").is_some() || paging.after.is_some();
        Ok(Self { limit: if asks { paging.limit } else { Self::MAX_LIMIT }, ..paging })
    }

    fn no_cursor() -> Violation {
        let detail = "must be a cursor from a `next` link of this list".to_owned();
        Violation { pointer: "query.after".to_owned(), detail }
    }

    /// The failure of a cursor that Okta does not know.
    pub fn unknown_cursor() -> Failure {
        Self::no_cursor().into()
    }

    /// Elements on a page.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The cursor that the page begins after.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The page of a whole list, for lists that are put together here, and the
    /// cursor of the next page. The elements must be in the order of their
    /// keys, which are the cursors.
    pub fn cut<T>(&self, items: Vec<T>, key: impl Fn(&T) -> &str) -> (Vec<T>, Option<String>) {
        let after = self.after().unwrap_or_default();
        let mut rest = items.into_iter().filter(|item| key(item) > after);
        let page: Vec<T> = rest.by_ref().take(self.limit).collect();
        let next = rest.next().and(page.last()).map(|last| key(last).to_owned());
        (page, next)
    }

    /// The answer with a page, and with links to it and to the next one.
    pub fn answer<T>(
        &self,
        context: &Context,
        operation: &Operation,
        page: Vec<T>,
        next: Option<&str>,
    ) -> Success<Vec<T>> {
        let answer = Success::new(page).header("link", self.link(context, operation, self.after(), "self"));
        match next {
            Some(next) => answer.header("link", self.link(context, operation, Some(next), "next")),
            None => answer,
        }
    }

    fn link(&self, context: &Context, operation: &Operation, after: Option<&str>, relation: &str) -> String {
        let segment = |segment: &str| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(name) => {
                let value = self.path.get(name).map_or("", String::as_str);
                utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
            }
            None => segment.to_owned(),
        };
        let path: Vec<String> =
            operation.route().map_or("", |(_, path)| path).split('/').map(segment).collect();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        if let Some(after) = after {
            query.append_pair("after", after);
        }
        // Last, also where nobody gave it: a client of the predecessor takes everything up to
        // the next `&` for the cursor.
        query.append_pair("limit", &self.limit.to_string());
        format!("<{}{}?{}>; rel=\"{relation}\"", context.base_url, path.join("/"), query.finish())
    }
}

/// Whether a text can be a cursor: a key of an element, or one of Okta's.
fn is_cursor(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_graphic() && !b"<>\"'&?".contains(&byte);
    text.len() <= 1_024 && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use domain::Caller;

    use super::*;
    use crate::RequestParts;

    fn request(query: &[(&str, &str)]) -> Request {
        let query = query.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let parts = RequestParts { query, ..RequestParts::default() };
        Request { parts, caller: Caller::new("00u1", &[], &[], false) }
    }

    #[test]
    fn a_list_is_cut_into_full_pages() {
        let list: Vec<String> = ('a'..='e').map(String::from).collect();
        let page = |after: &str| {
            let paging = Paging::decode(&request(&[("limit", "2"), ("after", after)]), &[]).unwrap();
            let (page, next) = paging.cut(list.clone(), |item| item);
            (page.concat(), next)
        };
        assert_eq!(page(""), ("ab".to_owned(), Some("b".to_owned())));
        assert_eq!(page("b"), ("cd".to_owned(), Some("d".to_owned())));
        assert_eq!(page("d"), ("e".to_owned(), None));
        // An element that is gone does not lose the place.
        assert_eq!(page("bb"), ("cd".to_owned(), Some("d".to_owned())));
        assert_eq!(page("e"), (String::new(), None));
    }

    #[test]
    fn limits() {
        assert_eq!(Paging::decode(&request(&[]), &[]).unwrap().limit(), 30);
        for bad in ["0", "201", "-1", "x", ""] {
            let refused = Paging::decode(&request(&[("limit", bad)]), &[]).unwrap_err();
            assert_eq!(refused.detail, "must be a number from 1 to 200", "{bad}");
        }
    }
}
