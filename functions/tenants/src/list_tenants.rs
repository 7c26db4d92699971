//! Lists the tenants, page by page.
//!
//! # Okta calls
//!
//! `listGroups`, for as many groups as the page still lacks, until it is full: every tenant has a
//! group `ADMINS_<name>`, and searching for these is cheaper than listing IdPs,
//! most of which may not be tenants'. One more, `listIdentityProviders`, for
//! each group whose description was edited by hand.
//!
//! One call for a page without strangers.
//!
//! A page follows the search index, so that a tenant appears in it up to a
//! second after it was made.

use domain::{AdminsDescription, TenantName, TenantStatus};
use lambda_kit::{
    Context, Decode, Endpoint, Example, NoBody, Problem, QueryParameter, Request, Success, Violation,
};
use okta_client::models::Group;
use okta_client::{Client, Error, ListGroups, search};
use operations::Operation;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::lookup;

/// The operation `list-tenants`.
pub struct ListTenants;

/// Which page.
#[derive(Debug)]
pub struct Input {
    limit: usize,
    /// Okta's cursor.
    after: Option<String>,
    search: String,
    status: Option<TenantStatus>,
    /// The parameters as sent, without `after`, for the links.
    query: Vec<(&'static str, String)>,
}

const DEFAULT_LIMIT: usize = 30;
const MAX_LIMIT: usize = 200;

/// A tenant in the list.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(non_snake_case, reason = "names that clients of the predecessor read")]
#[schemars(rename = "TenantItem")]
pub struct Item {
    /// Id of the tenant: the id of its IdP.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Id of the group of its admins.
    pub ADMINS_groupId: String,
    /// When it was created, RFC 3339, UTC.
    pub created: String,
    /// `ACTIVE` or `SUSPENDED`.
    pub status: &'static str,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListTenantsError {
    /// Okta does not know the cursor.
    #[error("go on from the cursor")]
    Cursor,
    /// Okta did not answer.
    #[error("list the tenants")]
    Okta(#[from] Error),
}

impl ListTenantsError {
    fn new(error: Error, input: &Input) -> Self {
        match error {
            Error::Api(refusal) if refusal.status == 400 && input.after.is_some() => ListTenantsError::Cursor,
            error => ListTenantsError::Okta(error),
        }
    }
}

impl From<ListTenantsError> for Problem {
    fn from(error: ListTenantsError) -> Self {
        match error {
            ListTenantsError::Cursor => {
                let detail = "must be a cursor from a `next` link of this list".to_owned();
                Problem::violation("query.after", detail)
            }
            ListTenantsError::Okta(error) => Problem::okta("list the tenants", &error),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = &[
        QueryParameter { name: "limit", description: "Tenants on a page, 1 to 200; 30 unless given." },
        QueryParameter {
            name: "after",
            description: "Opaque cursor, from the link `next` of the page before.",
        },
        QueryParameter { name: "search", description: "Start of the name." },
        QueryParameter { name: "status", description: "`ACTIVE` or `SUSPENDED`." },
    ];

    fn decode(request: &Request) -> Result<Self, Problem> {
        let mut violations = Vec::new();
        let mut refuse = |name: &str, detail: &str| {
            violations.push(Violation { pointer: format!("query.{name}"), detail: detail.to_owned() });
        };
        let limit = match request.query("limit").map(str::parse) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => {
                refuse("limit", "must be a number from 1 to 200");
                DEFAULT_LIMIT
            }
        };
        let status = match request.query("status") {
            None => None,
            Some("ACTIVE") => Some(TenantStatus::Active),
            Some("SUSPENDED") => Some(TenantStatus::Suspended),
            Some(_) => {
                refuse("status", "must be `ACTIVE` or `SUSPENDED`");
                None
            }
        };
        let search = request.query("search").unwrap_or_default().to_owned();
        if search.chars().count() > TenantName::MAX_CHARS {
            refuse("search", "must have at most 220 characters");
        }
        if !violations.is_empty() {
            return Err(Problem::violations_of(violations));
        }
        let query = ["limit", "search", "status"]
            .into_iter()
            .filter_map(|name| Some((name, request.query(name)?.to_owned())))
            .collect();
        let after = request.query("after").map(str::to_owned);
        Ok(Self { limit, after, search, status, query })
    }
}

impl Endpoint for ListTenants {
    const OPERATION: &'static Operation = operations::get("list-tenants");
    type Input = Input;
    type Output = Vec<Item>;
    type Error = ListTenantsError;

    async fn call(context: &Context, input: Input) -> Result<Success<Vec<Item>>, ListTenantsError> {
        let mut expression = search::sw("profile.name", &format!("ADMINS_{}", input.search));
        if input.status == Some(TenantStatus::Suspended) {
            // Few are: Okta finds them for us.
            let suspended = search::co("profile.description", TenantStatus::Suspended.as_str());
            expression = format!("{expression} and {suspended}");
        }
        let expression = lookup::of_type(&expression);
        let mut after = input.after.clone();
        let mut items = Vec::new();
        loop {
            // Never more than are missing: a cursor stands between pages only.
            let missing = u32::try_from(input.limit - items.len()).unwrap_or(u32::MAX);
            let query = ListGroups::search(expression.clone()).limit(missing).after(after.take());
            let page = context.okta.list_groups_page(&query).await;
            let page = page.map_err(|error| ListTenantsError::new(error, &input))?;
            for group in &page.items {
                items.extend(item(&context.okta, group, &input).await?);
            }
            after = page.after;
            if after.is_none() || items.len() == input.limit {
                break;
            }
        }
        let mut answer =
            Success::new(items).header("link", link(context, &input, input.after.as_deref(), "self"));
        if let Some(next) = after {
            answer = answer.header("link", link(context, &input, Some(&next), "next"));
        }
        Ok(answer)
    }

    fn example() -> Example {
        Example {
            target: "/tenants?limit=2",
            body: None,
            answer: Some(json!([
                {
                    "id": "0oa00000000000000011", "name": "acme", "ADMINS_groupId": "00g00000000000000012",
                    "created": "2026-01-31T12:00:00.000Z", "status": "ACTIVE",
                },
                {
                    "id": "0oa00000000000000014", "name": "globex", "ADMINS_groupId": "00g00000000000000015",
                    "created": "2026-01-31T12:00:00.000Z", "status": "ACTIVE",
                },
            ])),
        }
    }
}

/// The tenant of an `ADMINS_` group, if it is one and the page wants it.
async fn item(okta: &Client, group: &Group, input: &Input) -> Result<Option<Item>, Error> {
    let Some(name) =
        group.profile.name.strip_prefix("ADMINS_").filter(|name| name.starts_with(&input.search))
    else {
        return Ok(None);
    };
    let Ok(name) = TenantName::parse(name) else { return Ok(None) };
    let description = AdminsDescription::parse(&group.profile.description).unwrap_or_default();
    if description.creating.is_some() || input.status.is_some_and(|status| status != description.status()) {
        return Ok(None);
    }
    let id = match &description.tenant_id {
        Some(id) => id.clone(),
        None => match lookup::idp_of(okta, &name).await? {
            Some(idp) => idp.id.to_string(),
            None => return Ok(None),
        },
    };
    Ok(Some(Item {
        id,
        name: name.to_string(),
        ADMINS_groupId: group.id.to_string(),
        created: group.created.clone(),
        status: description.status().as_str(),
    }))
}

fn link(context: &Context, input: &Input, after: Option<&str>, relation: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(&input.query);
    if let Some(after) = after {
        query.append_pair("after", after);
    }
    let query = Some(query.finish()).filter(|query| !query.is_empty());
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("<{}/tenants{query}>; rel=\"{relation}\"", context.base_url)
}
