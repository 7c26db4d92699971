//! The findings of a view.

use connections::ending::Listed;
use connections::preset::Role;
use domain::{AdminsDescription, is_limited, subject_filter};
use jiff::{SignedDuration, Timestamp};
use okta_client::models::{ACTIVE, IdentityProvider, PolicyRule};
use serde_json::{Value, json};

use super::asked::Asked;
use super::finding::{Code, Finding};
use super::view::{View, preset_of};
use crate::hooks::{EVENTS, address_of};
use crate::plan::{self, NAME};

/// How long before its end a certificate is named.
const CERTIFICATE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How old a key may be.
const KEY: SignedDuration = SignedDuration::from_hours(90 * 24);

const SETUP: &str = "run `okta-dac org setup` again";

/// Everything that is found.
pub(super) fn all(view: &View, asked: &Asked) -> Vec<Finding> {
    if view.seen.apps.is_empty() {
        let cure = "prepare the org with `okta-dac org setup`";
        return vec![Finding::new(Code::NotPrepared, format!("app {NAME}"), "the app is not there", cure)];
    }
    let of_setup = of_setup(view, asked);
    let others = [imported, idps, certificates, rules, domains, records, connections];
    let others = others.iter().flat_map(|check| check(view));
    of_setup.into_iter().chain(others).chain(hooks(view, asked)).chain(deployment(view, asked)).collect()
}

/// What `setup` says of the org.
fn of_setup(view: &View, asked: &Asked) -> Vec<Finding> {
    let mut found = Vec::new();
    if view.seen.apps.len() > 1 {
        let ids: Vec<&str> = view.seen.apps.iter().map(|app| app.id.as_str()).collect();
        let object = format!("apps {NAME} ({})", ids.join(", "));
        found.push(Finding::new(Code::Wrong, object, "several apps have the name", "delete all but one"));
    }
    if !asked.adopt {
        let foreign = plan::foreign(&view.wanted(asked), &view.seen).into_iter();
        let cure = "rename the object, or take it over with `okta-dac org setup --adopt`";
        found.extend(foreign.map(|object| Finding::new(Code::Foreign, object, "not made by okta-dac", cure)));
    }
    let wrong = view.seen.wrong.iter();
    let cure = format!("correct or delete it; then {SETUP}");
    found.extend(wrong.map(|object| Finding::new(Code::Wrong, object, "not as okta-dac needs it", &cure)));
    let steps = view.lacking(asked);
    let (decisions, lacking): (Vec<_>, Vec<_>) = steps.iter().partition(|step| view.is_decision(step));
    found.extend(decisions.into_iter().map(|step| {
        let detail = format!("`org setup` would {}", step.text());
        Finding::new(Code::Wrong, "org", detail, format!("if that is right, {SETUP}"))
    }));
    // Setup begins nothing where something stands in the way.
    let is_free = found.is_empty();
    found.extend(lacking.into_iter().map(|step| {
        let finding = Finding::new(Code::Lacking, "org", step.text(), SETUP);
        if is_free { finding.fixable() } else { finding }
    }));
    if view.seen.has_wide_claim {
        let cure = "narrow the claim with `okta-dac org migrate --finish`, once nobody calls the predecessor";
        let detail = "the claim has all groups of a user; above 100 Okta fails the request";
        found.push(Finding::new(Code::WideClaim, "claim groups", detail, cure));
    }
    if view.seen.members.is_empty() {
        let cure = "run `okta-dac org setup` again with `--superuser LOGIN`";
        found.push(Finding::new(Code::NoSuperuser, "group SUPERUSERS", "the group has no members", cure));
    }
    found
}

/// A claim has names of groups, whatever made the group.
fn imported(view: &View) -> Vec<Finding> {
    let imported = view.imported.iter().map(|group| {
        let object = format!("group {} ({})", group.profile.name, group.id);
        let detail = format!("a group of the type {} puts its members into the claim `groups`", group.kind);
        let cure = "rename the group where it comes from, or let Okta no longer import it";
        Finding::new(Code::ImportedGroup, object, detail, cure)
    });
    imported.collect()
}

fn filter_of(idp: &IdentityProvider) -> &str {
    let filter = idp.other.get("policy").and_then(|policy| policy.pointer("/subject/filter"));
    filter.and_then(Value::as_str).unwrap_or_default()
}

fn named(idp: &IdentityProvider) -> String {
    format!("identityProvider {} ({})", idp.name, idp.id)
}

/// An IdP without a filter of ours signs in whomever it says.
fn idps(view: &View) -> Vec<Finding> {
    let anybody = view.idps.iter().filter(|idp| idp.status == ACTIVE && !is_limited(filter_of(idp)));
    let cure = "verify one of the tenant's domains once more: that writes the filter";
    anybody
        .map(|idp| Finding::new(Code::AnyLogin, named(idp), "the IdP speaks of logins of every domain", cure))
        .collect()
}

fn certificates(view: &View) -> Vec<Finding> {
    let ends = |idp: &IdentityProvider| {
        let kid = idp.trusted_key()?;
        let key = view.keys.iter().find(|key| key.kid.as_str() == kid)?;
        // The placeholder signs nothing.
        if view.seen.placeholder.as_ref().is_some_and(|placeholder| *placeholder == key.kid) {
            return None;
        }
        let end: Timestamp = key.expires_at.as_deref()?.parse().ok()?;
        (end.duration_since(view.now) < CERTIFICATE).then(|| {
            let detail = format!("the certificate {kid} ends at {end}");
            let cure = "let the tenant upload the next one: `okta-dac idps update`";
            Finding::new(Code::CertificateEnds, named(idp), detail, cure)
        })
    };
    view.idps.iter().filter_map(ends).collect()
}

fn is_ours(rule: &PolicyRule) -> bool {
    rule.name.starts_with("DAC_")
}

/// Whether a rule takes logins that a tenant's rule is for.
fn takes(above: &PolicyRule, rule: &PolicyRule) -> bool {
    if !above.is_limited() {
        return is_for_everybody(above);
    }
    let ends = |domain: &str, suffix: &str| {
        let (domain, suffix) = (domain.to_ascii_lowercase(), suffix.to_ascii_lowercase());
        domain == suffix || domain.ends_with(&format!(".{suffix}"))
    };
    let suffixes = above.patterns();
    let overlap = |domain: &str, suffix: &str| ends(domain, suffix) || ends(suffix, domain);
    rule.patterns().iter().any(|domain| suffixes.iter().any(|suffix| overlap(domain, suffix)))
}

/// Whether a rule without patterns of logins has no other limit: apps, a network, a platform.
fn is_for_everybody(rule: &PolicyRule) -> bool {
    let conditions = rule.other.get("conditions").unwrap_or(&Value::Null);
    let has = |pointer: &str| {
        conditions.pointer(pointer).and_then(Value::as_array).is_some_and(|all| !all.is_empty())
    };
    let anywhere = conditions.pointer("/network/connection").is_none_or(|from| from == "ANYWHERE");
    anywhere
        && !["/app/include", "/app/exclude", "/platform/include", "/platform/exclude"]
            .iter()
            .any(|of| has(of))
}

/// The first rule that matches counts.
fn rules(view: &View) -> Vec<Finding> {
    let mut rules: Vec<&PolicyRule> = view.rules.iter().filter(|rule| rule.status == ACTIVE).collect();
    rules.sort_by_key(|rule| rule.priority().unwrap_or(u64::MAX));
    let mut found = Vec::new();
    for (at, above) in
        rules.iter().enumerate().filter(|(_, rule)| !is_ours(rule) && rule.priority().is_some())
    {
        let mut below = rules.iter().skip(at + 1).filter(|rule| is_ours(rule) && takes(above, rule));
        if let Some(first) = below.next() {
            let object = format!("routingRule {} ({})", above.name, above.id);
            let more = match below.count() {
                0 => String::new(),
                others => format!(" and of {others} more"),
            };
            let detail = format!("the rule stands above {} and takes logins of it{more}", first.name);
            found.push(Finding::new(Code::BroaderRule, object, detail, "move the rule down in Okta"));
        }
    }
    found
}

fn domains(view: &View) -> Vec<Finding> {
    let none = subject_filter(&[]).unwrap_or_default();
    let leads = |idp: &IdentityProvider| view.rules.iter().any(|rule| rule.routes_to(idp.id.as_str()));
    let is_left = |idp: &&IdentityProvider| {
        let filter = filter_of(idp);
        idp.status == ACTIVE && is_limited(filter) && filter != none && !leads(idp)
    };
    let cure = "add the domains and verify them again: `okta-dac domains add`, `okta-dac domains verify`";
    let detail = "the IdP has verified domains, and no routing rule leads their users to the IdP";
    let left = view.idps.iter().filter(is_left);
    left.map(|idp| Finding::new(Code::DomainsWithoutRule, named(idp), detail, cure)).collect()
}

fn records(view: &View) -> Vec<Finding> {
    let edited = |(group, _): &&(okta_client::models::Group, _)| {
        AdminsDescription::parse(&group.profile.description).is_none()
    };
    let edited = view.admins.iter().filter(edited);
    edited
        .map(|(group, claim)| {
            let object = format!("group {} ({})", group.profile.name, group.id);
            let record = json!({ "tenantId": claim.tenant_id });
            let cure =
                format!("write the description `{record}` in Okta, with the ids of the tenant's rules");
            Finding::new(Code::EditedRecord, object, "the description is not the record of the tenant", cure)
        })
        .collect()
}

fn of_connection(connection: &Listed) -> String {
    format!("connection {} ({})", connection.label, connection.client_id)
}

fn wide_grant(connection: &Listed, scope: &str) -> Finding {
    let detail = format!("the scope {scope} is not of the preset {}", connection.preset);
    Finding::new(
        Code::GrantTooWide,
        of_connection(connection),
        detail,
        "take the scope from the connection: `okta-dac connection upgrade --drop-scope`, unless it is wanted",
    )
}

fn connections(view: &View) -> Vec<Finding> {
    let wide = view.wide_grants().into_iter();
    let mut found: Vec<Finding> = wide.map(|(connection, scope)| wide_grant(connection, scope)).collect();
    for connection in &view.connections {
        let object = || of_connection(connection);
        if let Some(preset) = preset_of(connection) {
            let own = match preset.role {
                Role::Standard(kind) => kind,
                Role::Custom { .. } => "CUSTOM",
            };
            for role in connection.roles.iter().filter(|role| *role != own) {
                let detail = format!("the role {role} is not of the preset {}", preset.name);
                found.push(Finding::new(
                    Code::RoleTooWide,
                    object(),
                    detail,
                    "take the role from the app in Okta",
                ));
            }
        }
        for (kid, created) in &connection.keys {
            let age = created.parse::<Timestamp>().map(|created| view.now.duration_since(created));
            if let Ok(age) = age
                && age > KEY
            {
                let detail = format!("the key {kid} is {} days old", age.as_hours() / 24);
                let cure = "replace the key: `okta-dac connection rotate-key`";
                found.push(Finding::new(Code::OldCredential, object(), detail, cure));
            }
        }
    }
    found
}

/// Rights that end in Okta end for tokens that live on, because the hook says so.
fn hooks(view: &View, asked: &Asked) -> Vec<Finding> {
    let wrong = |detail: &str, id: &str| {
        let cure = "run `okta-dac org setup` again with `--api URL`";
        Finding::new(Code::SilentHook, format!("eventHook {NAME}{id}"), detail, cure)
    };
    let ours: Vec<_> = view.hooks.iter().filter(|hook| address_of(hook).ends_with(EVENTS)).collect();
    let Some(hook) = ours.first() else { return vec![wrong("the hook is not there", "")] };
    let id = format!(" ({})", hook.id);
    let events = hook.other.get("events").map_or(&Value::Null, |events| &events["items"]);
    let lacking = domain::ENDING_EVENTS
        .iter()
        .filter(|event| !events.as_array().is_some_and(|all| all.contains(&json!(event))));
    let lacking: Vec<&str> = lacking.copied().collect();
    let mut found = Vec::new();
    if hook.text("status") != ACTIVE {
        found.push(wrong("the hook is not active", &id));
    }
    if hook.text("verificationStatus") != "VERIFIED" {
        found.push(wrong("the hook is not verified", &id));
    }
    // Of the deployment that is examined; a custom domain says nothing.
    let (address, api) = (address_of(hook), asked.api.as_deref());
    if address.contains("execute-api") && api.is_some_and(|api| !address.contains(api)) {
        found.push(wrong(&format!("the hook leads to {address}, another deployment"), &id));
    }
    if !lacking.is_empty() {
        found.push(wrong(&format!("the hook is not told of {}", lacking.join(", ")), &id));
    }
    found
}

/// What the deployment believes of the org.
fn deployment(view: &View, asked: &Asked) -> Vec<Finding> {
    let group = view.seen.groups.get(domain::RESPONDERS).map(|(id, _)| id.to_string());
    let issuer = view.seen.server.as_ref().map(|(_, issuer, _)| issuer.clone());
    let is = [
        ("OktaDacAppId", view.seen.apps.first().map(|app| app.id.to_string())),
        ("TokenIssuer", issuer),
        ("RespondersGroupId", group),
        ("PlaceholderKeyId", view.seen.placeholder.as_ref().map(ToString::to_string)),
        ("DelegatedUserTypeId", view.seen.delegators.as_ref().map(|kind| kind.id.to_string())),
    ];
    let differs = is.into_iter().filter_map(|(name, is)| {
        let (is, deployed) = (is?, asked.parameters.get(name).filter(|value| !value.is_empty())?);
        (is != *deployed).then(|| {
            let detail = format!("the deployment has `{deployed}`, and the org `{is}`");
            let cure =
                "deploy with the org's: `okta-dac org setup` writes samconfig.toml, then `make deploy`";
            Finding::new(Code::Deployment, format!("parameter {name}"), detail, cure)
        })
    });
    let mut found: Vec<Finding> = differs.collect();
    let list = |name: &str| asked.parameters.get(name).filter(|list| !list.is_empty());
    let has = |list: &str, one: &str| list.split(',').any(|of| of.trim() == one);
    let cure = "add it to the parameter in samconfig.toml, and deploy";
    if let (Some(clients), Some(app)) = (list("TokenClientIds"), view.seen.apps.first())
        && !has(clients, app.id.as_str())
    {
        let detail = format!("the app {} is none of the clients whose tokens count", app.id);
        found.push(Finding::new(Code::Deployment, "parameter TokenClientIds", detail, cure));
    }
    if let Some(audiences) = list("TokenAudiences")
        && !view.seen.audiences.iter().any(|audience| has(audiences, audience))
    {
        let detail =
            format!("the authorization server's audience {} is none of them", view.seen.audiences.join(", "));
        found.push(Finding::new(Code::Deployment, "parameter TokenAudiences", detail, cure));
    }
    found
}
