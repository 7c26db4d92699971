//! `console`: AWS's console in a browser.

use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use url::{Url, form_urlencoded};

use crate::aws::arguments::ConsoleUrl;
use crate::aws::arn::RoleArn;
use crate::aws::context::Base;
use crate::aws::credentials::{self, How, Wanted};
use crate::aws::http;
use crate::aws::sts::{Credentials, Endpoints};
use crate::failure::{Exit, Failure};

/// Services of the console that have no region.
const GLOBAL: [&str; 6] = ["iam", "iamv2", "route53", "cloudfront", "organizations", "billing"];

/// Runs the command.
///
/// # Errors
///
/// By the table of exit codes.
pub fn run(mut base: Base<'_>, arguments: &ConsoleUrl) -> Result<ExitCode, Failure> {
    let which = &arguments.which;
    let mut wanted = Wanted::role(super::role(&mut base, which.role_arn.as_ref(), which.profile.as_deref())?);
    wanted.chain.clone_from(&arguments.chain);
    let endpoints = base.endpoints();
    let (signin, console) = endpoints.console(wanted.last())?;
    let destination = destination(&endpoints, wanted.last(), console, arguments);
    let deadline = base.deadline;
    let credentials = credentials::get(base, &wanted, How::default())?;
    let asked = token(&signin, &credentials, arguments.session_duration, deadline);
    let token = credentials::runtime()?.block_on(asked)?;
    let mut url =
        Url::parse(&format!("{signin}/federation")).map_err(|error| Failure::defect(error.to_string()))?;
    url.query_pairs_mut()
        .append_pair("Action", "login")
        .append_pair("Issuer", "okta-dac")
        .append_pair("Destination", &destination)
        .append_pair("SigninToken", &token);
    if arguments.link {
        crate::print(format!("{url}\n").as_bytes())?;
    } else {
        let opened = match &arguments.browser {
            Some(browser) => open::with_detached(url.as_str(), browser),
            None => open::that_detached(url.as_str()),
        };
        opened.map_err(|error| {
            Failure::new(Exit::NotExecutable, format!("no browser can be opened: {error}"))
                .hint("`--link` prints the address")
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The page to open.
fn destination(endpoints: &Endpoints, role: &RoleArn, console: &str, arguments: &ConsoleUrl) -> String {
    let region = endpoints.region(role);
    match (&arguments.path, &arguments.service) {
        (Some(path), _) => format!("https://{region}.{console}/{}", path.trim_start_matches('/')),
        (None, Some(service)) if GLOBAL.contains(&service.as_str()) => {
            format!("https://{console}/{service}/home")
        }
        (None, service) => {
            let service = service.as_deref().unwrap_or("console");
            format!("https://{region}.{console}/{service}/home?region={region}")
        }
    }
}

/// A token for the sign-in, once and for 15 minutes. It is asked for by POST: an address
/// with keys would be logged.
async fn token(
    signin: &str,
    credentials: &Credentials,
    duration: Option<u32>,
    deadline: Instant,
) -> Result<String, Failure> {
    let session = json!({
        "sessionId": credentials.access_key_id, "sessionKey": credentials.secret_access_key,
        "sessionToken": credentials.session_token,
    });
    let session = zeroize::Zeroizing::new(session.to_string());
    let client = http::client()?;
    let send = async |duration: Option<u32>| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", "getSigninToken").append_pair("Session", &session);
        if let Some(seconds) = duration {
            form.append_pair("SessionDuration", &seconds.to_string());
        }
        let request = client.post(format!("{signin}/federation")).body(form.finish());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.timeout(http::TOTAL.min(deadline.saturating_duration_since(Instant::now())));
        let answer = request.send().await.map_err(|error| {
            Failure::new(Exit::Network, format!("no answer from {signin}: {}", error.without_url()))
        })?;
        let status = answer.status();
        let body = answer.text().await.unwrap_or_default();
        let token = serde_json::from_str::<serde_json::Value>(&body).unwrap_or_default();
        Ok::<_, Failure>((status, token["SigninToken"].as_str().map(str::to_owned)))
    };
    let mut answer = send(duration).await?;
    if answer.0.as_u16() == 400 && duration.is_some() {
        crate::warn("AWS does not take --session-duration for these credentials; its own is used");
        answer = send(None).await?;
    }
    let status = answer.0.as_u16();
    answer
        .1
        .ok_or_else(|| Failure::new(Exit::Network, format!("AWS's sign-in answers {status} and no token")))
}
