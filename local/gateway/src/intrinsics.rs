//! The intrinsic functions of a template: `!Ref`, `!Sub`, `!If`.

use std::collections::BTreeMap;

use serde_norway::Value;

use crate::aws::{ACCOUNT, REGION};

/// Why a template cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no YAML.
    #[error("the template is not YAML: {0}")]
    Syntax(#[from] serde_norway::Error),
    /// Something that the local stack needs is not there, or not as it needs it.
    #[error("the template cannot be run locally: {0}")]
    Unsupported(String),
}

pub(crate) type Result<T> = std::result::Result<T, TemplateError>;

pub(crate) fn unsupported<T>(what: impl Into<String>) -> Result<T> {
    Err(TemplateError::Unsupported(what.into()))
}

/// What intrinsic functions refer to.
pub(crate) struct Scope<'t> {
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) resources: &'t Value,
    pub(crate) conditions: &'t Value,
}

impl Scope<'_> {
    /// A scalar, `!Ref`, `!Sub`, or `!If` with one of them.
    pub(crate) fn text(&self, value: &Value) -> Result<String> {
        if let Value::Tagged(tagged) = value {
            if tagged.tag == "!If" {
                let (name, parts) = (scalar(&tagged.value[0]).unwrap_or_default(), &tagged.value);
                return self.text(if self.holds(&self.conditions[name.as_str()])? {
                    &parts[1]
                } else {
                    &parts[2]
                });
            }
            let inner = scalar(&tagged.value).unwrap_or_default();
            return match tagged.tag.to_string().as_str() {
                "!Ref" => self.reference(&inner),
                "!Sub" => self.substitute(&inner),
                tag => unsupported(format!("{tag} {inner}")),
            };
        }
        match scalar(value) {
            Some(text) => Ok(text),
            None => unsupported(format!("expected a text, found {value:?}")),
        }
    }

    /// Whether a condition holds: `!Equals`, or `!Not` of one.
    pub(crate) fn holds(&self, condition: &Value) -> Result<bool> {
        match condition {
            Value::Tagged(tagged) if tagged.tag == "!Not" => Ok(!self.holds(&tagged.value[0])?),
            Value::Tagged(tagged) if tagged.tag == "!Equals" => {
                Ok(self.text(&tagged.value[0])? == self.text(&tagged.value[1])?)
            }
            other => unsupported(format!("the condition {other:?}")),
        }
    }

    /// A text in the single quotes that API Gateway's mappings want.
    pub(crate) fn quoted(&self, value: &Value) -> Result<String> {
        Ok(self.text(value)?.trim_matches('\'').to_owned())
    }

    pub(crate) fn reference(&self, name: &str) -> Result<String> {
        match self.values.get(name) {
            Some(value) => Ok(value.clone()),
            // As if the property were not there.
            None if name == "AWS::NoValue" => Ok(String::new()),
            None if name == "AWS::Partition" => Ok("aws".to_owned()),
            None if name == "AWS::Region" => Ok(REGION.to_owned()),
            None if name == "AWS::AccountId" => Ok(ACCOUNT.to_owned()),
            None if !self.resources[name].is_null() => Ok(name.to_owned()),
            None => unsupported(format!("!Ref {name}")),
        }
    }

    pub(crate) fn substitute(&self, text: &str) -> Result<String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                return unsupported(format!("!Sub {text}"));
            };
            result.push_str(before);
            result.push_str(&self.reference(name)?);
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }
}

pub(crate) fn untag(value: &Value) -> &Value {
    match value {
        Value::Tagged(tagged) => &tagged.value,
        value => value,
    }
}

pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
