//! Lists IdPs, page by page: a superuser sees all tenants', an admin those of
//! their tenants, anybody else none.
//!
//! # Okta calls
//!
//! For a superuser, at the same time: `listIdentityProviders` and
//! `listIdentityProviderKeys`. Two calls, none in a row; more pages of Okta's for
//! more than 200.
//!
//! For an admin of n tenants: `getIdentityProvider` for each, whose ids stand in the
//! token, then `getIdentityProviderKey` for those that do not trust the placeholder.
//! At most 2n calls, two in a row.

use futures::TryStreamExt;
use futures::future::try_join_all;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use okta_client::models::{IdpKey, KeyId};
use okta_client::{Error, ListIdentityProviders};
use operations::{EnvVar, Operation};

use crate::get_idp::sample;
use crate::visible::{self, Item, own_key};
use run_kit::{ConfigError, Environment, Failure};

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
    /// Okta did not answer.
    Okta(Error),
}

impl From<ListIdpsError> for Failure {
    fn from(ListIdpsError::Okta(error): ListIdpsError) -> Self {
        Failure::okta("list the identity providers", &error)
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
        let items = match context.caller.superuser {
            true => self.all(context).await,
            false => self.own(context).await,
        };
        let mut items = items.map_err(ListIdpsError::Okta)?;
        items.sort_by(|a, b| a.id.cmp(&b.id));
        let (page, next) = input.paging.cut(items, |item| &item.id);
        Ok(input.paging.answer(context, Self::OPERATION, page, next.as_deref()))
    }

    fn example() -> Example {
        let answer = vec![sample("acme"), sample("globex")];
        Example { target: "/idps", body: None, answer: Some(answer.into()) }
    }
}

impl ListIdps {
    async fn all(&self, context: &Context) -> Result<Vec<Item>, Error> {
        let okta = context.run.okta.forward();
        let named = ListIdentityProviders { q: Some("DAC_".to_owned()) };
        let (idps, keys) = futures::try_join!(
            okta.list_identity_providers(&named).try_collect::<Vec<_>>(),
            okta.list_identity_provider_keys().try_collect::<Vec<IdpKey>>(),
        )?;
        let item = |idp| {
            let key = own_key(&idp, &self.placeholder);
            let key = keys.iter().find(|of| Some(&of.kid) == key.as_ref()).cloned();
            Item::of(idp, key)
        };
        Ok(idps.into_iter().filter_map(item).collect())
    }

    async fn own(&self, context: &Context) -> Result<Vec<Item>, Error> {
        let okta = context.run.okta.forward();
        let ids: Vec<_> =
            context.caller.tenants.iter().map(|tenant| tenant.tenant_id.as_str().into()).collect();
        let items = try_join_all(ids.iter().map(|id| visible::read(okta, &self.placeholder, id))).await?;
        Ok(items.into_iter().flatten().collect())
    }
}
