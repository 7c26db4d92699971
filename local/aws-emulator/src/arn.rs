//! Names of AWS's objects.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `arn:partition:service:region:account:resource` (IAM User Guide, "IAM ARNs").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Arn {
    pub(crate) partition: String,
    pub(crate) service: String,
    pub(crate) account: String,
    pub(crate) resource: String,
}

impl Arn {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (Some("arn"), Some(partition), Some(service), Some(_region), Some(account), Some(resource)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (digits && !resource.is_empty()).then(|| Self {
            partition: partition.to_owned(),
            service: service.to_owned(),
            account: account.to_owned(),
            resource: resource.to_owned(),
        })
    }

    pub(crate) fn iam(partition: &str, account: &str, resource: String) -> Self {
        let [partition, service, account] = [partition, "iam", account].map(str::to_owned);
        Self { partition, service, account, resource }
    }

    /// The role's name with its path, if this is a role.
    pub(crate) fn role(&self) -> Option<&str> {
        self.resource.strip_prefix("role/").filter(|_| self.service == "iam")
    }

    /// A session of this role, as CloudTrail shows it: the path is left out.
    pub(crate) fn session(&self, name: &str) -> Self {
        let role = self.role().and_then(|role| role.rsplit('/').next()).unwrap_or_default();
        Self { service: "sts".to_owned(), resource: format!("assumed-role/{role}/{name}"), ..self.clone() }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:{}::{}:{}", self.partition, self.service, self.account, self.resource)
    }
}

impl TryFrom<String> for Arn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no ARN"))
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> Self {
        arn.to_string()
    }
}
