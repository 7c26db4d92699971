//! Lists IdPs, page by page: a superuser sees all tenants', an admin those of
//! their tenants, anybody else none.
//!
//! # Okta calls
//!
//! For a superuser: `listIdentityProviders` for as many as the page still lacks, until the page
//! is full; then `getIdentityProviderKey` for those that do not trust the placeholder, at the same
//! time. Two calls in a row, where every IdP of the org is a tenant's; the cursor is Okta's.
//!
//! For an admin of n tenants: `getIdentityProvider` for each, whose ids stand in the
//! token, then `getIdentityProviderKey` for those that do not trust the placeholder.
//! At most 2n calls, two in a row.

use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use okta_client::models::KeyId;
use okta_client::{Error, ListIdentityProviders};
use operations::{EnvVar, Operation};

use crate::get_idp::sample;
use crate::visible::{self, Item, own_key};
use run_kit::{ConfigError, Environment, Failure};

/// Keys that are read at the same time: Okta bounds concurrent calls.
const READS: usize = 8;

/// The operation `list-idps`.
pub struct ListIdps {
    placeholder: KeyId,
}

/// Which page.
#[derive(Debug)]
pub struct Input {
    paging: Paging,
}

/// Why there is no list.
#[derive(Debug)]
pub enum ListIdpsError {
    /// Okta does not know the cursor.
    Cursor,
    /// Okta did not answer.
    Okta(Error),
}

impl From<Error> for ListIdpsError {
    fn from(error: Error) -> Self {
        ListIdpsError::Okta(error)
    }
}

impl From<ListIdpsError> for Failure {
    fn from(error: ListIdpsError) -> Self {
        match error {
            ListIdpsError::Cursor => Paging::unknown_cursor(),
            ListIdpsError::Okta(error) => Failure::okta("list the identity providers", &error),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = Paging::QUERY;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { paging: Paging::decode(request, &[])? })
    }
}

impl Endpoint for ListIdps {
    const OPERATION: &'static Operation = operations::get("list-idps");
    type Input = Input;
    type Output = Vec<Item>;
    type Error = ListIdpsError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { placeholder: environment.text(&EnvVar::PLACEHOLDER_KEY_ID)?.into() })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Vec<Item>>, ListIdpsError> {
        let (page, next) = match context.caller.superuser {
            true => self.all(context, &input.paging).await?,
            false => {
                let mut items = self.own(context).await?;
                items.sort_by(|a, b| a.id.cmp(&b.id));
                input.paging.cut(items, |item| &item.id)
            }
        };
        Ok(input.paging.answer(context, Self::OPERATION, page, next.as_deref()))
    }

    fn example() -> Example {
        let answer = vec![sample("acme"), sample("globex")];
        Example { target: "/idps", body: None, answer: Some(answer.into()) }
    }
}

impl ListIdps {
    /// A page of all tenants' IdPs, and Okta's cursor of the next page.
    async fn all(
        &self,
        context: &Context,
        paging: &Paging,
    ) -> Result<(Vec<Item>, Option<String>), ListIdpsError> {
        let okta = context.run.okta.forward();
        let named = ListIdentityProviders { q: Some("DAC_".to_owned()) };
        let mut after = paging.after().map(str::to_owned);
        let mut idps = Vec::new();
        loop {
            // Never more than are missing: a cursor stands between pages only.
            let missing = u32::try_from(paging.limit() - idps.len()).unwrap_or(u32::MAX);
            let page = okta.list_identity_providers_page(&named, missing, after.as_deref()).await;
            let page = page.map_err(|error| match error {
                Error::Api(refusal) if refusal.status == 400 && paging.after().is_some() => {
                    ListIdpsError::Cursor
                }
                error => ListIdpsError::Okta(error),
            })?;
            idps.extend(page.items.into_iter().filter(|idp| visible::tenant_of(idp).is_some()));
            after = page.after;
            if after.is_none() || idps.len() == paging.limit() {
                break;
            }
        }
        let items: Vec<Option<Item>> = stream::iter(idps)
            .map(|idp| async {
                let key = visible::read_key(okta, own_key(&idp, &self.placeholder)).await?;
                Ok::<_, Error>(Item::of(idp, key))
            })
            .buffered(READS)
            .try_collect()
            .await?;
        Ok((items.into_iter().flatten().collect(), after))
    }

    async fn own(&self, context: &Context) -> Result<Vec<Item>, Error> {
        let okta = context.run.okta.forward();
        let ids: Vec<_> =
            context.caller.tenants.iter().map(|tenant| tenant.tenant_id.as_str().into()).collect();
        let items = try_join_all(ids.iter().map(|id| visible::read(okta, &self.placeholder, id))).await?;
        Ok(items.into_iter().flatten().collect())
    }
}
