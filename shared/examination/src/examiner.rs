//! The objects of an org, page by page, and what is wrong with each.

use std::collections::BTreeSet;

use domain::{SUPERUSERS, TenantName};
use okta_client::models::{AppId, Group, IdentityProvider, PolicyRule};
use okta_client::{Client, Error, ListGroups, ListIdentityProviders, search};
use run_kit::Run;
use serde::{Deserialize, Serialize};
use state::{OpenRecord, RecordsTable, State};
use tenancy::{Tenants, of_type};

use crate::finding::PieceError;
use crate::memory::Memory;
use crate::{Finding, Kind, cure, entitlement, org, strays, tenant};

/// Groups of one page.
const PAGE: u32 = 100;

/// What is looked at, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// What concerns the org as a whole: the superusers' group, and runs that died.
    #[default]
    Org,
    /// Every `ADMINS_` group.
    Tenants,
    /// Every routing rule of ours.
    Rules,
    /// Every IdP of ours.
    Idps,
    /// Every `USERS_` group.
    UsersGroups,
    /// Every `APPUSERS_` group.
    AppGroups,
    /// Nothing more.
    Complete,
}

impl Phase {
    /// What is looked at afterwards.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Phase::Org => Phase::Tenants,
            Phase::Tenants => Phase::Rules,
            Phase::Rules => Phase::Idps,
            Phase::Idps => Phase::UsersGroups,
            Phase::UsersGroups => Phase::AppGroups,
            Phase::AppGroups | Phase::Complete => Phase::Complete,
        }
    }
}

/// An object to look at.
#[derive(Clone, Debug)]
pub enum Item {
    /// The superusers' group.
    Superusers,
    /// A run that died.
    Run(OpenRecord),
    /// A group that is called like a tenant's admins.
    Tenant(Group),
    /// A routing rule of ours.
    Rule(PolicyRule),
    /// An IdP of ours whose tenant, by its name, is not there.
    Idp(IdentityProvider, TenantName),
    /// A users group whose tenant is not there.
    Users(Group, TenantName),
    /// An app group; whether its tenant is there.
    App(Group, AppGroupOf),
}

impl Item {
    /// What tells it from the others of its page.
    pub fn id(&self) -> &str {
        match self {
            Item::Superusers => SUPERUSERS,
            Item::Run(record) => &record.at,
            Item::Tenant(group) | Item::Users(group, _) | Item::App(group, _) => group.id.as_str(),
            Item::Rule(rule) => rule.id.as_str(),
            Item::Idp(idp, _) => idp.id.as_str(),
        }
    }
}

/// Whose an app group is.
#[derive(Clone, Debug)]
pub struct AppGroupOf {
    tenant: TenantName,
    app: AppId,
    /// Whether the tenant has an admins group.
    has_tenant: bool,
}

/// A page of objects, and the cursor of the next page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The objects.
    pub items: Vec<Item>,
    /// The cursor.
    pub next: Option<String>,
}

/// Looks at objects, and cures what it finds if it is to.
#[derive(Clone, Debug)]
pub struct Examiner {
    /// Finds tenants.
    pub tenants: Tenants,
    /// The tables of the deployment: state, and who changed what. Without them locks and
    /// suspensions are not known, and nothing is cured.
    pub tables: Option<(State, RecordsTable)>,
    /// Whether damage is cured, where the tables are known.
    pub cures: bool,
}

impl Examiner {
    /// The page of a phase: all tenants and rules of ours, and of the other objects those that
    /// have no tenant.
    ///
    /// # Errors
    ///
    /// Of Okta or of the table.
    pub async fn page(
        &self,
        run: &Run,
        phase: Phase,
        cursor: Option<String>,
        rules: &[PolicyRule],
    ) -> Result<Page, PieceError> {
        let okta = run.okta.forward();
        match phase {
            Phase::Org => {
                let dead = match &self.tables {
                    Some((state, records)) if self.cures => org::dead_runs(run, state, records).await?,
                    _ => Vec::new(),
                };
                let items = [Item::Superusers].into_iter().chain(dead.into_iter().map(Item::Run)).collect();
                Ok(Page { items, next: None })
            }
            Phase::Tenants => {
                let page = groups(okta, "ADMINS_", cursor).await?;
                Ok(Page { items: page.items.into_iter().map(Item::Tenant).collect(), next: page.after })
            }
            Phase::Rules => {
                let items = rules.iter().filter(|rule| strays::is_our_rule(rule)).cloned().map(Item::Rule);
                Ok(Page { items: items.collect(), next: None })
            }
            Phase::Idps => {
                let query = ListIdentityProviders { q: Some("DAC_".to_owned()) };
                let page = okta.list_identity_providers_page(&query, PAGE, cursor.as_deref()).await?;
                let items = strays_of(okta, page.items, strays::tenant_of_idp, Item::Idp, true).await?;
                Ok(Page { items, next: page.after })
            }
            Phase::UsersGroups => {
                let page = groups(okta, "USERS_", cursor).await?;
                let of = strays::tenant_of_users_group;
                let items = strays_of(okta, page.items, of, Item::Users, false).await?;
                Ok(Page { items, next: page.after })
            }
            Phase::AppGroups => {
                let page = groups(okta, "APPUSERS_", cursor).await?;
                let of =
                    |group: Group| strays::of_app_group(&group).map(|(tenant, app)| (group, tenant, app));
                let groups: Vec<_> = page.items.into_iter().filter_map(of).collect();
                let tenants = groups.iter().map(|(_, tenant, _)| tenant.clone()).collect();
                let without = strays::without_tenant(okta, tenants, false).await?;
                let items = groups.into_iter().map(|(group, tenant, app)| {
                    let has_tenant = !without.contains(&tenant);
                    Item::App(group, AppGroupOf { tenant, app, has_tenant })
                });
                Ok(Page { items: items.collect(), next: page.after })
            }
            Phase::Complete => Ok(Page { items: Vec::new(), next: None }),
        }
    }

    /// What is wrong with an object, and whether it is cured. The routing rules are of a moment
    /// ago.
    ///
    /// # Errors
    ///
    /// Of Okta or of the table.
    pub async fn examine(
        &self,
        run: &Run,
        item: &Item,
        rules: &[PolicyRule],
    ) -> Result<Vec<Finding>, PieceError> {
        let (tenants, memory) = (&self.tenants, Memory(self.tables.as_ref().map(|(state, _)| state)));
        match item {
            Item::Superusers => org::examine_superusers(run.okta.forward()).await,
            Item::Run(record) => match &self.tables {
                Some((state, records)) => org::end(run, state, records, record).await,
                None => Ok(Vec::new()),
            },
            Item::Tenant(group) => {
                let found = tenant::examine(run, memory, tenants, rules, group).await?;
                match tenant::tenant_of_admins_group(group) {
                    Some(name) => Ok(self.cure(run, &name, found).await),
                    None => Ok(found),
                }
            }
            Item::Rule(rule) => strays::examine_rule(run, rule).await,
            Item::Idp(idp, name) => strays::examine_idp(run, memory, tenants, idp, name).await,
            Item::Users(group, name) => {
                strays::examine_group(run, memory, tenants, group, name, Kind::HalfDeletedTenant).await
            }
            Item::App(group, AppGroupOf { tenant, app, has_tenant: true }) => {
                let found = entitlement::examine(run, memory, tenants, group, tenant, app).await?;
                Ok(self.cure(run, tenant, found).await)
            }
            Item::App(group, of) => {
                let kind = Kind::GroupLeadsNowhere;
                strays::examine_group(run, memory, tenants, group, &of.tenant, kind).await
            }
        }
    }

    async fn cure(&self, run: &Run, name: &TenantName, found: Vec<Finding>) -> Vec<Finding> {
        match &self.tables {
            Some((state, _)) if self.cures => cure::cure(run, state, &self.tenants, name, found).await,
            _ => found,
        }
    }
}

/// A page of the groups whose names begin so.
async fn groups(
    okta: &Client,
    prefix: &str,
    cursor: Option<String>,
) -> Result<okta_client::Page<Group>, Error> {
    let query = ListGroups::search(of_type(&search::sw("profile.name", prefix))).limit(PAGE).after(cursor);
    okta.list_groups_page(&query).await
}

/// Those of the objects whose tenant, by their name, is not there.
async fn strays_of<T>(
    okta: &Client,
    objects: Vec<T>,
    tenant_of: impl Fn(&T) -> Option<TenantName>,
    item: impl Fn(T, TenantName) -> Item,
    also_users: bool,
) -> Result<Vec<Item>, Error> {
    let named: Vec<(T, TenantName)> =
        objects.into_iter().filter_map(|object| tenant_of(&object).map(|name| (object, name))).collect();
    let names: BTreeSet<TenantName> = named.iter().map(|(_, name)| name.clone()).collect();
    let without = strays::without_tenant(okta, names, also_users).await?;
    let strays = named.into_iter().filter(|(_, name)| without.contains(name));
    Ok(strays.map(|(object, name)| item(object, name)).collect())
}
