//! What a function is configured with: its environment variables, read once, when
//! the function starts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use okta_client::OrgUrlError;
use operations::{EnvVar, Operation};

/// The environment of a function. Holds no secret.
///
/// A function gets the variables that its entry in the table of operations names, and
/// no others; one that reads more is refused when it starts, also where the variable
/// happens to be set.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    /// What may be read; `None`: everything.
    declared: Option<Vec<&'static EnvVar>>,
    /// What was read.
    read: Arc<Mutex<BTreeSet<&'static str>>>,
}

/// Why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// All required variables that are unset or empty.
    #[error("set the environment variables {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// A defect: the table of operations says that the function does not need it.
    #[error("the function reads {0}, which its entry in the table of operations does not name")]
    Undeclared(&'static str),
    /// `OKTA_ORG_URL` is no origin.
    #[error("OKTA_ORG_URL: {0}")]
    OrgUrl(#[from] OrgUrlError),
    /// A value that breaks a rule.
    #[error("{name} {rule}, not `{value}`")]
    Value {
        /// The variable.
        name: &'static str,
        /// What the value must be.
        rule: String,
        /// The value.
        value: String,
    },
    /// This system lacks something that every function needs.
    #[error("{0}")]
    System(String),
}

impl ConfigError {
    /// The value of `variable` breaks `rule`, which reads after the variable's name.
    pub fn value(variable: &EnvVar, rule: impl Into<String>, value: impl Into<String>) -> Self {
        Self::Value { name: variable.name, rule: rule.into(), value: value.into() }
    }
}

impl Environment {
    /// The environment of this process, which serves `operation`.
    pub fn of_process(operation: &Operation) -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::of(std::env::vars_os().filter_map(text)).declared_by(operation)
    }

    /// These values alone; everything may be read.
    pub fn of<N: Into<String>, V: Into<String>>(values: impl IntoIterator<Item = (N, V)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { values, ..Self::default() }
    }

    /// The same, of which only what `operation` declares may be read, and what Lambda
    /// gives every function.
    #[must_use]
    pub fn declared_by(self, operation: &Operation) -> Self {
        let declared = operation.variables().into_iter().chain(EnvVar::RUNTIME).collect();
        Self { declared: Some(declared), ..self }
    }

    /// The names of the variables that were read so far.
    pub fn names_read(&self) -> BTreeSet<&'static str> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The value of a variable: the one that is set and not empty, else the default;
    /// `None` if a required variable is missing, or not declared.
    pub fn get(&self, variable: &EnvVar) -> Option<String> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(variable.name);
        if !self.may_read(variable) {
            return None;
        }
        let set = self.values.get(variable.name).filter(|value| !value.is_empty()).cloned();
        set.or_else(|| variable.default.map(str::to_owned))
    }

    fn may_read(&self, variable: &EnvVar) -> bool {
        let Some(declared) = &self.declared else { return true };
        declared.iter().any(|declared| declared.name == variable.name)
    }

    /// Refuses to start without all that the operation declares.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`] with **all** that are missing.
    pub fn require_all(&self) -> Result<(), ConfigError> {
        // What Lambda gives is asked for where it is needed.
        let given = |variable: &&&EnvVar| EnvVar::RUNTIME.iter().all(|of| of.name != variable.name);
        let declared = self.declared.iter().flatten().filter(given);
        let lacks = |variable: &&&EnvVar| {
            let set = self.values.get(variable.name).is_some_and(|value| !value.is_empty());
            !set && variable.default.is_none()
        };
        let missing: Vec<_> = declared.filter(lacks).map(|variable| variable.name).collect();
        if missing.is_empty() { Ok(()) } else { Err(ConfigError::Missing(missing)) }
    }

    /// The value of a variable.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`].
    pub fn text(&self, variable: &EnvVar) -> Result<String, ConfigError> {
        let undeclared = !self.may_read(variable);
        self.get(variable).ok_or_else(|| match undeclared {
            true => ConfigError::Undeclared(variable.name),
            false => ConfigError::Missing(vec![variable.name]),
        })
    }

    /// Refuses to start without all of these variables.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`] with **all** that are missing.
    pub fn require<'v>(&self, variables: impl IntoIterator<Item = &'v EnvVar>) -> Result<(), ConfigError> {
        let missing = variables.into_iter().filter(|variable| self.get(variable).is_none());
        let missing: Vec<_> = missing.map(|variable| variable.name).collect();
        if missing.is_empty() { Ok(()) } else { Err(ConfigError::Missing(missing)) }
    }

    /// The values of several variables.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`] with **all** that are missing.
    pub fn all<const N: usize>(&self, variables: [&EnvVar; N]) -> Result<[String; N], ConfigError> {
        if let Some(undeclared) = variables.iter().find(|variable| !self.may_read(variable)) {
            return Err(ConfigError::Undeclared(undeclared.name));
        }
        self.require(variables)?;
        Ok(variables.map(|variable| self.get(variable).unwrap_or_default()))
    }

    /// A number within a range.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with the range as the rule.
    pub fn number<T: FromStr + PartialOrd + std::fmt::Display>(
        &self,
        variable: &EnvVar,
        range: RangeInclusive<T>,
    ) -> Result<T, ConfigError> {
        let value = self.text(variable)?;
        let rule = || format!("must be a number from {} to {}", range.start(), range.end());
        let number = value.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| ConfigError::value(variable, rule(), value))
    }

    /// Whether the second of two words was chosen.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with the words as the rule.
    pub fn choice(&self, variable: &EnvVar, words: [&str; 2]) -> Result<bool, ConfigError> {
        let value = self.text(variable)?;
        match words.iter().position(|word| *word == value) {
            Some(chosen) => Ok(chosen == 1),
            None => {
                let rule = format!("must be `{}` or `{}`", words[0], words[1]);
                Err(ConfigError::value(variable, rule, value))
            }
        }
    }

    /// The elements of a list that is separated by commas, without empty ones.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`].
    pub fn list(&self, variable: &EnvVar) -> Result<Vec<String>, ConfigError> {
        let value = self.text(variable)?;
        let elements = value.split(',').map(str::trim).filter(|element| !element.is_empty());
        Ok(elements.map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_named() {
        let environment =
            Environment::of([("OKTA_ORG_URL", "https://example.okta.com"), ("STATE_TABLE", "")]);
        let read = environment.all([&EnvVar::OKTA_ORG_URL, &EnvVar::STATE_TABLE, &EnvVar::TOKEN_ISSUER]);
        let error = read.unwrap_err().to_string();
        assert_eq!(error, "set the environment variables STATE_TABLE, TOKEN_ISSUER");
        assert_eq!(environment.text(&EnvVar::OKTA_RATE_LIMIT_SHARE).unwrap(), "50");
    }

    #[test]
    fn only_what_the_table_names_can_be_read() {
        let values = [("OKTA_ORG_URL", "https://example.okta.com"), ("DNS_RESOLVERS", "https://dns.test")];
        let environment = Environment::of(values).declared_by(operations::get("get-tenant"));
        assert!(environment.text(&EnvVar::OKTA_ORG_URL).is_ok());
        let refused = environment.text(&EnvVar::DNS_RESOLVERS).unwrap_err();
        assert!(matches!(refused, ConfigError::Undeclared("DNS_RESOLVERS")), "{refused}");
        assert_eq!(
            environment.names_read().into_iter().collect::<Vec<_>>(),
            ["DNS_RESOLVERS", "OKTA_ORG_URL"]
        );
        let missing = environment.require_all().unwrap_err().to_string();
        assert_eq!(
            missing,
            "set the environment variables OKTA_CREDENTIAL_SECRET_ID, OKTA_DAC_APP_ID, STATE_TABLE, CORS_ALLOW_ORIGIN"
        );
    }

    #[test]
    fn a_value_that_breaks_its_rule_is_shown_with_the_rule() {
        let share = |value: &str| {
            let environment = Environment::of([("OKTA_RATE_LIMIT_SHARE", value)]);
            environment.number(&EnvVar::OKTA_RATE_LIMIT_SHARE, 1..=100).map_err(|error| error.to_string())
        };
        assert_eq!((share("1"), share("100")), (Ok(1), Ok(100)));
        for bad in ["0", "101", "-1", "half"] {
            let rule = format!("OKTA_RATE_LIMIT_SHARE must be a number from 1 to 100, not `{bad}`");
            assert_eq!(share(bad), Err(rule));
        }
        let fail = |value: &str| {
            Environment::of([("DELEGATION_FAIL", value)]).choice(&EnvVar::DELEGATION_FAIL, ["keep", "deny"])
        };
        assert!(!fail("keep").unwrap() && fail("deny").unwrap());
        let error = fail("Deny").unwrap_err().to_string();
        assert_eq!(error, "DELEGATION_FAIL must be `keep` or `deny`, not `Deny`");
    }
}
