//! Where STS, IAM and the console's sign-in are.

use crate::aws::arn::{Partition, RoleArn};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// Addresses, as AWS's SDKs find them ("Service-specific endpoints", AWS SDKs and Tools
/// Reference Guide).
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    region: Option<String>,
    sts: Option<String>,
    iam: Option<String>,
    signin: Option<String>,
    fips: bool,
    /// The one host of old: `sts.amazonaws.com`.
    legacy: bool,
}

impl Endpoints {
    /// Those of the environment; `region` is what option, profile or settings say.
    pub fn new(environment: &Environment, region: Option<&str>) -> Self {
        let truth =
            |name: &str| environment.text(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let ignored = truth("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        let given = |service: &str| {
            let own = environment.text(&format!("AWS_ENDPOINT_URL_{service}"));
            let given = own.or_else(|| environment.text("AWS_ENDPOINT_URL")).filter(|_| !ignored);
            given.map(|url| url.trim_end_matches('/').to_owned())
        };
        let region = region.or_else(|| environment.text("AWS_REGION"));
        Self {
            region: region.or_else(|| environment.text("AWS_DEFAULT_REGION")).map(str::to_owned),
            sts: given("STS"),
            iam: given("IAM"),
            // AWS's tools know no such address: keys go elsewhere only where that is said.
            signin: environment
                .text("AWS_ENDPOINT_URL_SIGNIN")
                .filter(|_| !ignored)
                .map(|url| url.trim_end_matches('/').to_owned()),
            fips: truth("AWS_USE_FIPS_ENDPOINT"),
            legacy: environment.text("AWS_STS_REGIONAL_ENDPOINTS").is_some_and(|value| value == "legacy"),
        }
    }

    /// The region in which a role is asked for: one of the role's partition.
    pub fn region(&self, role: &RoleArn) -> String {
        self.known_region(role).unwrap_or(role.partition().default_region).to_owned()
    }

    /// The region that somebody chose, if the role's partition has it. A program gets no
    /// other one: AWS's own settings say where it works.
    pub fn known_region(&self, role: &RoleArn) -> Option<&str> {
        self.region.as_deref().filter(|region| Partition::of_region(region) == role.partition())
    }

    /// Whether the region that was asked for is of another partition than the role.
    pub fn replaces_region(&self, role: &RoleArn) -> bool {
        self.region.as_deref().is_some_and(|region| Partition::of_region(region) != role.partition())
    }

    /// STS in a region.
    pub(super) fn sts(&self, region: &str) -> String {
        let partition = Partition::of_region(region);
        match &self.sts {
            // `{region}` in it is ours: several regions behind one address.
            Some(url) => format!("{}/", url.replace("{region}", region)),
            None if self.legacy && partition.name == "aws" => "https://sts.amazonaws.com/".to_owned(),
            None => format!("https://{}/", partition.sts_host(region, self.fips)),
        }
    }

    /// IAM of a role's partition.
    pub(super) fn iam(&self, role: &RoleArn) -> String {
        match (&self.iam, role.partition()) {
            (Some(url), _) => format!("{url}/"),
            (None, Partition { name: "aws", .. }) => "https://iam.amazonaws.com/".to_owned(),
            (None, Partition { name: "aws-us-gov", .. }) => "https://iam.us-gov.amazonaws.com/".to_owned(),
            (None, of) => format!("https://iam.{}.{}/", of.default_region, of.suffix),
        }
    }

    /// Where a console's URL is asked for, and the console's host.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`]: the partition has no console that is known.
    pub fn console(&self, role: &RoleArn) -> Result<(String, &'static str), Failure> {
        let partition = role.partition();
        let console = partition.console.as_ref().ok_or_else(|| {
            Failure::new(Exit::Usage, format!("no console is known for the partition `{}`", partition.name))
        })?;
        let signin = self.signin.clone().unwrap_or_else(|| format!("https://{}", console.signin));
        Ok((signin, console.host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(partition: &str) -> RoleArn {
        RoleArn::parse(&format!("arn:{partition}:iam::123456789012:role/Reader")).unwrap()
    }

    /// OPEN-4, AWS-20: a role of China is not asked for at the host of the world.
    #[test]
    fn the_host_follows_the_role() {
        let none = Endpoints::new(&Environment::default(), None);
        for (partition, host) in [
            ("aws", "https://sts.us-east-1.amazonaws.com/"),
            ("aws-cn", "https://sts.cn-northwest-1.amazonaws.com.cn/"),
            ("aws-us-gov", "https://sts.us-gov-west-1.amazonaws.com/"),
        ] {
            assert_eq!(none.sts(&none.region(&role(partition))), host);
        }
        let ireland = Endpoints::new(&Environment::default(), Some("eu-west-1"));
        assert_eq!(ireland.region(&role("aws")), "eu-west-1");
        assert_eq!(ireland.region(&role("aws-cn")), "cn-northwest-1");
        assert!(ireland.replaces_region(&role("aws-cn")) && !ireland.replaces_region(&role("aws")));
    }

    /// OPEN-5: a role of GovCloud signs in at GovCloud's console.
    #[test]
    fn the_console_follows_the_role() {
        let none = Endpoints::new(&Environment::default(), None);
        let of = |partition| none.console(&role(partition)).unwrap();
        let govcloud = ("https://signin.amazonaws-us-gov.com".to_owned(), "console.amazonaws-us-gov.com");
        assert_eq!(of("aws-us-gov"), govcloud);
        assert_eq!(of("aws-cn"), ("https://signin.amazonaws.cn".to_owned(), "console.amazonaws.cn"));
        assert_eq!(none.console(&role("aws-iso")).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn variables_lead_elsewhere() {
        let of = |variables: &[(&str, &str)]| {
            let environment = Environment::of(variables.iter().copied());
            let endpoints = Endpoints::new(&environment, None);
            endpoints.sts(&endpoints.region(&role("aws")))
        };
        let local = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1/");
        assert_eq!(of(&[local]), "http://127.0.0.1:1/");
        assert_eq!(of(&[local, ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:2")]), "http://127.0.0.1:2/");
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert_eq!(of(&[local, ignored]), "https://sts.us-east-1.amazonaws.com/");
        assert_eq!(of(&[("AWS_STS_REGIONAL_ENDPOINTS", "legacy")]), "https://sts.amazonaws.com/");
        assert_eq!(of(&[("AWS_REGION", "eu-west-1")]), "https://sts.eu-west-1.amazonaws.com/");
        assert_eq!(of(&[("AWS_USE_FIPS_ENDPOINT", "true")]), "https://sts-fips.us-east-1.amazonaws.com/");
    }
}
