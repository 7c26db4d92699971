//! The index of domains: what [`domain`] says of its items, written.
//!
//! A domain and what is known of its tenant change in one transaction, on the condition that
//! nobody else changed them meanwhile: of two tenants that verify domains which overlap, at the
//! same time, one gets its domain. No lock is taken, and nothing is looked through.

use domain::{
    Discovery, EmailDomain, Ending, Holder, Holders, INDEX_ITEM, IndexState, Meeting, TenantDomains,
    ending_item, endings, holders_item, tenant_domains_item,
};
use run_kit::Run;

use crate::State;
use crate::table::StateError;

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The domain is the holder's since now.
    New,
    /// The domain was the holder's.
    Before,
    /// Somebody else has a domain that overlaps with it.
    Taken {
        /// The domain.
        domain: EmailDomain,
        /// Who has it.
        by: Holder,
    },
}

impl State {
    /// Makes a domain somebody's, unless somebody else has one that overlaps with it.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn claim_domain(
        &self,
        run: &Run,
        domain: &EmailDomain,
        holder: &str,
        by: Discovery,
    ) -> Result<Claimed, StateError> {
        let holder = Holder { id: holder.to_owned(), by, since: run.clock.now_ms() };
        let (of, tenant) = (holders_item(domain), tenant_domains_item(&holder.id));
        let ordered = if by == Discovery::RoutingRules { ending_items(domain) } else { Vec::new() };
        let ids = [vec![of.clone(), tenant.clone()], ordered.clone()].concat();
        self.change_documents(run, "claim the domain", &ids, |documents| {
            let mut holders: Holders = documents.get(&of)?;
            if let Some((domain, by)) = holders.taken(domain, &holder.id) {
                return Ok(Claimed::Taken { domain, by: by.clone() });
            }
            let claimed = match holders.of(domain) {
                Some(_) => Claimed::Before,
                None => Claimed::New,
            };
            holders.claim(domain, holder.clone());
            documents.set(&of, &holders)?;
            for id in &ordered {
                let mut ending: Ending = documents.get(id)?;
                ending.0.insert(domain.registrable().to_owned());
                documents.set(id, &ending)?;
            }
            if by == Discovery::Webfinger {
                let mut known: TenantDomains = documents.get(&tenant)?;
                known.verified.insert(domain.as_str().to_owned());
                documents.set(&tenant, &known)?;
            }
            Ok(claimed)
        })
        .await
    }

    /// The domain of somebody else that overlaps with this one, and who has it.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn taken_domain(
        &self,
        domain: &EmailDomain,
        holder: &str,
    ) -> Result<Option<(EmailDomain, Holder)>, StateError> {
        const STEP: &str = "look for the domain's holder";
        let id = holders_item(domain);
        let documents = self.documents(STEP, std::slice::from_ref(&id)).await?;
        let holders: Holders = documents.get(&id).map_err(|error| StateError::new(STEP, error))?;
        Ok(holders.taken(domain, holder).map(|(domain, by)| (domain, by.clone())))
    }

    /// Ends a claim; nothing happens, if the domain is not this holder's.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn release_domain(
        &self,
        run: &Run,
        domain: &EmailDomain,
        holder: &str,
    ) -> Result<(), StateError> {
        let (of, tenant, ordered) = (holders_item(domain), tenant_domains_item(holder), ending_items(domain));
        let ids = [vec![of.clone(), tenant.clone()], ordered.clone()].concat();
        self.change_documents(run, "give the domain back", &ids, |documents| {
            let mut known: TenantDomains = documents.get(&tenant)?;
            if known.verified.remove(domain.as_str()) {
                documents.set(&tenant, &known)?;
            }
            let mut holders: Holders = documents.get(&of)?;
            if !holders.release(domain, holder) {
                return Ok(());
            }
            if !holders.is_empty() {
                return documents.set(&of, &holders);
            }
            documents.remove(&of);
            for id in &ordered {
                let mut ending: Ending = documents.get(id)?;
                if ending.0.remove(domain.registrable()) {
                    match ending.0.is_empty() {
                        true => documents.remove(id),
                        false => documents.set(id, &ending)?,
                    }
                }
            }
            Ok(())
        })
        .await
    }

    /// Whether the letters of a domain and of a domain of somebody else meet, so that the order of
    /// the routing rules matters: one ends in the other. `true` also where the index cannot
    /// say. `own` are the other domains of the holder.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn meets_others(
        &self,
        domain: &EmailDomain,
        holder: &str,
        own: &[EmailDomain],
    ) -> Result<bool, StateError> {
        const STEP: &str = "look for domains with the same ending";
        let Some(meeting) = Meeting::of(domain) else { return Ok(true) };
        let contents = self.documents(STEP, &meeting.keys()).await?.contents();
        meeting.is_met(&contents, holder, own).map_err(|error| StateError::new(STEP, error))
    }

    /// What the index knows of a tenant.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn domains_of(&self, tenant_id: &str) -> Result<TenantDomains, StateError> {
        const STEP: &str = "read the tenant's domains";
        let id = tenant_domains_item(tenant_id);
        let documents = self.documents(STEP, std::slice::from_ref(&id)).await?;
        documents.get(&id).map_err(|error| StateError::new(STEP, error))
    }

    /// Notes that a rule will be made for the tenant: until its id is noted, nobody believes
    /// that all ids are.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn begin_rule(&self, run: &Run, tenant_id: &str) -> Result<(), StateError> {
        let now = run.clock.now_ms();
        self.edit_domains_of(run, tenant_id, |known| known.unsure_since = Some(now)).await
    }

    /// Notes the ids of rules that lead to the tenant's IdP, and of those that are gone. The
    /// caller knows of no other rule that a request may have made.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn note_rules(
        &self,
        run: &Run,
        tenant_id: &str,
        there: &[String],
        gone: &[String],
    ) -> Result<(), StateError> {
        self.edit_domains_of(run, tenant_id, |known| {
            known.unsure_since = None;
            known.rules.extend(there.iter().cloned());
            known.rules.retain(|rule| !gone.contains(rule));
        })
        .await
    }

    /// Notes a rule that leads to the tenant's IdP.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn note_rule(&self, run: &Run, tenant_id: &str, rule: &str) -> Result<(), StateError> {
        self.edit_domains_of(run, tenant_id, |known| known.rules.extend([rule.to_owned()])).await
    }

    async fn edit_domains_of(
        &self,
        run: &Run,
        tenant_id: &str,
        edit: impl Fn(&mut TenantDomains),
    ) -> Result<(), StateError> {
        let id = tenant_domains_item(tenant_id);
        self.change_documents(run, "note the tenant's rules", std::slice::from_ref(&id), |documents| {
            let mut known: TenantDomains = documents.get(&id)?;
            edit(&mut known);
            match known == TenantDomains::default() {
                true => documents.remove(&id),
                false => documents.set(&id, &known)?,
            }
            Ok(())
        })
        .await
    }

    /// Forgets what is known of a tenant that is deleted, with all its claims.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn forget_domains_of(
        &self,
        run: &Run,
        tenant_id: &str,
        domains: &[EmailDomain],
    ) -> Result<(), StateError> {
        let known = self.domains_of(tenant_id).await?;
        let verified = known.verified.iter().filter_map(|domain| EmailDomain::parse(domain).ok());
        for domain in verified.chain(domains.iter().cloned()) {
            self.release_domain(run, &domain, tenant_id).await?;
        }
        self.edit_domains_of(run, tenant_id, |known| *known = TenantDomains::default()).await
    }

    /// How complete the index is.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn index_state(&self) -> Result<IndexState, StateError> {
        const STEP: &str = "read the state of the index";
        let documents = self.documents(STEP, &[INDEX_ITEM.to_owned()]).await?;
        documents.get(INDEX_ITEM).map_err(|error| StateError::new(STEP, error))
    }

    /// Notes that every routing rule that was there at a time, in ms since 1970, is in the index.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the next pass notes it.
    pub async fn complete_index(&self, run: &Run, since: i64) -> Result<(), StateError> {
        let id = INDEX_ITEM.to_owned();
        self.change_documents(run, "note the state of the index", &[id], |documents| {
            let known: IndexState = documents.get(INDEX_ITEM)?;
            let since = known.complete_since.map_or(since, |known| known.max(since));
            documents.set(INDEX_ITEM, &IndexState { complete_since: Some(since) })
        })
        .await
    }
}

fn ending_items(domain: &EmailDomain) -> Vec<String> {
    endings(domain).iter().map(|ending| ending_item(ending)).collect()
}
