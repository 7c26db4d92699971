//! The org that an emulator starts with.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::idp_keys::insert_key;
use crate::clock::okta_time;
use crate::org::{App, AppGroup, AuthorizationServer, Org, Role, User};

/// A seed: what the org holds before the first call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seed {
    /// Id of the IDP_DISCOVERY policy.
    pub routing_policy_id: String,
    /// The authorization server that issues tokens for okta-dac.
    pub authorization_server: ServerSeed,
    /// The certificate that no one has the private key of.
    pub placeholder_key: KeySeed,
    /// The only API token.
    pub api_token: TokenSeed,
    /// Apps; the one labelled `okta-dac` is the product's own.
    pub apps: Vec<AppSeed>,
    /// Users.
    pub users: Vec<UserSeed>,
    /// Tenants, as add-tenant makes them.
    #[serde(default)]
    pub tenants: Vec<TenantSeed>,
}

/// An authorization server.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSeed {
    /// Its id, part of the issuer.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its only audience.
    pub audience: String,
    /// Its own scopes.
    pub scopes: Vec<String>,
}

/// A certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeySeed {
    /// Key id.
    pub kid: String,
    /// Base64 of the DER form.
    pub x5c: String,
}

/// An API token.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenSeed {
    /// The token.
    pub token: String,
    /// Login of its owner.
    pub owner: String,
}

/// An app.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppSeed {
    /// Its id, and client id.
    pub id: String,
    /// Its label.
    pub label: String,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserSeed {
    /// Login and e-mail.
    pub login: String,
    /// Member of SUPERUSERS.
    #[serde(default)]
    pub superuser: bool,
    /// Logins of the agents that may act for the user.
    #[serde(default)]
    pub delegated_agents: Vec<String>,
}

/// A tenant.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantSeed {
    /// Its name.
    pub name: String,
    /// Logins of its admins, who are its users, too.
    pub admins: Vec<String>,
    /// Logins of its other users.
    #[serde(default)]
    pub users: Vec<String>,
}

/// A seed that makes no org.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Not YAML, or not of the shape of [`Seed`].
    #[error("the seed cannot be read")]
    Syntax(#[from] serde_norway::Error),
    /// It contradicts itself.
    #[error("the seed contradicts itself: {0}")]
    Contradiction(String),
}

impl Seed {
    /// # Errors
    ///
    /// [`SeedError::Syntax`].
    pub fn parse(yaml: &str) -> Result<Self, SeedError> {
        Ok(serde_norway::from_str(yaml)?)
    }

    pub(crate) fn plant(&self, now: Timestamp) -> Result<Org, SeedError> {
        let time = okta_time(now);
        let wrong = |what: String| SeedError::Contradiction(what);
        let mut org = Org::default();
        let everyone = org.insert_group("Everyone", "All users in your organization", now);
        if let Some(group) = org.groups.get_mut(&everyone) {
            group.kind = "BUILT_IN".to_owned();
        }
        let superusers = org.insert_group("SUPERUSERS", "May do everything in okta-dac", now);
        let mut delegations = Vec::new();
        for seed in &self.users {
            let id = org.new_id("00u");
            let (first, domain) = seed.login.split_once('@').unwrap_or((&seed.login, ""));
            let profile = json!({
                "login": seed.login, "email": seed.login, "firstName": first, "lastName": domain,
                "mobilePhone": null, "secondEmail": null,
            });
            let Value::Object(profile) = profile else { continue };
            let user = User {
                id: id.clone(),
                status: "ACTIVE".into(),
                created: time.clone(),
                last_updated: time.clone(),
                profile,
            };
            org.users.insert(id.clone(), user);
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
        for app in &self.apps {
            let new = App {
                id: app.id.clone(),
                name: "oidc_client".into(),
                label: app.label.clone(),
                status: "ACTIVE".into(),
                created: time.clone(),
                last_updated: time.clone(),
            };
            org.apps.insert(app.id.clone(), new);
        }
        let server = &self.authorization_server;
        org.authorization_servers.insert(
            server.id.clone(),
            AuthorizationServer {
                id: server.id.clone(),
                name: server.name.clone(),
                audience: server.audience.clone(),
                scopes: server.scopes.clone(),
            },
        );
        insert_key(&mut org, &self.placeholder_key.kid, &self.placeholder_key.x5c, &time)
            .map_err(|_| wrong("the placeholder certificate cannot be read".to_owned()))?;
        let owner = org
            .user(&self.api_token.owner)
            .map_err(|_| wrong(format!("no user `{}`", self.api_token.owner)))?
            .id
            .clone();
        org.api_tokens.insert(self.api_token.token.clone(), owner);
        let policy = json!({
            "id": self.routing_policy_id, "status": "ACTIVE", "name": "Idp Discovery Policy", "priority": 1,
            "system": true, "conditions": null, "created": time, "lastUpdated": time, "type": "IDP_DISCOVERY",
        });
        if let Value::Object(policy) = policy {
            org.policies.insert(self.routing_policy_id.clone(), policy);
            org.rules.insert(self.routing_policy_id.clone(), Default::default());
        }
        for tenant in &self.tenants {
            self.plant_tenant(&mut org, tenant, now)?;
        }
        Ok(org)
    }

    /// The objects of a tenant, as the source document lists them.
    fn plant_tenant(&self, org: &mut Org, tenant: &TenantSeed, now: Timestamp) -> Result<(), SeedError> {
        let time = okta_time(now);
        let name = &tenant.name;
        let users = org.insert_group(&format!("USERS_{name}"), "Users of an okta-dac tenant", now);
        let idp = org.new_id("0oa");
        let admins =
            org.insert_group(&format!("ADMINS_{name}"), &json!({ "tenantId": idp }).to_string(), now);
        let idp_object = json!({
            "id": idp, "type": "SAML2", "name": format!("DAC_{name}"), "status": "INACTIVE", "created": time, "lastUpdated": time,
            "protocol": {
                "type": "SAML2",
                "endpoints": {
                    "sso": { "url": "https://idp.invalid/sso", "binding": "HTTP-POST", "destination": "https://idp.invalid/sso" },
                    "acs": { "binding": "HTTP-POST", "type": "INSTANCE" },
                },
                "algorithms": {
                    "request": { "signature": { "algorithm": "SHA-256", "scope": "REQUEST" } },
                    "response": { "signature": { "algorithm": "SHA-256", "scope": "ANY" } },
                },
                "settings": { "nameFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" },
                "credentials": { "trust": {
                    "issuer": "https://idp.invalid", "kid": self.placeholder_key.kid,
                    "audience": format!("https://www.okta.com/saml2/service-provider/sp{}", &idp[3..]),
                } },
            },
            "policy": {
                "provisioning": {
                    "action": "AUTO", "profileMaster": false, "groups": { "action": "ASSIGN", "assignments": [users] },
                    "conditions": { "deprovisioned": { "action": "NONE" }, "suspended": { "action": "NONE" } },
                },
                "accountLink": { "action": "AUTO", "filter": { "groups": { "include": [users] }, "users": { "excludeAdmins": true } } },
                "subject": { "userNameTemplate": { "template": "idpuser.email" }, "matchType": "USERNAME" },
                "maxClockSkew": 0,
            },
        });
        if let Value::Object(idp_object) = idp_object {
            org.idps.insert(idp.clone(), idp_object);
        }
        let role = Role {
            id: "KVJUKUS7IFCE2SKO".into(),
            kind: "USER_ADMIN".into(),
            created: time.clone(),
            last_updated: time.clone(),
            targets: [users.clone(), admins.clone()].into(),
        };
        org.group_roles.insert(admins.clone(), vec![role]);
        let app = self.apps.iter().find(|app| app.label == "okta-dac");
        let app = app.ok_or_else(|| SeedError::Contradiction("no app `okta-dac`".to_owned()))?;
        let mut profile = Map::new();
        profile.insert("tenants".to_owned(), json!([format!("{idp}:{name}:{users}")]));
        let assignments = org.app_groups.entry(app.id.clone()).or_default();
        let priority = assignments.len() as u64;
        assignments.insert(admins.clone(), AppGroup { priority, profile, last_updated: time });
        for (login, admin) in
            tenant.admins.iter().map(|l| (l, true)).chain(tenant.users.iter().map(|l| (l, false)))
        {
            let user = org
                .user(login)
                .map_err(|_| SeedError::Contradiction(format!("no user `{login}`")))?
                .id
                .clone();
            join(org, &users, &user);
            if admin {
                join(org, &admins, &user);
            }
        }
        Ok(())
    }
}

fn join(org: &mut Org, group: &str, user: &str) {
    if let Some(group) = org.groups.get_mut(group) {
        group.members.insert(user.to_owned());
    }
}
