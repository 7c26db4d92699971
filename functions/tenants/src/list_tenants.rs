//! Lists the tenants, page by page.
//!
//! # Okta calls
//!
//! `listGroups` with `expand=stats`, for as many groups as the page still lacks, until it
//! is full: every tenant has a group `ADMINS_<name>`, and searching for these is cheaper
//! than listing IdPs, most of which may not be tenants'. Okta's statistics say which of
//! them hold an admin role: no tenant's admin can give a group one. For each group
//! without a role, `getApplicationGroupAssignment`: a tenant that an earlier release
//! suspended has none. `listIdentityProviders` for each whose description was edited by
//! hand.
//!
//! One call for a page without strangers.
//!
//! A page follows the search index. Therefore a tenant appears in a page up to a
//! second after it was made.

use domain::{AdminsDescription, TenantName, TenantStatus};
use lambda_kit::{
    Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success, Values,
};
use okta_client::models::Group;
use okta_client::{Client, Error, ListGroups, search};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Violation};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use tenancy::{Tenants, of_type};

/// The operation `list-tenants`.
pub struct ListTenants {
    tenants: Tenants,
}

/// Which page.
#[derive(Debug)]
pub struct Input {
    paging: Paging,
    search: String,
    status: Option<TenantStatus>,
}

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
    fn new(error: Error, paging: &Paging) -> Self {
        match error {
            Error::Api(refusal) if refusal.status == 400 && paging.after().is_some() => {
                ListTenantsError::Cursor
            }
            error => ListTenantsError::Okta(error),
        }
    }
}

impl From<ListTenantsError> for Failure {
    fn from(error: ListTenantsError) -> Self {
        match error {
            ListTenantsError::Cursor => Paging::unknown_cursor(),
            ListTenantsError::Okta(error) => Failure::okta("list the tenants", &error),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = &[
        Paging::LIMIT,
        Paging::AFTER,
        QueryParameter { name: "search", description: "Start of the name.", values: Values::Text },
        QueryParameter {
            name: "status",
            description: "`ACTIVE` or `SUSPENDED`.",
            values: Values::OneOf(&["ACTIVE", "SUSPENDED"]),
        },
    ];

    fn decode(request: &Request) -> Result<Self, Failure> {
        let mut violations = Vec::new();
        let mut refuse = |name: &str, detail: &str| {
            violations.push(Violation { pointer: format!("query.{name}"), detail: detail.to_owned() });
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
        match Paging::decode(request, &["search", "status"]) {
            Ok(paging) if violations.is_empty() => Ok(Self { paging, search, status }),
            Ok(_) => Err(Failure::violations_of(violations)),
            Err(violation) => Err(Failure::violations_of([vec![violation], violations].concat())),
        }
    }
}

impl Endpoint for ListTenants {
    const OPERATION: &'static Operation = operations::get("list-tenants");
    type Input = Input;
    type Output = Vec<Item>;
    type Error = ListTenantsError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Vec<Item>>, ListTenantsError> {
        let mut expression = search::sw("profile.name", &format!("ADMINS_{}", input.search));
        if input.status == Some(TenantStatus::Suspended) {
            // Few are: Okta finds them for us.
            let suspended = search::co("profile.description", TenantStatus::Suspended.as_str());
            expression = format!("{expression} and {suspended}");
        }
        let expression = of_type(&expression);
        let paging = &input.paging;
        let mut after = paging.after().map(str::to_owned);
        let mut items = Vec::new();
        loop {
            // Never more than are missing: a cursor stands between pages only.
            let missing = u32::try_from(paging.limit() - items.len()).unwrap_or(u32::MAX);
            let query =
                ListGroups::search(expression.clone()).limit(missing).after(after.take()).with_stats();
            let page = context.run.okta.forward().list_groups_page(&query).await;
            let page = page.map_err(|error| ListTenantsError::new(error, paging))?;
            for group in &page.items {
                items.extend(self.item(context.run.okta.forward(), group, &input).await?);
            }
            after = page.after;
            if after.is_none() || items.len() == paging.limit() {
                break;
            }
        }
        Ok(paging.answer(context, Self::OPERATION, items, after.as_deref()))
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

impl ListTenants {
    /// The tenant of an `ADMINS_` group, if it is one and the page wants it.
    async fn item(&self, okta: &Client, group: &Group, input: &Input) -> Result<Option<Item>, Error> {
        let named = group.profile.name.strip_prefix("ADMINS_");
        let Some(name) = named.filter(|name| name.starts_with(&input.search)) else { return Ok(None) };
        let Ok(name) = TenantName::parse(name) else { return Ok(None) };
        let description = AdminsDescription::parse(&group.profile.description).unwrap_or_default();
        if description.creating.is_some() || input.status.is_some_and(|status| status != description.status())
        {
            return Ok(None);
        }
        let id = match &description.tenant_id {
            Some(id) if group.has_admin_role() => Some(id.clone()),
            _ => self.tenants.of_group(okta, &name, group).await?.map(|tenant| tenant.id),
        };
        Ok(id.map(|id| Item {
            id,
            name: name.to_string(),
            ADMINS_groupId: group.id.to_string(),
            created: group.created.clone(),
            status: description.status().as_str(),
        }))
    }
}
