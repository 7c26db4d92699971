//! The routing rules of the org, and the two that are a tenant's.

use domain::{
    AdminsDescription, EmailDomain, TenantName, TenantStatus, idp_name, pending_rule_name, rule_name,
};
use futures::TryStreamExt;
use lambda_kit::Context;
use okta_client::models::{
    GroupProfile, IdentityProvider, IdpId, NewPolicyRule, PolicyId, PolicyRule, RuleId,
};
use okta_client::{Client, Error, OkIfAbsent};
use run_kit::{Found, Incomplete, Object, Run, StepFailure, Steps, Stopped, Undo, Undone};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use state::{Change, LockError, Locks};
use tenancy::{Depth, Tenant, TenantError, Tenants, holds_domains, if_present, is_active, is_pending_rule};

use crate::order::Move;
use crate::pending::Pending;
use crate::subject::Filter;

/// A domain as callers see it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TenantDomain")]
pub struct Domain {
    /// The domain: lower case, A-labels.
    pub domain: String,
    /// Whether logins of the domain go to the tenant's IdP: `false` also while the tenant is
    /// suspended.
    pub verified: bool,
    /// What the TXT record must hold; only until it is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_verification_string: Option<String>,
}

/// The routing policy with its rules, as they were when they were read.
#[derive(Debug)]
pub(crate) struct Routing {
    policy: Option<PolicyId>,
    pub(crate) rules: Vec<PolicyRule>,
}

/// The tenant and the rules, read at the same time.
pub(crate) async fn read(
    tenants: &Tenants,
    context: &Context,
    tenant: &TenantName,
    depth: Depth,
) -> (Result<Tenant, TenantError>, Result<Routing, Error>) {
    futures::join!(
        tenants.of_caller(&context.run, &context.caller, tenant, depth),
        Routing::of_org(context.run.okta.forward())
    )
}

impl Routing {
    /// Reads the policy, of which there is exactly one in an org, and its rules.
    async fn of_org(okta: &Client) -> Result<Self, Error> {
        let policy = okta.list_policies("IDP_DISCOVERY").await?.into_iter().next().map(|policy| policy.id);
        let rules = match &policy {
            Some(policy) => okta.list_policy_rules(policy).try_collect().await?,
            None => Vec::new(),
        };
        Ok(Self { policy, rules })
    }

    /// Reads the rules again: under a lock they stay as they are.
    pub(crate) async fn read_again(&mut self, okta: &Client) -> Result<(), Error> {
        if let Some(policy) = &self.policy {
            self.rules = okta.list_policy_rules(policy).try_collect().await?;
        }
        Ok(())
    }

    /// The tenant's own two.
    pub(crate) fn of<'r>(&'r self, tenant: &'r Tenant) -> TenantRules<'r> {
        let (record, name) = (&tenant.description, &tenant.name);
        let names = [Some(name.clone()), record.former_name()].into_iter().flatten().collect::<Vec<_>>();
        let own = |rule: &&PolicyRule| holds_domains(rule, &tenant.id, record, &names);
        let is_pending = |rule: &&PolicyRule| is_pending_rule(rule, record, &names);
        let verified = self.rules.iter().filter(own).find(|rule| !is_pending(rule));
        let pending = self.rules.iter().filter(own).find(is_pending);
        TenantRules { rules: &self.rules, policy: self.policy.as_ref(), tenant, verified, pending }
    }

    /// The rule of somebody else whose domain overlaps with this one: of another
    /// tenant, or one that an administrator of the org made.
    pub(crate) fn taken_by(&self, domain: &EmailDomain, own: &TenantRules<'_>) -> Option<&PolicyRule> {
        let is_own =
            |rule: &PolicyRule| [own.verified, own.pending].into_iter().flatten().any(|of| of.id == rule.id);
        let overlaps = |rule: &PolicyRule, pattern: &str| {
            let pattern = pattern.trim_start_matches(['@', '.']);
            // What is only pending belongs to nobody.
            !Pending::is_in(rule, pattern)
                && EmailDomain::parse(pattern).is_ok_and(|taken| taken.overlaps(domain))
        };
        let takes = |rule: &&PolicyRule| rule.patterns().into_iter().any(|pattern| overlaps(rule, pattern));
        self.rules.iter().filter(|rule| !is_own(rule)).find(takes)
    }
}

/// The rules of one tenant.
#[derive(Debug)]
pub(crate) struct TenantRules<'r> {
    /// All rules of the org.
    rules: &'r [PolicyRule],
    policy: Option<&'r PolicyId>,
    tenant: &'r Tenant,
    pub(crate) verified: Option<&'r PolicyRule>,
    pending: Option<&'r PolicyRule>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Verified,
    Pending,
}

impl TenantRules<'_> {
    /// Whether the verified domains are in use: the rule is off while the tenant is
    /// suspended, or if somebody switched it off.
    pub(crate) fn is_active(&self) -> bool {
        self.verified.is_some_and(is_active)
    }

    /// The tenant's domains, in the order of their names; one that is both is
    /// verified.
    pub(crate) fn domains(&self) -> Vec<Domain> {
        let is_active = self.is_active();
        let verified = self.verified_domains().into_iter().map(|domain| Domain {
            domain: domain.to_string(),
            verified: is_active,
            dns_verification_string: None,
        });
        let pending = self.pending_domains().into_iter().map(|pending| Domain {
            domain: pending.domain.to_string(),
            verified: false,
            dns_verification_string: Some(pending.token),
        });
        let mut domains: Vec<Domain> = verified.chain(pending).collect();
        let token = |domain: &Domain| domain.dns_verification_string.is_some();
        domains.sort_by(|a, b| a.domain.cmp(&b.domain).then(token(a).cmp(&token(b))));
        domains.dedup_by(|next, kept| next.domain == kept.domain);
        domains
    }

    fn verified_domains(&self) -> Vec<EmailDomain> {
        let patterns = self.verified.map(PolicyRule::patterns).unwrap_or_default();
        patterns.into_iter().filter_map(|pattern| EmailDomain::parse(pattern).ok()).collect()
    }

    pub(crate) fn pending_domains(&self) -> Vec<Pending> {
        let patterns = self.pending.map(PolicyRule::patterns).unwrap_or_default();
        patterns.into_iter().filter_map(Pending::parse).collect()
    }

    pub(crate) fn is_verified(&self, domain: &EmailDomain) -> bool {
        self.verified_domains().contains(domain)
    }

    pub(crate) fn pending(&self, domain: &EmailDomain) -> Option<Pending> {
        self.pending_domains().into_iter().find(|pending| pending.domain == *domain)
    }

    /// Whom the tenant's IdP may speak of when the active rule has these patterns
    /// of it, and one more.
    pub(crate) fn filter(&self, keep: impl Fn(&str) -> bool, more: Option<&str>) -> Option<Filter> {
        let mut domains = self.verified.map(PolicyRule::patterns).unwrap_or_default();
        domains.retain(|pattern| keep(pattern));
        domains.extend(more);
        Filter::of(&domains)
    }

    /// Locks the tenant's IdP until the request ends.
    pub(crate) async fn lock_idp(&self, locks: &Locks) -> Result<(), LockError> {
        locks.take(Change::Idp(&self.tenant.id)).await
    }

    /// The tenant's IdP, unless somebody has deleted it.
    pub(crate) async fn idp(&self, okta: &Client) -> Result<Option<IdentityProvider>, Error> {
        if_present(okta.get_identity_provider(&IdpId::from(self.tenant.id.as_str()))).await
    }

    /// The IdP, as problem documents name it.
    pub(crate) fn idp_object(&self) -> Object {
        Object::new("identityProvider", idp_name(&self.tenant.name), &self.tenant.id)
    }

    /// Makes a domain the tenant's, or completes that: its pattern in the active
    /// rule, with an undo; then, without one, its logins for the IdP, and `token` goes
    /// from the inactive rule. `filter` is the one with the domain. Gives whether anything had
    /// to be changed.
    ///
    /// # Errors
    ///
    /// What stopped it, and what is left.
    pub(crate) async fn give(
        &self,
        run: &Run,
        domain: &EmailDomain,
        filter: &Filter,
        token: Option<&Pending>,
        moves: &[Move],
    ) -> Result<bool, Stopped> {
        let (okta, steps) = (run.okta.forward(), Steps::of(run));
        let rule = async {
            let own = self.put_in_order(okta, &steps, moves).await?;
            let is_new = !self.is_verified(domain);
            let recorded = match is_new {
                true => self.add(okta, &steps, Kind::Verified, domain.as_str(), own).await.map(|()| true)?,
                false => self.complete(okta, &steps, Kind::Verified).await?,
            };
            Ok(self.switch_on(okta, &steps).await? || recorded || !moves.is_empty())
        };
        let (rule, idp) = futures::join!(rule, steps.run("read the identity provider", self.idp(okta)));
        let (changed, idp) = match rule.and_then(|changed| Ok((changed, idp?))) {
            Ok(both) => both,
            Err(failure) => return Err(steps.unwind(failure).await),
        };
        // Not worth taking the domain back: tried twice, then left to the same
        // request sent again.
        let widen = || async {
            match &idp {
                Some(idp) => filter.write(okta, idp).await,
                None => Ok(false),
            }
        };
        let forget = || async {
            match token.map(Pending::pattern) {
                Some(pattern) => {
                    self.remove(okta, Kind::Pending, |other| other.eq_ignore_ascii_case(&pattern)).await
                }
                None => Ok(false),
            }
        };
        let (widened, forgotten) = futures::join!(twice(widen), twice(forget));
        let mut left = Vec::new();
        left.extend(widened.is_err().then(|| self.idp_object()));
        left.extend(if forgotten.is_err() { self.object(Kind::Pending) } else { None });
        match widened.and_then(|widened| Ok(widened | forgotten?)) {
            Ok(completed) => Ok(changed || completed),
            Err(error) => {
                let incomplete = Incomplete::after(&["change the routing rule"], left);
                let incomplete = incomplete.because("complete the verified domain", error);
                Err(Stopped::Incomplete(Box::new(incomplete)))
            }
        }
    }

    /// Moves the rules of others; gives the place that the tenant's own rule needs.
    /// Undo: the old places, in the opposite order.
    async fn put_in_order(
        &self,
        okta: &Client,
        steps: &Steps,
        moves: &[Move],
    ) -> Result<Option<u64>, StepFailure> {
        let mut own = None;
        for Move { rule, priority } in moves {
            let is_own = rule.as_ref() == self.verified.map(|rule| &rule.id);
            let (Some(id), Some(policy), false) = (rule, self.policy, is_own) else {
                own = Some(*priority);
                continue;
            };
            let Some(rule) = self.rules.iter().find(|rule| rule.id == *id) else { continue };
            self.replace(okta, steps, policy, rule, &rule.at(*priority)).await?;
        }
        // The others' moves have moved it, too.
        if let (None, Some(rule), Some(policy), false) = (own, self.verified, self.policy, moves.is_empty()) {
            let rules = okta.list_policy_rules(policy).try_collect::<Vec<PolicyRule>>();
            let rules = steps.run("read the places of the routing rules", rules).await?;
            own = rules.iter().find(|now| now.id == rule.id).and_then(PolicyRule::priority);
        }
        Ok(own)
    }

    /// Switches the rule of the verified domains on, which somebody switched off. That of a
    /// suspended tenant stays off. Undo: the opposite.
    async fn switch_on(&self, okta: &Client, steps: &Steps) -> Result<bool, StepFailure> {
        let (Some(rule), Some(policy)) = (self.verified, self.policy) else { return Ok(false) };
        if is_active(rule) || self.tenant.description.status() == TenantStatus::Suspended {
            return Ok(false);
        }
        let (of, id) = (policy.clone(), rule.id.clone());
        let undo = Undo::new(Object::new("routingRule", &rule.name, &rule.id), |okta| async move {
            okta.deactivate_policy_rule(&of, &id).await.map(|()| Undone::Entirely)
        });
        let on = okta.activate_policy_rule(policy, &rule.id);
        steps.change("activate the routing rule", on, undo).await.map(|()| true)
    }

    /// Adds a pattern, to a rule that is made if it is not there; then its id is
    /// recorded. Undo: the old rule, or none. `place` is the one that the rule needs, if
    /// the order matters.
    pub(crate) async fn add(
        &self,
        okta: &Client,
        steps: &Steps,
        kind: Kind,
        pattern: &str,
        place: Option<u64>,
    ) -> Result<(), StepFailure> {
        let rule = self.rule(kind);
        let Some(policy) = self.policy else {
            // There is always one: then Okta's answer was not right.
            let error = Error::Unexpected { status: 200 };
            return steps.run("find the routing policy", async { Err(error) }).await;
        };
        if let Some(rule) = rule {
            let new = rule.with_patterns(|_| true, Some(pattern));
            let new = place.map_or_else(|| new.clone(), |place| new.at(place));
            self.replace(okta, steps, policy, rule, &new).await?;
            return self.complete(okta, steps, kind).await.map(drop);
        }
        let name = match kind {
            Kind::Verified => rule_name(&self.tenant.name),
            Kind::Pending => pending_rule_name(&self.tenant.name),
        };
        let new = NewPolicyRule {
            name: name.clone(),
            kind: "IDP_DISCOVERY",
            conditions: json!({
                "network": { "connection": "ANYWHERE" },
                "userIdentifier": {
                    "type": "IDENTIFIER", "patterns": [{ "matchType": "SUFFIX", "value": pattern }],
                },
            }),
            actions: json!({ "idp": { "providers": [{ "type": "SAML2", "id": self.tenant.id }] } }),
            // Below all that there are, and above the default rule.
            priority: Some(place.unwrap_or_else(|| {
                self.rules.iter().filter_map(PolicyRule::priority).max().unwrap_or_default() + 1
            })),
        };
        let is_active = self.tenant.description.status() == TenantStatus::Active;
        let active = kind == Kind::Verified && is_active;
        let undo = |made: Option<&PolicyRule>| {
            let (of, called) = (policy.clone(), name.clone());
            let find = |okta: Client| async move {
                let rules: Vec<PolicyRule> = okta.list_policy_rules(&of).try_collect().await?;
                let found = rules.into_iter().find(|rule| rule.name == called);
                Ok(found.map_or(Found::Absent, |rule| Found::Ours(rule.id)))
            };
            let of = policy.clone();
            let delete = |okta: Client, id: RuleId| async move {
                okta.delete_policy_rule(&of, &id).await.ok_if_absent()
            };
            Undo::of_creation("routingRule", &name, made.map(|rule| rule.id.clone()), find, delete)
        };
        let made = okta.create_policy_rule(policy, &new, active);
        let made = steps.create("create the routing rule", made, undo).await?;
        self.record(okta, steps, kind, &made).await
    }

    /// Takes patterns away; a rule without one would be for everybody, and is
    /// deleted. Patterns of other kinds, which somebody made by hand, keep the rule.
    /// Repeating it does no harm. `false` if there was nothing to take.
    pub(crate) async fn remove(
        &self,
        okta: &Client,
        kind: Kind,
        gone: impl Fn(&str) -> bool,
    ) -> Result<bool, Error> {
        let (Some(rule), Some(policy)) = (self.rule(kind), self.policy) else { return Ok(false) };
        let patterns = rule.patterns();
        if !patterns.iter().any(|pattern| gone(pattern)) {
            return Ok(false);
        }
        let new = rule.with_patterns(|pattern| !gone(pattern), None);
        match new.is_limited() {
            true => okta.replace_policy_rule(policy, &new).await.map(drop)?,
            false => okta.delete_policy_rule(policy, &rule.id).await.ok_if_absent()?,
        }
        Ok(true)
    }

    /// The rule, as problem documents name it.
    pub(crate) fn object(&self, kind: Kind) -> Option<Object> {
        self.rule(kind).map(|rule| Object::new("routingRule", &rule.name, &rule.id))
    }

    fn rule(&self, kind: Kind) -> Option<&PolicyRule> {
        match kind {
            Kind::Verified => self.verified,
            Kind::Pending => self.pending,
        }
    }

    async fn replace(
        &self,
        okta: &Client,
        steps: &Steps,
        policy: &PolicyId,
        old: &PolicyRule,
        new: &PolicyRule,
    ) -> Result<(), StepFailure> {
        let (of, before) = (policy.clone(), old.clone());
        let undo = Undo::new(Object::new("routingRule", &old.name, &old.id), |okta| async move {
            okta.replace_policy_rule(&of, &before).await.map(|_| Undone::Entirely)
        });
        let replaced = okta.replace_policy_rule(policy, new);
        steps.change("change the routing rule", replaced, undo).await.map(drop)
    }

    /// Records the id of a rule that a run which stopped half-way, or somebody by
    /// hand, has left unrecorded.
    pub(crate) async fn complete(
        &self,
        okta: &Client,
        steps: &Steps,
        kind: Kind,
    ) -> Result<bool, StepFailure> {
        let record = &self.tenant.description;
        let recorded = match kind {
            Kind::Verified => &record.routing_rule_id,
            Kind::Pending => &record.inactive_routing_rule_id,
        };
        match self.rule(kind) {
            Some(rule) if recorded.as_deref() != Some(rule.id.as_str()) => {
                self.record(okta, steps, kind, rule).await.map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// Writes the id of a new rule into the tenant's record.
    async fn record(
        &self,
        okta: &Client,
        steps: &Steps,
        kind: Kind,
        rule: &PolicyRule,
    ) -> Result<(), StepFailure> {
        // As it is now: somebody may have changed it since the tenant was read.
        let admins = steps.run("read the tenant's record", okta.get_group(&self.tenant.admins.id)).await?;
        let mut record = AdminsDescription::parse(&admins.profile.description).unwrap_or_else(|| {
            AdminsDescription { tenant_id: Some(self.tenant.id.clone()), ..Default::default() }
        });
        let id = Some(rule.id.to_string());
        match kind {
            Kind::Verified => record.routing_rule_id = id,
            Kind::Pending => record.inactive_routing_rule_id = id,
        }
        let profile = GroupProfile { description: record.to_text(), ..admins.profile.clone() };
        let group = admins.id.clone();
        let undo = Undo::new(Object::new("group", &admins.profile.name, &admins.id), |okta| async move {
            okta.replace_group(&group, &admins.profile).await.map(|_| Undone::Entirely)
        });
        let recorded = okta.replace_group(&self.tenant.admins.id, &profile);
        steps.change("record the routing rule", recorded, undo).await.map(drop)
    }
}

async fn twice<T, F: Future<Output = Result<T, Error>>>(step: impl Fn() -> F) -> Result<T, Error> {
    match step().await {
        Ok(done) => Ok(done),
        Err(_) => step().await,
    }
}
