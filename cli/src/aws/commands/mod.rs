//! The commands, one file each.

pub mod assume_role;
pub mod console;
pub mod exec;
pub mod export_cred;
pub mod get_cred;
pub mod init;
pub mod list;
pub mod logout;
pub mod refresh;
pub mod status;

use super::arn::RoleArn;
use super::context::{Base, is_region};
use super::profiles::ProfileFile;
use crate::failure::{Exit, Failure};

/// The file of profiles that the options mean.
fn profile_file(base: &Base<'_>) -> ProfileFile {
    let options = &base.options;
    let (config, credentials) =
        (options.aws_config_file.as_deref(), options.aws_credentials_file_path.as_deref());
    ProfileFile::find(base.environment, &base.folders, config, credentials)
}

/// The role that is named, or that of a profile of ours.
fn role(base: &mut Base<'_>, arn: Option<&RoleArn>, profile: Option<&str>) -> Result<RoleArn, Failure> {
    if let Some(arn) = arn {
        return Ok(arn.clone());
    }
    let name = profile.unwrap_or_default();
    let file = profile_file(base);
    let owner = file.own()?.remove(name).ok_or_else(|| {
        Failure::new(
            Exit::Configuration,
            format!("there is no profile `{name}` of ours in {}", file.path.display()),
        )
        .hint("`okta-dac aws list` shows them; `okta-dac aws refresh` writes them")
    })?;
    let path = file.path.display();
    if let Some(region) = owner.region.as_ref().filter(|region| !is_region(region)) {
        let sentence = format!("{path}: `{region}` of the profile `{name}` is no AWS region");
        return Err(Failure::new(Exit::File, sentence));
    }
    base.profile_region = owner.region.filter(|region| !region.is_empty());
    // A profile is of one org, whichever is the default.
    match &base.options.org {
        Some(org) if *org != owner.org => {
            let sentence = format!("the profile `{name}` is of the org `{}`, and not of `{org}`", owner.org);
            return Err(Failure::new(Exit::Usage, sentence));
        }
        _ => base.options.org = Some(owner.org),
    }
    RoleArn::parse(&owner.role)
        .map_err(|why| Failure::new(Exit::File, format!("the profile `{name}`: {why}")))
}
