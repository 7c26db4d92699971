//! The System Log.

use crate::models::LogEvent;
use crate::{Client, Error, Page};

/// Elements of one page: the most that Okta gives.
const PAGE: u32 = 1_000;

impl Client {
    /// One page of the events of these types since `since` and before `until`, RFC 3339,
    /// oldest first (`listLogEvents`). A query with an end has a last page.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 if the cursor is unknown.
    pub async fn list_log_events_page(
        &self,
        types: &[&str],
        since: &str,
        until: &str,
        after: Option<&str>,
    ) -> Result<Page<LogEvent>, Error> {
        let mut url = self.url(&["logs"])?;
        let filter: Vec<String> = types.iter().map(|kind| crate::search::eq("eventType", kind)).collect();
        url.query_pairs_mut()
            .append_pair("since", since)
            .append_pair("until", until)
            .append_pair("filter", &filter.join(" or "))
            .append_pair("limit", &PAGE.to_string())
            .append_pair("sortOrder", "ASCENDING");
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", after);
        }
        self.page("listLogEvents", url).await
    }
}
