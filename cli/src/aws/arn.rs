//! ARNs of roles and SAML providers, and the partitions that they are in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A partition of AWS (botocore's `partitions.json`).
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// As ARNs have it.
    pub name: &'static str,
    /// What its regions begin with.
    regions: &'static [&'static str],
    /// Where a role is asked for if no region of the partition is known.
    pub default_region: &'static str,
    /// What hosts of services end in.
    pub suffix: &'static str,
    /// The hosts of the console and of its sign-in.
    pub console: Option<Console>,
    /// Whether the host for FIPS is the ordinary one.
    fips_is_plain: bool,
}

/// The web of a partition.
#[derive(Debug, PartialEq, Eq)]
pub struct Console {
    /// `console.aws.amazon.com`.
    pub host: &'static str,
    /// `signin.aws.amazon.com`.
    pub signin: &'static str,
}

const fn console(host: &'static str, signin: &'static str) -> Option<Console> {
    Some(Console { host, signin })
}

#[rustfmt::skip] // A table.
static PARTITIONS: [Partition; 8] = [
    Partition { name: "aws-us-gov", regions: &["us-gov-"], default_region: "us-gov-west-1", suffix: "amazonaws.com", console: console("console.amazonaws-us-gov.com", "signin.amazonaws-us-gov.com"), fips_is_plain: true },
    Partition { name: "aws-cn", regions: &["cn-"], default_region: "cn-northwest-1", suffix: "amazonaws.com.cn", console: console("console.amazonaws.cn", "signin.amazonaws.cn"), fips_is_plain: false },
    Partition { name: "aws-eusc", regions: &["eusc-"], default_region: "eusc-de-east-1", suffix: "amazonaws.eu", console: console("console.amazonaws-eusc.eu", "signin.amazonaws-eusc.eu"), fips_is_plain: false },
    Partition { name: "aws-iso", regions: &["us-iso-"], default_region: "us-iso-east-1", suffix: "c2s.ic.gov", console: None, fips_is_plain: false },
    Partition { name: "aws-iso-b", regions: &["us-isob-"], default_region: "us-isob-east-1", suffix: "sc2s.sgov.gov", console: None, fips_is_plain: false },
    Partition { name: "aws-iso-e", regions: &["eu-isoe-"], default_region: "eu-isoe-west-1", suffix: "cloud.adc-e.uk", console: None, fips_is_plain: false },
    Partition { name: "aws-iso-f", regions: &["us-isof-"], default_region: "us-isof-south-1", suffix: "csp.hci.ic.gov", console: None, fips_is_plain: false },
    // Last: what is in no other partition.
    Partition { name: "aws", regions: &[""], default_region: "us-east-1", suffix: "amazonaws.com", console: console("console.aws.amazon.com", "signin.aws.amazon.com"), fips_is_plain: false },
];

impl Partition {
    /// The partition that a region is in.
    pub fn of_region(region: &str) -> &'static Self {
        let own = PARTITIONS.iter().find(|of| of.regions.iter().any(|prefix| region.starts_with(prefix)));
        own.unwrap_or(&PARTITIONS[PARTITIONS.len() - 1])
    }

    fn named(name: &str) -> Option<&'static Self> {
        PARTITIONS.iter().find(|partition| partition.name == name)
    }

    /// The host of STS in a region.
    pub fn sts_host(&self, region: &str, fips: bool) -> String {
        let service = if fips && !self.fips_is_plain { "sts-fips" } else { "sts" };
        format!("{service}.{region}.{}", self.suffix)
    }
}

/// `arn:<partition>:iam::<account>:role/<path><name>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn {
    text: String,
    account: (usize, usize),
    /// Where path and name begin.
    name: usize,
}

impl RoleArn {
    /// Reads an ARN.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no ARN of a role: arn:aws:iam::123456789012:role/Name");
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts[..] else { return Err(wrong()) };
        if Partition::named(partition).is_none() {
            return Err(format!("`{text}`: the partition `{partition}` is not known"));
        }
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let name = resource.strip_prefix("role/").filter(|name| is_name(name));
        match name {
            Some(name) if digits => {
                let start = text.len() - resource.len() - 1 - account.len();
                Ok(Self {
                    account: (start, start + account.len()),
                    name: text.len() - name.len(),
                    text: text.to_owned(),
                })
            }
            _ => Err(wrong()),
        }
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Twelve digits.
    pub fn account(&self) -> &str {
        &self.text[self.account.0..self.account.1]
    }

    /// The name, with its path.
    pub fn name_with_path(&self) -> &str {
        &self.text[self.name..]
    }

    /// The name alone.
    pub fn name(&self) -> &str {
        self.name_with_path().rsplit('/').next().unwrap_or_default()
    }

    /// The path, with a slash at its end; empty if there is none.
    pub fn path(&self) -> &str {
        &self.name_with_path()[..self.name_with_path().len() - self.name().len()]
    }

    /// The partition.
    pub fn partition(&self) -> &'static Partition {
        let name = self.text.split(':').nth(1).unwrap_or_default();
        Partition::named(name).unwrap_or(&PARTITIONS[PARTITIONS.len() - 1])
    }
}

/// `[\w+=,.@-]`, and slashes of a path (IAM API Reference, `RoleName`).
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('/')
        && !name.ends_with('/')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&byte))
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for RoleArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl TryFrom<String> for RoleArn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<RoleArn> for String {
    fn from(role: RoleArn) -> Self {
        role.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_role() {
        let role = RoleArn::parse("arn:aws-cn:iam::123456789012:role/team/ci/Deploy+1").unwrap();
        assert_eq!((role.account(), role.path(), role.name()), ("123456789012", "team/ci/", "Deploy+1"));
        assert_eq!(role.partition().name, "aws-cn");
        for wrong in [
            "arn:aws:iam::123456789012:user/a",
            "arn:aws:iam::12345678901:role/a",
            "arn:aws:iam::12345678901x:role/a",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:iam::123456789012:role/a\n",
            "arn:aws:iam::123456789012:role//a",
            "arn:mine:iam::123456789012:role/a",
            "arn:aws:iam:us-east-1:123456789012:role/a",
            "",
        ] {
            assert!(RoleArn::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hosts_of_partitions() {
        for (region, partition, host) in [
            ("us-east-1", "aws", "sts.us-east-1.amazonaws.com"),
            ("cn-north-1", "aws-cn", "sts.cn-north-1.amazonaws.com.cn"),
            ("us-gov-east-1", "aws-us-gov", "sts.us-gov-east-1.amazonaws.com"),
            ("eusc-de-east-1", "aws-eusc", "sts.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-east-1", "aws-iso", "sts.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sts.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "sts.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "sts.us-isof-south-1.csp.hci.ic.gov"),
        ] {
            let of = Partition::of_region(region);
            assert_eq!((of.name, of.sts_host(region, false).as_str()), (partition, host));
        }
        assert_eq!(
            Partition::of_region("us-east-1").sts_host("us-east-1", true),
            "sts-fips.us-east-1.amazonaws.com"
        );
        let gov = Partition::of_region("us-gov-west-1");
        assert_eq!(gov.sts_host("us-gov-west-1", true), "sts.us-gov-west-1.amazonaws.com");
    }
}
