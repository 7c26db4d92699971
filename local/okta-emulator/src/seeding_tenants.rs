//! Tenants of the org that an emulator starts with, as add-tenant makes them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::okta_time;
use crate::json::{object, text};
use crate::org::{AppGroup, Org, Role};
use crate::seed::{Seed, SeedError, TenantSeed};
use crate::seeding::join;

impl Seed {
    /// The objects of a tenant, as the source document lists them.
    pub(crate) fn plant_tenant(
        &self,
        org: &mut Org,
        tenant: &TenantSeed,
        now: Timestamp,
    ) -> Result<(), SeedError> {
        let time = okta_time(now);
        let name = &tenant.name;
        let group =
            |name: String, description: &str| object(json!({ "name": name, "description": description }));
        let users = org.insert_group(group(format!("USERS_{name}"), "Users of an okta-dac tenant"), now);
        let idp = org.new_id("0oa");
        let admins =
            org.insert_group(group(format!("ADMINS_{name}"), &json!({ "tenantId": idp }).to_string()), now);
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
        if let Value::Object(mut idp_object) = idp_object {
            crate::api::idps::complete(&mut idp_object);
            org.idps.insert(idp.clone(), idp_object);
        }
        let role = Role {
            id: "KVJUKUS7IFCE2SKO".into(),
            kind: "USER_ADMIN".into(),
            created: time.clone(),
            last_updated: time.clone(),
            targets: [users.clone(), admins.clone()].into(),
            custom: None,
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

impl Seed {
    /// Tenants for measurements.
    pub(crate) fn plant_bulk_tenants(&self, org: &mut Org, now: Timestamp) -> Result<(), SeedError> {
        for n in 0..self.bulk_tenants {
            let name = format!("tenant-{n:06}");
            let domains = if self.bulk_rules { vec![format!("{name}.test")] } else { Vec::new() };
            let tenant = TenantSeed { name, domains, ..TenantSeed::default() };
            self.plant_tenant(org, &tenant, now)?;
            if self.bulk_rules {
                self.plant_tenant_domains(org, &tenant, now);
            }
        }
        Ok(())
    }

    /// The app groups of a tenant, as `PUT /tenants/{tenant}/apps/{appId}` makes them.
    pub(crate) fn plant_tenant_apps(&self, org: &mut Org, tenant: &TenantSeed, now: Timestamp) {
        let named = |org: &Org, name: String| {
            org.groups.values().find(|group| group.name() == name).map(|group| group.id.clone())
        };
        let name = &tenant.name;
        let groups = named(org, format!("ADMINS_{name}")).zip(named(org, format!("USERS_{name}")));
        let Some((admins, users)) = groups else { return };
        for app in &tenant.apps {
            let profile = json!({ "name": format!("APPUSERS_{name}_{}", app.id), "description": "" });
            let group = org.insert_group(object(profile), now);
            for role in org.group_roles.get_mut(&admins).into_iter().flatten() {
                role.targets.insert(group.clone());
            }
            let all = app.all_users.then(|| users.clone());
            for group in [Some(group), all].into_iter().flatten() {
                let assignments = org.app_groups.entry(app.id.clone()).or_default();
                let priority = assignments.len() as u64;
                let assignment = AppGroup { priority, profile: Map::new(), last_updated: okta_time(now) };
                assignments.insert(group, assignment);
            }
        }
    }

    /// The routing rules of a tenant: the active one with the verified domains,
    /// the inactive one with the pending ones.
    pub(crate) fn plant_tenant_domains(&self, org: &mut Org, tenant: &TenantSeed, now: Timestamp) {
        let name = &tenant.name;
        let idp = org.idps.values().find(|idp| text(idp, "name") == format!("DAC_{name}"));
        let Some(idp) = idp.map(|idp| text(idp, "id").to_owned()) else { return };
        let pending = tenant.pending_domains.iter().map(|p| format!("{}.{}", p.token, p.domain)).collect();
        let rules = [
            ("routingRuleId", format!("DAC_{name}"), true, tenant.domains.clone()),
            ("inactiveRoutingRuleId", format!("DAC_{name}_unverified"), false, pending),
        ];
        for (member, rule, active, patterns) in rules {
            if patterns.is_empty() {
                continue;
            }
            let id = org.insert_rule(&self.routing_policy_id, &rule, &idp, active, &patterns, now);
            let admins = org.groups.values_mut().find(|group| group.name() == format!("ADMINS_{name}"));
            let Some(admins) = admins else { continue };
            let record = text(&admins.profile, "description");
            let mut record: Map<String, Value> = serde_json::from_str(record).unwrap_or_default();
            record.insert(member.to_owned(), id.into());
            admins.profile.insert("description".to_owned(), Value::Object(record).to_string().into());
        }
    }
}
