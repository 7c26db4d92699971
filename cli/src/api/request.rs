//! One request: what a command line says, sent, repeated where that is safe, page by page.

use std::io::Read;
use std::time::Duration;

use clap::ArgMatches;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Map, Value, json};
use url::Url;

use super::catalogue::{In, Kind, Operation, Parameter};
use super::profile::Access;
use super::show::problem;
use super::stop::{Code, Stop};

/// A call takes no longer: API Gateway answers within 29 seconds.
const TOTAL: Duration = Duration::from_secs(35);

/// How often a request is sent at most.
const TIMES: u32 = 3;

/// Longest wait for another try.
const WAIT: Duration = Duration::from_secs(30);

/// Elements of a page: the most that the API gives.
const PAGE: usize = 200;

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    url: Url,
    body: Option<Body>,
    /// Whether it can be sent again.
    repeats: bool,
    /// The same for every try: the API keeps its answer.
    key: Option<String>,
    /// Elements at most, if the answer comes page by page.
    pages: Option<usize>,
    /// Print it, and send nothing.
    pub is_dry_run: bool,
}

/// A body.
#[derive(Clone, Debug)]
enum Body {
    Json(Map<String, Value>),
    /// SAML metadata, which `update-idp` takes as they are.
    Metadata(String),
}

/// What the API answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Done, and nothing to say.
    Nothing,
    /// Something that is no JSON.
    Text(String),
    /// One object.
    One(Value),
    /// A list, all pages.
    List(Vec<Value>),
}

fn usage(text: impl Into<String>) -> Stop {
    Stop::new(Code::Usage, text)
}

impl Request {
    /// What the command line says.
    ///
    /// # Errors
    ///
    /// A body that cannot be read, or a value that is none.
    pub fn of(operation: &Operation, given: &ArgMatches, access: &Access) -> Result<Self, Stop> {
        let mut url = Url::parse(&access.api).map_err(|error| usage(error.to_string()))?;
        let mut query = Vec::new();
        let mut body = match operation.body && given.try_contains_id("body").unwrap_or_default() {
            true => given.get_one::<String>("body").map(|file| read_body(file, operation)).transpose()?,
            false => None,
        };
        let mut values = std::collections::BTreeMap::new();
        for parameter in &operation.parameters {
            let Some(value) = value(parameter, given)? else { continue };
            match parameter.place {
                In::Path => drop(values.insert(parameter.name.as_str(), text(&value))),
                In::Query => query.push((parameter.name.clone(), text(&value))),
                In::Body => {
                    let body = body.get_or_insert_with(|| Body::Json(Map::new()));
                    if let Body::Json(members) = body {
                        members.insert(parameter.name.clone(), value);
                    }
                }
            }
        }
        {
            let mut segments =
                url.path_segments_mut().map_err(|()| usage("`--api` is no address of an API"))?;
            segments.pop_if_empty();
            for segment in operation.path.split('/').filter(|segment| !segment.is_empty()) {
                match segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
                    Some(name) => segments.push(part(values.get(name).map(String::as_str), name)?),
                    None => segments.push(segment),
                };
            }
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let limit = operation.pages.then(|| given.get_one::<u32>("limit").copied());
        let keyed = operation.method == "POST" && operation.idempotent;
        let is_dry_run = given.try_get_one::<bool>("dry-run").ok().flatten().copied().unwrap_or_default();
        Ok(Self {
            method: operation.method.parse().map_err(|_| usage("a method that is none"))?,
            url,
            body,
            repeats: operation.idempotent,
            key: keyed.then(crate::aws::vault::random_hex).transpose()?,
            pages: limit.map(|limit| limit.map_or(usize::MAX, |limit| limit as usize)),
            is_dry_run,
        })
    }

    /// What would be sent, without the token.
    pub fn plan(&self) -> Value {
        let body = match &self.body {
            Some(Body::Json(members)) => json!(members),
            Some(Body::Metadata(text)) => json!(text),
            None => Value::Null,
        };
        json!({ "method": self.method.as_str(), "url": self.url.as_str(), "body": body })
    }

    /// The same for a person.
    pub fn text(&self) -> String {
        let body = match &self.body {
            Some(Body::Json(members)) => format!(" {}", json!(members)),
            Some(Body::Metadata(_)) => " (SAML metadata)".to_owned(),
            None => String::new(),
        };
        format!("{} {}{body}\n", self.method, self.url)
    }

    /// Sends it, and reads all pages.
    ///
    /// # Errors
    ///
    /// What the API refuses, and an API that does not answer.
    pub async fn send(&self, access: &Access) -> Result<Answer, Stop> {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TOTAL)
            .user_agent(concat!("okta-dac/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = client.map_err(|error| Stop::new(Code::Failed, format!("HTTP: {error}")))?;
        let Some(most) = self.pages else {
            return Ok(self.repeated(&client, access, &self.url).await?.0);
        };
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("limit", &most.min(PAGE).to_string());
        let mut all = Vec::new();
        loop {
            let (answer, next) = self.repeated(&client, access, &url).await?;
            let Answer::List(page) = answer else { return Ok(answer) };
            all.extend(page);
            match next {
                Some(next) if all.len() < most => url = next,
                _ => break,
            }
        }
        all.truncate(most);
        Ok(Answer::List(all))
    }

    /// One page; sent again where that is safe, and where the API says that it helps.
    async fn repeated(
        &self,
        client: &Client,
        access: &Access,
        url: &Url,
    ) -> Result<(Answer, Option<Url>), Stop> {
        let mut tried = 1;
        loop {
            let (stop, wait) = match self.once(client, access, url).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            match wait.filter(|wait| self.repeats && tried < TIMES && *wait <= WAIT) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(stop),
            }
            tried += 1;
        }
    }

    /// The answer, with the next page; or why not, and after which time it may be another.
    async fn once(
        &self,
        client: &Client,
        access: &Access,
        url: &Url,
    ) -> Result<(Answer, Option<Url>), (Stop, Option<Duration>)> {
        let request = client.request(self.method.clone(), url.clone()).bearer_auth(&*access.token);
        let request = match &self.key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        let request = match &self.body {
            Some(Body::Json(members)) => request.json(members),
            Some(Body::Metadata(text)) => {
                request.header("content-type", "application/samlmetadata+xml").body(text.clone())
            }
            None => request,
        };
        let second = Some(Duration::from_secs(1));
        let silent = |error: reqwest::Error| {
            let text = format!("no answer from {}: {}", access.api, error.without_url());
            (Stop::new(Code::NotAvailable, text), second)
        };
        let answer = request.send().await.map_err(silent)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = answer.text().await.map_err(silent)?;
        let is_json = header("content-type").contains("json");
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        if !status.is_success() {
            let text = problem(status.as_u16(), &json, header("x-request-id"));
            let code = match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Code::Refused,
                StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT => Code::NotAvailable,
                _ => Code::Failed,
            };
            let hint =
                if status == StatusCode::UNAUTHORIZED { "\n  `okta-dac login` signs you in" } else { "" };
            let after = header("retry-after").parse().ok().map(Duration::from_secs);
            let wait = (code == Code::NotAvailable).then(|| after.or(second)).flatten();
            return Err((Stop::new(code, text + hint), wait));
        }
        // The API sends a header for each link.
        let links = headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
        let next = links.flat_map(|value| value.split(", ")).find_map(next_page);
        if let Some(next) = next.as_ref().filter(|next| !is_below(next, &access.api)) {
            let text = format!(
                "the next page is elsewhere, at {}: the token is not sent there",
                next.origin().ascii_serialization()
            );
            return Err((Stop::new(Code::Failed, text), None));
        }
        Ok(match json {
            _ if body.is_empty() => (Answer::Nothing, None),
            _ if !is_json => (Answer::Text(body), None),
            Value::Array(rows) => (Answer::List(rows), next),
            one => (Answer::One(one), None),
        })
    }
}

/// The address of the next page, if this link is the one to it (RFC 8288).
fn next_page(link: &str) -> Option<Url> {
    let next = Some(link.trim()).filter(|link| link.contains("rel=\"next\""))?;
    Url::parse(next.strip_prefix('<')?.split('>').next()?).ok()
}

/// Whether an address is one of the API.
fn is_below(url: &Url, api: &str) -> bool {
    url.as_str().strip_prefix(api).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// A part of a path. The API knows none that is empty, and `..` would lead elsewhere, also with
/// a control character that is left out of an address.
fn part<'v>(value: Option<&'v str>, name: &str) -> Result<&'v str, Stop> {
    let value = value.filter(|value| !["", ".", ".."].contains(&value.trim()));
    let value = value.filter(|value| !value.contains(char::is_control));
    value.ok_or_else(|| usage(format!("`{name}` is missing, or no name")))
}

/// What the command line has for a parameter.
fn value(parameter: &Parameter, given: &ArgMatches) -> Result<Option<Value>, Stop> {
    let name = parameter.name.as_str();
    if parameter.kind == Kind::Number {
        return Ok(given.get_one::<i64>(name).map(|number| (*number).into()));
    }
    if parameter.kind == Kind::List {
        let values = given.get_many::<String>(name);
        return Ok(values.map(|values| values.cloned().collect::<Vec<_>>().into()));
    }
    let Some(text) = given.get_one::<String>(name) else { return Ok(None) };
    Ok(Some(match parameter.kind {
        Kind::Flag => (text == "true").into(),
        Kind::Json => serde_json::from_str(text).map_err(|_| usage(format!("`{name}` must be JSON")))?,
        _ => text.as_str().into(),
    }))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A body, from a file or from stdin.
fn read_body(file: &str, operation: &Operation) -> Result<Body, Stop> {
    let mut text = String::new();
    let read = match file {
        "-" => std::io::stdin().read_to_string(&mut text).map(drop),
        file => std::fs::read_to_string(file).map(|read| text = read),
    };
    read.map_err(|error| usage(format!("`--body {file}`: {error}")))?;
    if operation.takes_any_body() && text.trim_start().starts_with('<') {
        return Ok(Body::Metadata(text));
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => Ok(Body::Json(members)),
        _ => Err(usage(format!("`--body {file}`: expected a JSON object"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_on() {
        let link = "<https://api.test/v1/tenants?after=x&limit=200>; rel=\"next\"";
        let next = next_page(link).unwrap();
        assert_eq!(next.as_str(), "https://api.test/v1/tenants?after=x&limit=200");
        for (api, below) in
            [("https://api.test/v1", true), ("https://api.tes", false), ("https://other.test/v1", false)]
        {
            assert_eq!(is_below(&next, api), below, "{api}");
        }
        for none in ["", "<https://api.test/>; rel=\"self\"", "next"] {
            assert_eq!(next_page(none), None);
        }
    }

    #[test]
    fn no_part_of_a_path_leads_elsewhere() {
        for wrong in [None, Some(""), Some("."), Some(".."), Some("..\t"), Some("\r"), Some("a\nb")] {
            assert_eq!(part(wrong, "tenant").unwrap_err().code, Code::Usage);
        }
        assert_eq!(part(Some("acme"), "tenant").unwrap(), "acme");
    }
}
