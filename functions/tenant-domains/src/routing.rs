//! The two routing rules that are a tenant's, and the domains that the rules and the index hold.

use domain::{
    AdminsDescription, Discovery, EmailDomain, TenantStatus, idp_name, pending_rule_name, rule_name,
};
use futures::TryStreamExt;
use okta_client::models::{
    GroupProfile, IdentityProvider, IdpId, NewPolicyRule, PolicyId, PolicyRule, RuleId,
};
use okta_client::{Client, Error, OkIfAbsent};
use run_kit::{Failure, Found, Incomplete, Object, Run, StepFailure, Steps, Stopped, Undo, Undone, chain};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use state::{Change, LockError, Locks, State};
use tenancy::{Pending, Tenant, domains_of_rule, holds_domains, if_present, is_active, is_pending_rule};

use crate::known::Routing;
use crate::order::Move;
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

impl Routing {
    /// The tenant's own two.
    pub(crate) fn of<'r>(&'r self, tenant: &'r Tenant) -> TenantRules<'r> {
        let (record, name) = (&tenant.description, &tenant.name);
        let names = [Some(name.clone()), record.former_name()].into_iter().flatten().collect::<Vec<_>>();
        let own = |rule: &&PolicyRule| holds_domains(rule, &tenant.id, record, &names);
        let is_pending = |rule: &&PolicyRule| is_pending_rule(rule, record, &names);
        let verified = self.rules.iter().filter(own).find(|rule| !is_pending(rule));
        let pending = self.rules.iter().filter(own).find(is_pending);
        TenantRules { routing: self, tenant, verified, pending }
    }

    /// The rule of somebody else whose domain overlaps with this one: of another
    /// tenant, or one that an administrator of the org made. Only where all rules are known.
    pub(crate) fn taken_by(&self, domain: &EmailDomain, own: &TenantRules<'_>) -> Option<&PolicyRule> {
        let is_own =
            |rule: &PolicyRule| [own.verified, own.pending].into_iter().flatten().any(|of| of.id == rule.id);
        let takes = |rule: &&PolicyRule| domains_of_rule(rule).iter().any(|taken| taken.overlaps(domain));
        self.rules.iter().filter(|rule| self.is_whole && !is_own(rule)).find(takes)
    }

    /// Notes that the request will make a rule, if it will.
    ///
    /// # Errors
    ///
    /// Of the table; nothing was changed.
    pub(crate) async fn begin(
        &self,
        state: &State,
        run: &Run,
        tenant: &Tenant,
        kind: Kind,
    ) -> Result<(), Failure> {
        match self.of(tenant).rule(kind) {
            Some(_) => Ok(()),
            None => Ok(state.begin_rule(run, &tenant.id).await?),
        }
    }

    /// Notes the rules that the request made and deleted. What cannot be noted now, the next pass
    /// of `reconcile` notes: until then all rules are read.
    pub(crate) async fn note(&self, state: &State, run: &Run, tenant: &Tenant) {
        let (made, gone) = self.notes.take();
        let is_doubtful = self.is_whole && self.known.unsure_since.is_some();
        if made.is_empty() && gone.is_empty() && !is_doubtful {
            return;
        }
        let own = self.rules.iter().filter(|rule| rule.routes_to(&tenant.id)).map(|rule| rule.id.to_string());
        let there: Vec<String> = own.chain(made).filter(|id| !gone.contains(id)).collect();
        if let Err(error) = state.note_rules(run, &tenant.id, &there, &gone).await {
            tracing::warn!(error = %chain(&error), tenant = tenant.id, "the rules are not noted");
        }
    }
}

/// The rules of one tenant.
#[derive(Debug)]
pub(crate) struct TenantRules<'r> {
    pub(crate) routing: &'r Routing,
    pub(crate) tenant: &'r Tenant,
    pub(crate) verified: Option<&'r PolicyRule>,
    pub(crate) pending: Option<&'r PolicyRule>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Verified,
    Pending,
}

impl TenantRules<'_> {
    /// Whether logins of a verified domain go to the tenant's IdP: not while the tenant is
    /// suspended, and not through a rule that somebody switched off.
    fn is_in_use(&self, domain: &EmailDomain) -> bool {
        match self.routing.discovery {
            Discovery::Webfinger if self.is_indexed(domain) => {
                self.tenant.description.status() == TenantStatus::Active
            }
            _ => self.is_in_rule(domain) && self.verified.is_some_and(is_active),
        }
    }

    /// Whether nothing but the index has to say that the domain is the tenant's.
    pub(crate) fn is_indexed(&self, domain: &EmailDomain) -> bool {
        self.routing.known.verified.contains(domain.as_str())
    }

    /// Whether the rule of the verified domains has the domain.
    pub(crate) fn is_in_rule(&self, domain: &EmailDomain) -> bool {
        self.domains_of_rule().contains(domain)
    }

    /// The tenant's domains, in the order of their names; one that is both is
    /// verified.
    pub(crate) fn domains(&self) -> Vec<Domain> {
        let verified = self.verified_domains().into_iter().map(|domain| Domain {
            domain: domain.to_string(),
            verified: self.is_in_use(&domain),
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

    /// The verified domains, of the rule and of the index.
    pub(crate) fn verified_domains(&self) -> Vec<EmailDomain> {
        let mut domains = self.domains_of_rule();
        let indexed = self.routing.known.verified.iter().filter_map(|domain| EmailDomain::parse(domain).ok());
        domains.extend(indexed);
        domains.sort();
        domains.dedup();
        domains
    }

    fn domains_of_rule(&self) -> Vec<EmailDomain> {
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

    /// Whom the tenant's IdP may speak of when the tenant has these of its domains, and one
    /// more. Patterns that somebody made by hand count, too.
    pub(crate) fn filter(&self, keep: impl Fn(&str) -> bool, more: Option<&str>) -> Option<Filter> {
        let patterns = self.verified.map(PolicyRule::patterns).unwrap_or_default();
        let indexed = self.routing.known.verified.iter().map(String::as_str);
        let indexed = indexed
            .filter(|domain| !patterns.iter().any(|pattern| pattern.eq_ignore_ascii_case(domain)))
            .collect::<Vec<_>>();
        let mut domains: Vec<&str> = patterns.into_iter().chain(indexed).filter(|one| keep(one)).collect();
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
    /// rule, with an undo, unless the index alone is to hold it; then, without one, its logins for the IdP, and `token` goes
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
            let is_new = self.routing.discovery == Discovery::RoutingRules && !self.is_in_rule(domain);
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
            let (Some(id), Some(policy), false) = (rule, &self.routing.policy, is_own) else {
                own = Some(*priority);
                continue;
            };
            let Some(rule) = self.routing.rules.iter().find(|rule| rule.id == *id) else { continue };
            self.replace(okta, steps, policy, rule, &rule.at(*priority)).await?;
        }
        // The others' moves have moved it, too.
        let policy = self.routing.policy.as_ref();
        if let (None, Some(rule), Some(policy), false) = (own, self.verified, policy, moves.is_empty()) {
            let rules = okta.list_policy_rules(policy).try_collect::<Vec<PolicyRule>>();
            let rules = steps.run("read the places of the routing rules", rules).await?;
            own = rules.iter().find(|now| now.id == rule.id).and_then(PolicyRule::priority);
        }
        Ok(own)
    }

    /// Switches the rule of the verified domains on, which somebody switched off. That of a
    /// suspended tenant stays off. Undo: the opposite.
    async fn switch_on(&self, okta: &Client, steps: &Steps) -> Result<bool, StepFailure> {
        let (Some(rule), Some(policy)) = (self.verified, &self.routing.policy) else { return Ok(false) };
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
        let Some(policy) = &self.routing.policy else {
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
            // Without a place Okta puts it below all that there are, and above the default rule.
            priority: place,
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
        self.routing.notes.made(&made);
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
        let (Some(rule), Some(policy)) = (self.rule(kind), &self.routing.policy) else { return Ok(false) };
        let patterns = rule.patterns();
        if !patterns.iter().any(|pattern| gone(pattern)) {
            return Ok(false);
        }
        let new = rule.with_patterns(|pattern| !gone(pattern), None);
        match new.is_limited() {
            true => okta.replace_policy_rule(policy, &new).await.map(drop)?,
            false => {
                okta.delete_policy_rule(policy, &rule.id).await.ok_if_absent()?;
                self.routing.notes.gone(rule);
            }
        }
        Ok(true)
    }

    /// The rule, as problem documents name it.
    pub(crate) fn object(&self, kind: Kind) -> Option<Object> {
        self.rule(kind).map(|rule| Object::new("routingRule", &rule.name, &rule.id))
    }

    pub(crate) fn rule(&self, kind: Kind) -> Option<&PolicyRule> {
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
