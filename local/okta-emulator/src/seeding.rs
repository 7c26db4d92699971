//! Making the org that a seed describes.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::api::idp_keys::insert_key;
use crate::api::{
    api_tokens, app_credentials, app_defaults, apps, base_attributes, factor_challenges, factors, passwords,
};
use crate::clock::okta_time;
use crate::json::{lookup_mut, object, stamp, text};
use crate::org::{AppGroup, Org, Role, User};
use crate::seed::{AppKind, AppSeed, Seed, SeedError};

/// Where the ids of what every org has begin: those of users, groups and
/// tenants stay small, and do not change when a claim is added.
/// Id of the group of those who may use responses of okta-dac.
pub const RESPONDERS: &str = "00g1responders000001";

/// Id of the group that users in quarantine are put into.
pub const QUARANTINE: &str = "00g1quarantine000001";

/// Id of the group whose members no response touches.
pub const EMERGENCY: &str = "00g1emergency0000001";

const INFRASTRUCTURE: u64 = 900_000;

impl Seed {
    /// Makes the org; `url` is where it will be.
    pub(crate) fn plant(&self, url: &str, now: Timestamp) -> Result<Org, SeedError> {
        let time = okta_time(now);
        let wrong = |what: String| SeedError::Contradiction(what);
        let mut org = Org::default();
        "00o1demo000000000001".clone_into(&mut org.id);
        org.serial = INFRASTRUCTURE;
        let default = object(json!({
            "name": "user", "displayName": "User", "description": "Okta user profile template with default permission settings",
            "createdBy": "sprsystem",
        }));
        let kind = org.insert_user_type(default, true, now);
        for seed in &self.user_types {
            let given = object(json!({
                "name": seed.name, "displayName": seed.name, "description": "okta-dac", "createdBy": "sprsystem",
            }));
            org.insert_user_type_with(seed.id.clone(), given, false, now);
            let schema = text(&org.user_types[&seed.id], "schema").to_owned();
            let custom =
                org.schemas.get_mut(&schema).and_then(|s| lookup_mut(s, "/definitions/custom/properties"));
            if let Some(custom) = custom {
                for name in &seed.arrays {
                    custom[name] = array_attribute(name);
                }
            }
        }
        self.plant_server(&mut org, url, now);
        for origin in &self.trusted_origins {
            let mut trusted = object(json!({
                "name": origin, "origin": origin, "scopes": [{ "type": "CORS" }, { "type": "REDIRECT" }],
                "createdBy": "sprsystem", "lastUpdatedBy": "sprsystem",
            }));
            let id = org.new_id("tos");
            crate::json::stamp(&mut trusted, &id, "ACTIVE", now);
            org.trusted_origins.insert(id, trusted);
        }
        let infrastructure = std::mem::replace(&mut org.serial, 0);
        let group =
            |name: &str, description: &str| object(json!({ "name": name, "description": description }));
        let everyone = org.insert_group(group("Everyone", "All users in your organization"), now);
        if let Some(group) = org.groups.get_mut(&everyone) {
            group.kind = "BUILT_IN".to_owned();
        }
        let name = if self.is_unprepared { "Administrators" } else { "SUPERUSERS" };
        let superusers = org.insert_group(group(name, "May do everything in okta-dac"), now);
        let mut delegations = Vec::new();
        for seed in self.users.iter().filter(|user| !user.responder) {
            let id = org.new_id("00u");
            let (first, domain) = seed.login.split_once('@').unwrap_or((&seed.login, ""));
            let kind = match &seed.kind {
                None => &kind,
                Some(name) => {
                    let named = self.user_types.iter().find(|kind| kind.name == *name);
                    &named.ok_or_else(|| wrong(format!("no type of users `{name}`")))?.id
                }
            };
            let mut user = user(&id, kind, &seed.login, first, domain, &time);
            if let Some(password) = &seed.password {
                // Chosen yesterday: what changes now is later.
                passwords::set(&mut user, password, now - SignedDuration::from_hours(24));
            }
            org.insert_user(user, now);
            if let Some(secret) = &seed.totp {
                let profile = json!({ "credentialId": seed.login });
                let kind = ("token:software:totp", "GOOGLE");
                factors::plant(&mut org, &id, &format!("ost{}", &id[3..]), kind, profile, secret, now);
            }
            for (kind, secret) in &seed.factors {
                factor_challenges::plant(&mut org, &id, &seed.login, kind, secret, now);
            }
            join(&mut org, &everyone, &id);
            if seed.superuser {
                join(&mut org, &superusers, &id);
            }
            delegations.push((id, &seed.delegated_agents));
        }
        for (id, agents) in delegations.into_iter().filter(|(_, agents)| !agents.is_empty()) {
            let agents: Vec<Value> = agents
                .iter()
                .map(|login| {
                    org.user(login)
                        .map(|user| user.id.clone().into())
                        .map_err(|_| wrong(format!("no user `{login}`")))
                })
                .collect::<Result<_, _>>()?;
            if let Some(user) = org.users.get_mut(&id) {
                user.profile.insert("delegatedAgents".to_owned(), agents.into());
            }
        }
        let next = std::mem::replace(&mut org.serial, infrastructure);
        for app in &self.apps {
            plant_app(&mut org, app, &everyone, url, now);
        }
        org.serial = next;
        if !self.is_unprepared {
            insert_key(&mut org, &self.placeholder_key.kid, &self.placeholder_key.x5c, &time)
                .map_err(|_| wrong("the placeholder certificate cannot be read".to_owned()))?;
        }
        let owner = org
            .user(&self.api_token.owner)
            .map_err(|_| wrong(format!("no user `{}`", self.api_token.owner)))?
            .id
            .clone();
        let role = Role {
            id: "ra1superadmin00000001".to_owned(),
            kind: "SUPER_ADMIN".to_owned(),
            created: time.clone(),
            last_updated: time.clone(),
            targets: Default::default(),
            custom: None,
        };
        org.user_roles.insert(owner.clone(), vec![role]);
        api_tokens::insert_token(
            &mut org,
            ("00T1demotoken00000001", &self.api_token.token),
            "okta-dac",
            &owner,
            now,
        );
        self.plant_policies(&mut org, &time);
        for tenant in &self.tenants {
            self.plant_tenant(&mut org, tenant, now)?;
        }
        for tenant in &self.tenants {
            self.plant_tenant_apps(&mut org, tenant, now);
            self.plant_tenant_domains(&mut org, tenant, now);
        }
        self.plant_bulk_tenants(&mut org, now)?;
        self.plant_responders(&mut org, &kind, &everyone, now)?;
        for n in 0..self.bulk_groups {
            org.insert_group(group(&format!("BULK_{n}"), "For measurements"), now);
        }
        let groups: Vec<String> =
            org.groups.values().filter(|g| g.name().starts_with("BULK_")).map(|g| g.id.clone()).collect();
        for n in 0..self.bulk_users {
            let id = org.new_id("00u");
            let login = format!("user{n}@bulk.test");
            org.insert_user(user(&id, &kind, &login, "Bulk", &n.to_string(), &time), now);
            join(&mut org, &everyone, &id);
            if let Some(group) = groups.get(n as usize % groups.len().max(1)) {
                join(&mut org, group, &id);
            }
        }
        org.settle();
        Ok(org)
    }

    /// The authorization server of okta-dac: its scopes, the claims `tenants` and
    /// `groups`, a policy for everybody.
    fn plant_server(&self, org: &mut Org, url: &str, now: Timestamp) {
        let seed = &self.authorization_server;
        let given = object(json!({
            "name": seed.name, "description": "Tokens for okta-dac", "audiences": [seed.audience], "default": false,
        }));
        org.insert_server(&seed.id, given, url, now);
        let mut server = org.authorization_servers.remove(&seed.id).unwrap_or_default();
        for scope in &seed.scopes {
            let scope =
                object(json!({ "name": scope, "description": "okta-dac", "metadataPublish": "ALL_CLIENTS" }));
            org.insert_scope(&mut server, scope);
        }
        // In ID tokens as well: a web app shows by them what its user may do.
        for kind in ["RESOURCE", "IDENTITY"] {
            org.insert_claim(&mut server, json!({
                "name": "tenants", "claimType": kind, "valueType": "EXPRESSION", "value": "appuser.tenants",
                "conditions": { "scopes": ["dac.admin", "dac.respond"] },
            }));
            // Never all groups: above 100 Okta fails the request.
            org.insert_claim(&mut server, json!({
                "name": "groups", "claimType": kind, "valueType": "GROUPS", "group_filter_type": "REGEX",
                "value": "SUPERUSERS|RESPONDERS|ADMINS_.*", "conditions": { "scopes": ["dac.admin", "dac.respond"] },
            }));
        }
        for claim in &seed.claims {
            org.insert_claim(&mut server, claim.clone());
        }
        org.insert_claim(
            &mut server,
            json!({
                "name": "can_delegate", "claimType": "RESOURCE", "valueType": "EXPRESSION",
                "value": "(user.delegatedAgents != null) ? \"True\" : \"False\"",
                "conditions": { "scopes": ["managed.access"] },
            }),
        );
        if let Some(hook) = &self.token_hook {
            let id = "cal1tokenhook0000001";
            let mut given = object(json!({
                "name": "okta-dac", "type": "com.okta.oauth2.tokens.transform", "version": "1.0.0",
                "channel": {
                    "type": "HTTP", "version": "1.0.0",
                    "config": {
                        "uri": hook.uri, "method": "POST", "headers": [],
                        "authScheme": { "type": "HEADER", "key": "Authorization", "value": hook.secret },
                    },
                },
            }));
            crate::json::stamp(&mut given, id, "ACTIVE", now);
            org.inline_hooks.insert(id.to_owned(), given);
            org.insert_policy(&mut server, &hook.client, Some(id), now);
        }
        if let Some(hook) = &self.event_hook {
            let id = "who1eventhook0000001";
            let mut given = object(json!({
                "name": "okta-dac", "verificationStatus": "VERIFIED", "createdBy": "unknown",
                "events": { "type": "EVENT_TYPE", "items": hook.events, "filter": null },
                "channel": {
                    "type": "HTTP", "version": "1.0.0",
                    "config": {
                        "uri": hook.uri, "method": "POST", "headers": [],
                        "authScheme": { "type": "HEADER", "key": "Authorization", "value": hook.secret },
                    },
                },
            }));
            crate::json::stamp(&mut given, id, "ACTIVE", now);
            org.event_hooks.insert(id.to_owned(), given);
        }
        org.insert_policy(&mut server, "ALL_CLIENTS", None, now);
        org.authorization_servers.insert(seed.id.clone(), server);
    }

    /// The groups that responses know, by ids of their own, and who responds.
    fn plant_responders(
        &self,
        org: &mut Org,
        kind: &str,
        everyone: &str,
        now: Timestamp,
    ) -> Result<(), SeedError> {
        let responders = if self.is_unprepared { "Incident team" } else { "RESPONDERS" };
        let groups = [
            (RESPONDERS, responders, "May use responses of okta-dac"),
            (QUARANTINE, "Quarantine", "Signs in nowhere"),
            (EMERGENCY, "Emergency accounts", "No response does anything to them"),
        ];
        for (id, name, description) in groups {
            org.insert_group_with(id, object(json!({ "name": name, "description": description })), now);
        }
        // Ids of their own, as the groups: those of everybody else stay what they are.
        for (n, seed) in self.users.iter().filter(|user| user.responder).enumerate() {
            let id = format!("00u1responder{:0>7}", n + 1);
            let (first, domain) = seed.login.split_once('@').unwrap_or((&seed.login, ""));
            let mut user = user(&id, kind, &seed.login, first, domain, &okta_time(now));
            if let Some(password) = &seed.password {
                passwords::set(&mut user, password, now - SignedDuration::from_hours(24));
            }
            org.insert_user(user, now);
            join(org, everyone, &id);
            join(org, RESPONDERS, &id);
        }
        Ok(())
    }
}

pub(crate) fn join(org: &mut Org, group: &str, user: &str) {
    if let Some(group) = org.groups.get_mut(group) {
        group.members.insert(user.to_owned());
    }
}

/// An array of texts that is combined across groups.
fn array_attribute(title: &str) -> Value {
    json!({
        "title": title, "type": "array", "items": { "type": "string" }, "scope": "NONE", "union": "ENABLE",
        "mutability": "READ_WRITE", "master": { "type": "PROFILE_MASTER" },
        "permissions": [{ "principal": "SELF", "action": "READ_ONLY" }],
    })
}

fn user(id: &str, kind: &str, login: &str, first: &str, last: &str, time: &str) -> User {
    User {
        id: id.to_owned(),
        status: "ACTIVE".to_owned(),
        created: time.to_owned(),
        activated: Some(time.to_owned()),
        status_changed: Some(time.to_owned()),
        last_updated: time.to_owned(),
        kind: kind.to_owned(),
        provider: "OKTA".to_owned(),
        profile: object(json!({
            "login": login, "email": login, "firstName": first, "lastName": last, "mobilePhone": null,
            "secondEmail": null,
        })),
        ..User::default()
    }
}

fn plant_app(org: &mut Org, seed: &AppSeed, everyone: &str, url: &str, now: Timestamp) {
    let (id, time) = (seed.id.as_str(), okta_time(now));
    let public = matches!(seed.kind, AppKind::Browser | AppKind::Native);
    let method = if public { "none" } else { "client_secret_basic" };
    let (kind, grants): (&str, &[&str]) = match seed.kind {
        AppKind::Browser => ("browser", &["authorization_code", "refresh_token"]),
        AppKind::Native => (
            "native",
            &[
                "authorization_code",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ],
        ),
        AppKind::ServiceIntegration => ("service", &["client_credentials"]),
        AppKind::Web | AppKind::Aws => ("web", &["authorization_code", "refresh_token"]),
    };
    let client = json!({
        "client_id": id, "token_endpoint_auth_method": method, "autoKeyRotation": true, "pkce_required": public,
    });
    let settings = json!({
        "redirect_uris": seed.redirect_uris, "post_logout_redirect_uris": seed.post_logout_redirect_uris.as_ref().unwrap_or(&seed.redirect_uris),
        "response_types": ["code"], "grant_types": grants, "application_type": kind, "consent_method": "TRUSTED",
        "issuer_mode": "ORG_URL", "dpop_bound_access_tokens": false,
        "refresh_token": { "rotation_type": if public { "ROTATE" } else { "STATIC" }, "leeway": 0 },
    });
    let mut app = apps::seeded(id, &seed.label, client, settings, &time);
    if seed.kind == AppKind::ServiceIntegration {
        let mut integration =
            object(json!({ "type": "okta_dac", "name": seed.label, "createdBy": "sprsystem" }));
        stamp(&mut integration, id, "ACTIVE", now);
        org.service_integrations.insert(id.to_owned(), integration);
    }
    let mut profile = Map::new();
    if let Some(aws) = &seed.aws {
        app.insert("name".to_owned(), "amazon_aws".into());
        app.insert("signOnMode".to_owned(), "SAML_2_0".into());
        app.insert(
            "credentials".to_owned(),
            json!({ "userNameTemplate": { "template": "${source.login}", "type": "BUILT_IN" } }),
        );
        app.insert(
            "settings".to_owned(),
            json!({ "app": {
            "identityProviderArn": aws.provider, "sessionDuration": 3_600, "awsEnvironmentType": "aws.amazon",
            "allowedWebSsoClients": aws.clients,
        } }),
        );
        profile.insert("samlRoles".to_owned(), json!(aws.roles));
    }
    app_defaults::complete(&mut app);
    let mut schema = base_attributes::of_app_users(&app, &time);
    if let Some(custom) = lookup_mut(&mut schema, "/definitions/custom/properties") {
        custom["tenants"] = array_attribute("Tenants");
        if seed.aws.is_some() {
            custom["samlRoles"] = array_attribute("SAML user roles");
        }
    }
    org.schemas.insert(id.to_owned(), schema);
    org.apps.insert(id.to_owned(), app);
    if let Some(secret) = &seed.secret {
        app_credentials::insert_secret(org, id, secret, now);
    }
    for scope in &seed.scopes {
        app_credentials::insert_grant(org, id, scope, "sprsystem", url, now);
    }
    if let Some(kind) = &seed.role {
        let role = Role {
            id: org.new_id("ra1"),
            kind: kind.clone(),
            created: time.clone(),
            last_updated: time.clone(),
            targets: Default::default(),
            custom: None,
        };
        org.client_roles.insert(id.to_owned(), vec![role]);
    }
    if seed.everyone {
        // After all others: the most special assignment wins.
        let assignment = AppGroup { priority: 1_000, profile, last_updated: time };
        org.app_groups.entry(id.to_owned()).or_default().insert(everyone.to_owned(), assignment);
    }
}
