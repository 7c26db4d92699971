//! The IdP routing policy and its rules.

use http::Method;

use crate::models::{NewPolicyRule, Policy, PolicyId, PolicyRule, RuleId};
use crate::{Client, Error, Pages};

impl Client {
    /// The org's policies of a type (`listPolicies`). There is exactly one of
    /// the type `IDP_DISCOVERY`.
    ///
    /// # Errors
    ///
    /// As [`Error`] says.
    pub async fn list_policies(&self, kind: &str) -> Result<Vec<Policy>, Error> {
        let mut url = self.url(&["policies"])?;
        url.query_pairs_mut().append_pair("type", kind);
        self.call("listPolicies", Method::GET, url).await.map(|answer| answer.body)
    }

    /// All rules of a policy (`listPolicyRules`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub fn list_policy_rules(&self, policy: &PolicyId) -> Pages<'_, PolicyRule> {
        self.pages("listPolicyRules", self.url(&["policies", policy.as_str(), "rules"]))
    }

    /// Reads a rule as it is now (`getPolicyRule`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn get_policy_rule(&self, policy: &PolicyId, rule: &RuleId) -> Result<PolicyRule, Error> {
        let url = self.url(&["policies", policy.as_str(), "rules", rule.as_str()])?;
        self.call("getPolicyRule", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Creates a rule, last in the policy (`createPolicyRule`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if the name is another rule's.
    pub async fn create_policy_rule(
        &self,
        policy: &PolicyId,
        rule: &NewPolicyRule,
        active: bool,
    ) -> Result<PolicyRule, Error> {
        let mut url = self.url(&["policies", policy.as_str(), "rules"])?;
        url.query_pairs_mut().append_pair("activate", if active { "true" } else { "false" });
        self.call_with("createPolicyRule", Method::POST, url, rule).await
    }

    /// Replaces a rule; its status stays (`replacePolicyRule`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn replace_policy_rule(
        &self,
        policy: &PolicyId,
        rule: &PolicyRule,
    ) -> Result<PolicyRule, Error> {
        let url = self.url(&["policies", policy.as_str(), "rules", rule.id.as_str()])?;
        let body = super::writable(rule, &["id", "status", "created", "lastUpdated", "system", "_links"])?;
        self.call_with("replacePolicyRule", Method::PUT, url, &body).await
    }

    /// Deletes a rule (`deletePolicyRule`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn delete_policy_rule(&self, policy: &PolicyId, rule: &RuleId) -> Result<(), Error> {
        let url = self.url(&["policies", policy.as_str(), "rules", rule.as_str()])?;
        self.command("deletePolicyRule", Method::DELETE, url).await
    }

    /// Switches a rule on; repeatable (`activatePolicyRule`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn activate_policy_rule(&self, policy: &PolicyId, rule: &RuleId) -> Result<(), Error> {
        let url =
            self.url(&["policies", policy.as_str(), "rules", rule.as_str(), "lifecycle", "activate"])?;
        self.command("activatePolicyRule", Method::POST, url).await
    }

    /// Switches a rule off; repeatable (`deactivatePolicyRule`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn deactivate_policy_rule(&self, policy: &PolicyId, rule: &RuleId) -> Result<(), Error> {
        let url =
            self.url(&["policies", policy.as_str(), "rules", rule.as_str(), "lifecycle", "deactivate"])?;
        self.command("deactivatePolicyRule", Method::POST, url).await
    }
}
