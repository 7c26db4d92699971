//! What the findings follow from, read from the org.

use connections::ending::{Listed, list};
use connections::preset::Preset;
use connections::stop::Stop;
use domain::{RESPONDERS, SUPERUSERS, TenantClaim};
use futures::TryStreamExt;
use okta_client::models::{Group, IdentityProvider, IdpKey, Named, PolicyRule};
use okta_client::{Client, Error, ListGroups, ListIdentityProviders, search};
use tenancy::{claims, if_present, routing};

use super::asked::Asked;
use crate::plan::{NAME, Seen, Step, Wanted};
use crate::seen::look;

/// What is there.
#[derive(Debug, Default)]
pub(super) struct View {
    /// What `setup` makes.
    pub(super) seen: Seen,
    /// Groups of directories and apps whose names give rights.
    pub(super) imported: Vec<Group>,
    /// The routing rules, the first that matches first.
    pub(super) rules: Vec<PolicyRule>,
    /// IdPs of ours.
    pub(super) idps: Vec<IdentityProvider>,
    /// The certificates.
    pub(super) keys: Vec<IdpKey>,
    /// The connections that okta-dac made.
    pub(super) connections: Vec<Listed>,
    /// Event hooks of our name.
    pub(super) hooks: Vec<Named>,
    /// Groups of tenants' admins, with the claim that the app gives them.
    pub(super) admins: Vec<(Group, TenantClaim)>,
    /// Now, by Okta's clock.
    pub(super) now: jiff::Timestamp,
}

/// What a connection is for; a preset that this version does not know says nothing.
pub(super) fn preset_of(connection: &Listed) -> Option<&'static Preset> {
    Preset::parse(&connection.preset).ok()
}

impl View {
    /// Reads the org.
    pub(super) async fn read(client: &Client) -> Result<Self, Stop> {
        let doing = |error: Error| Stop::of("looking at the org", &error);
        let wanted = Wanted { delegation: true, ..Wanted::default() };
        let seen = look(client, &wanted).await?;
        let named = [
            search::eq("profile.name", SUPERUSERS),
            search::eq("profile.name", RESPONDERS),
            search::sw("profile.name", "ADMINS_"),
        ];
        let groups = client.list_groups(&ListGroups::search(search::any(&named))).try_collect::<Vec<Group>>();
        let idps = ListIdentityProviders { q: Some("DAC_".to_owned()) };
        let idps = client.list_identity_providers(&idps).try_collect::<Vec<_>>();
        let keys = client.list_identity_provider_keys().try_collect::<Vec<_>>();
        let hooks = client.list_event_hooks().try_collect::<Vec<Named>>();
        let (groups, (_, rules), mut idps, keys, mut hooks) =
            futures::try_join!(groups, routing(client), idps, keys, hooks).map_err(doing)?;
        idps.retain(|idp| idp.name.starts_with("DAC_"));
        hooks.retain(|hook| hook.name == NAME);
        let now = jiff::Timestamp::from_second(client.now()).unwrap_or_default();
        let mut view = Self { seen, rules, idps, keys, hooks, now, ..Self::default() };
        // The search ignores the case of letters, and the claim does not.
        let gives_rights =
            |name: &str| [SUPERUSERS, RESPONDERS].contains(&name) || name.starts_with("ADMINS_");
        let is_imported = |group: &Group| group.kind != "OKTA_GROUP" && gives_rights(&group.profile.name);
        view.imported = groups.into_iter().filter(is_imported).collect();
        view.connections = list(client).await?;
        if let Some(app) = view.seen.apps.first() {
            let assignments = client.list_application_group_assignments(&app.id);
            for assignment in assignments.try_collect::<Vec<_>>().await.map_err(doing)? {
                let Some(claim) = claims(&assignment).into_iter().next() else { continue };
                if let Some(group) = if_present(client.get_group(&assignment.id)).await.map_err(doing)? {
                    view.admins.push((group, claim));
                }
            }
        }
        Ok(view)
    }

    /// Scopes that a connection has and its preset has not.
    pub(super) fn wide_grants(&self) -> Vec<(&Listed, &str)> {
        let mut all = Vec::new();
        for connection in &self.connections {
            let Some(preset) = preset_of(connection) else { continue };
            let is_wide = |scope: &str| !preset.all_scopes().any(|known| known == scope);
            let wide = connection.scopes.iter().filter(|scope| is_wide(scope));
            all.extend(wide.map(|scope| (connection, scope.as_str())));
        }
        all
    }

    /// What `setup` would be asked for; no origins: a person names them.
    pub(super) fn wanted(&self, asked: &Asked) -> Wanted {
        Wanted { delegation: self.seen.delegators.is_some(), adopt: asked.adopt, ..Wanted::default() }
    }

    /// What `setup` would make.
    pub(super) fn lacking(&self, asked: &Asked) -> Vec<Step> {
        crate::setup::steps(&self.wanted(asked), self.seen.clone())
    }

    /// Whether a step is more than making what lacks: a group would be deleted, or the members of a
    /// group that is there would get its rights.
    pub(super) fn is_decision(&self, step: &Step) -> bool {
        match step {
            Step::Remake(_) | Step::Member(_) => true,
            Step::Assignment(name) => self.seen.populated.contains(name),
            _ => false,
        }
    }
}
