//! `template.yaml`, as far as the local stack needs it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aws_emulator::SecretRight;
use serde_norway::Value;

use crate::dynamodb::TableRight;
use crate::intrinsics::{Result, Scope, TemplateError, scalar, unsupported, untag};
use crate::throttle::Throttle;

/// A deployment: functions, routes, the authorizer.
#[derive(Clone, Debug)]
pub struct Template {
    /// Every function, by the name of its binary.
    pub functions: BTreeMap<String, Function>,
    /// The API's only authorizer.
    pub authorizer: Authorizer,
    /// Stage of the API.
    pub stage: String,
    /// DynamoDB tables: as `CreateTable` takes them.
    pub tables: Vec<serde_json::Value>,
    /// Headers and statuses of the gateway's own answers, by response type.
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
    /// Headers of the answer to a preflight request.
    pub preflight: Vec<(String, String)>,
    /// Limits of the stage's methods.
    pub throttles: Vec<Throttle>,
}

/// One function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Key in `Resources`.
    pub logical_id: String,
    /// `FunctionName`.
    pub name: String,
    /// Seconds until the function is stopped.
    pub timeout_seconds: u64,
    /// Executions at once, where the template reserves any.
    pub reserved_concurrency: Option<usize>,
    /// Memory in MiB; says how much, does not limit.
    pub memory_mib: u64,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// What its role allows with the tables.
    pub rights: Vec<TableRight>,
    /// What its role allows with secrets.
    pub secrets: Vec<SecretRight>,
    /// Its routes.
    pub routes: Vec<FunctionRoute>,
    /// What else starts it.
    pub triggers: Vec<Trigger>,
}

/// What starts a function besides the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A schedule.
    Schedule {
        /// Its period.
        every: Duration,
        /// Whether it fires by itself.
        enabled: bool,
    },
    /// Events on the account's bus.
    Bus {
        /// What the member `source` may be; what ends with `*` stands for all that begin so.
        sources: Vec<String>,
    },
    /// Secrets Manager, which has the permission to.
    SecretRotation,
}

/// A route that leads to a function.
#[derive(Clone, Debug)]
pub struct FunctionRoute {
    /// Method in upper case, or `ANY`.
    pub method: String,
    /// Path template.
    pub path: String,
    /// Whether the authorizer is asked.
    pub is_authorized: bool,
}

/// The authorizer.
#[derive(Clone, Debug)]
pub struct Authorizer {
    /// Binary of its function.
    pub binary: String,
    /// How long an answer is kept; 0 keeps none.
    pub ttl_seconds: u64,
}

/// One of the gateway's own answers.
#[derive(Clone, Debug, Default)]
pub struct GatewayResponse {
    /// Status instead of the default one.
    pub status: Option<u16>,
    /// Additional headers.
    pub headers: Vec<(String, String)>,
}

/// The actions of a statement.
fn actions(statement: &Value) -> Vec<String> {
    match &statement["Action"] {
        Value::Sequence(actions) => actions.iter().filter_map(scalar).collect(),
        one => scalar(one).into_iter().collect(),
    }
}

impl Template {
    /// Reads the file; `parameters` override the defaults.
    ///
    /// # Errors
    ///
    /// [`TemplateError`].
    pub fn read(path: &Path, parameters: &BTreeMap<String, String>) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TemplateError::Read { path: path.display().to_string(), source })?;
        Self::parse(&text, parameters)
    }

    /// Reads a template.
    ///
    /// # Errors
    ///
    /// [`TemplateError`].
    pub fn parse(yaml: &str, parameters: &BTreeMap<String, String>) -> Result<Self> {
        let root: Value = serde_norway::from_str(yaml)?;
        let mut values = BTreeMap::new();
        for (name, parameter) in entries(&root["Parameters"]) {
            let value = parameters.get(name).cloned().or_else(|| scalar(&parameter["Default"]));
            match value {
                Some(value) => values.insert(name.to_owned(), value),
                None => return unsupported(format!("the parameter {name} has no value")),
            };
        }
        let scope = Scope { values, resources: &root["Resources"], conditions: &root["Conditions"] };
        let globals = &root["Globals"]["Function"];
        let mut functions = BTreeMap::new();
        let (mut api, mut tables) = (None, Vec::new());
        for (logical_id, resource) in entries(&root["Resources"]) {
            match resource["Type"].as_str() {
                Some("AWS::Serverless::Function") => {
                    let (binary, function) = scope.function(logical_id, &resource["Properties"], globals)?;
                    functions.insert(binary, function);
                }
                Some("AWS::DynamoDB::Table") => {
                    tables.push(scope.table(logical_id, &resource["Properties"])?)
                }
                Some("AWS::Serverless::Api") => api = Some(&resource["Properties"]),
                _ => {}
            }
        }
        for (_, resource) in entries(&root["Resources"]) {
            let permission = &resource["Properties"];
            if resource["Type"].as_str() == Some("AWS::Lambda::Permission")
                && permission["Principal"].as_str() == Some("secretsmanager.amazonaws.com")
            {
                let of = scalar(untag(&permission["FunctionName"])).unwrap_or_default();
                let of = of.strip_suffix(".Arn").unwrap_or(&of);
                let rotating =
                    functions.values_mut().find(|function: &&mut Function| function.logical_id == of);
                rotating.into_iter().for_each(|function| function.triggers.push(Trigger::SecretRotation));
            }
        }
        let Some(api) = api else { return unsupported("there is no AWS::Serverless::Api") };
        let responses = entries(&api["GatewayResponses"]).map(|(kind, response)| {
            let headers = entries(&response["ResponseParameters"]["Headers"]);
            let headers = headers.map(|(name, value)| Ok((name.to_owned(), scope.quoted(value)?)));
            let status = response["StatusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
            Ok((kind.to_owned(), GatewayResponse { status, headers: headers.collect::<Result<_>>()? }))
        });
        let cors = &api["Cors"];
        let preflight = [
            ("access-control-allow-origin", "AllowOrigin"),
            ("access-control-allow-methods", "AllowMethods"),
            ("access-control-allow-headers", "AllowHeaders"),
            ("access-control-max-age", "MaxAge"),
        ];
        let preflight = preflight.into_iter().filter(|(_, key)| !cors[*key].is_null());
        let preflight = preflight.map(|(header, key)| Ok((header.to_owned(), scope.quoted(&cors[key])?)));
        Ok(Self {
            authorizer: scope.authorizer(&api["Auth"], &functions)?,
            stage: scope.text(&api["StageName"])?,
            tables,
            gateway_responses: responses.collect::<Result<_>>()?,
            preflight: preflight.collect::<Result<_>>()?,
            throttles: scope.throttles(&api["MethodSettings"])?,
            functions,
        })
    }

    /// Binary and parameters of the route that a request takes. A literal
    /// segment wins over a parameter; a trailing slash does not matter.
    pub fn route<'t>(&'t self, method: &str, path: &str) -> Option<Route<'t>> {
        let mut candidates: Vec<Route<'t>> = self
            .functions
            .iter()
            .flat_map(|(binary, function)| function.routes.iter().map(move |route| (binary, route)))
            .filter(|(_, route)| route.method == method || route.method == "ANY")
            .filter_map(|(binary, route)| {
                let (template, is_authorized) = (&route.path, route.is_authorized);
                Some(Route { binary, template, is_authorized, parameters: matches(template, path)? })
            })
            .collect();
        candidates.sort_by_key(|route| (route.template.contains("+}"), route.parameters.len()));
        candidates.into_iter().next()
    }

    /// Whether any method is routed on this path.
    pub fn has_path(&self, path: &str) -> bool {
        self.functions.values().flat_map(|f| &f.routes).any(|route| matches(&route.path, path).is_some())
    }
}

/// The route of a request.
#[derive(Debug)]
pub struct Route<'t> {
    /// Binary of the function.
    pub binary: &'t str,
    /// Path template.
    pub template: &'t str,
    /// Whether the authorizer is asked.
    pub is_authorized: bool,
    /// Path parameters, as they stand in the path.
    pub parameters: Vec<(String, String)>,
}

fn matches(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let path = if path.len() > 1 { path.strip_suffix('/').unwrap_or(path) } else { path };
    let (mut parameters, mut actual) = (Vec::new(), path.split('/'));
    for (at, expected) in template.split('/').enumerate() {
        let segment = actual.next()?;
        let name = expected.strip_prefix('{').and_then(|e| e.strip_suffix('}'));
        if let Some(name) = name.and_then(|name| name.strip_suffix('+')) {
            // This segment and all that follow.
            let rest = path.splitn(at + 1, '/').last().filter(|rest| !rest.is_empty())?;
            parameters.push((name.to_owned(), rest.to_owned()));
            return Some(parameters);
        }
        match name {
            Some(_) if segment.is_empty() => return None,
            Some(name) => parameters.push((name.to_owned(), segment.to_owned())),
            None if expected == segment => {}
            None => return None,
        }
    }
    actual.next().is_none().then_some(parameters)
}

impl Scope<'_> {
    fn function(&self, logical_id: &str, properties: &Value, globals: &Value) -> Result<(String, Function)> {
        let uri = self.text(&properties["CodeUri"])?;
        let binary = uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        if !uri.starts_with("target/lambda/") || binary.is_empty() {
            return unsupported(format!("{logical_id}: CodeUri must be target/lambda/<binary>/, not {uri}"));
        }
        let mut environment = BTreeMap::new();
        for variables in [globals, properties].map(|of| &of["Environment"]["Variables"]) {
            for (name, value) in entries(variables) {
                environment.insert(name.to_owned(), self.text(value)?);
            }
        }
        // Lambda sets it from the logging configuration.
        let level = &globals["LoggingConfig"]["ApplicationLogLevel"];
        if !level.is_null() {
            environment.insert("AWS_LAMBDA_LOG_LEVEL".to_owned(), self.text(level)?);
        }
        let (mut routes, mut triggers) = (Vec::new(), Vec::new());
        for (event, definition) in entries(&properties["Events"]) {
            let properties = &definition["Properties"];
            match definition["Type"].as_str() {
                Some("Api") => {}
                Some("Schedule") => {
                    triggers.push(self.schedule(properties)?);
                    continue;
                }
                Some("EventBridgeRule") => {
                    triggers.push(self.bus(properties)?);
                    continue;
                }
                _ => return unsupported(format!("{logical_id}: the type of the event {event}")),
            }
            let (method, path) = (self.text(&properties["Method"])?, self.text(&properties["Path"])?);
            let is_authorized = match properties["Auth"]["Authorizer"].as_str() {
                None => true,
                Some("NONE") => false,
                Some(other) => return unsupported(format!("{logical_id}: the authorizer {other}")),
            };
            routes.push(FunctionRoute { method: method.to_uppercase(), path, is_authorized });
        }
        let number =
            |key: &str, default| properties[key].as_u64().or(globals[key].as_u64()).unwrap_or(default);
        let function = Function {
            logical_id: logical_id.to_owned(),
            name: self.text(&properties["FunctionName"])?,
            timeout_seconds: number("Timeout", 3),
            reserved_concurrency: match &properties["ReservedConcurrentExecutions"] {
                Value::Null => None,
                value => self.text(value)?.parse().ok(),
            },
            memory_mib: number("MemorySize", 128),
            environment,
            rights: self.rights(logical_id),
            secrets: self.secret_rights(logical_id)?,
            routes,
            triggers,
        };
        Ok((binary, function))
    }

    /// The limits of `MethodSettings`; a resource's path there has `~1` for `/`.
    fn throttles(&self, settings: &Value) -> Result<Vec<Throttle>> {
        let settings = settings.as_sequence().into_iter().flatten();
        let throttle = |setting: &Value| {
            let number = |key: &str| {
                let text = self.text(&setting[key])?;
                text.parse().or_else(|_| unsupported(format!("{key}: {text}")))
            };
            let path = self.text(&setting["ResourcePath"])?;
            let path = path.strip_prefix('/').unwrap_or(&path).replace("~1", "/");
            Ok(Throttle {
                method: self.text(&setting["HttpMethod"])?.to_uppercase(),
                path,
                rate: number("ThrottlingRateLimit")?,
                burst: number("ThrottlingBurstLimit")?,
            })
        };
        settings.map(throttle).collect()
    }

    /// `Schedule: rate(5 minutes)`, with the state of a parameter.
    fn schedule(&self, properties: &Value) -> Result<Trigger> {
        let rate = self.text(&properties["Schedule"])?;
        let parts = rate.strip_prefix("rate(").and_then(|rate| rate.strip_suffix(')'));
        let every = parts.and_then(|parts| parts.split_once(' ')).and_then(|(number, unit)| {
            let unit = match unit.trim_end_matches('s') {
                "minute" => 60,
                "hour" => 3_600,
                "day" => 86_400,
                _ => return None,
            };
            Some(Duration::from_secs(number.parse::<u64>().ok()? * unit))
        });
        let Some(every) = every else { return unsupported(format!("the schedule {rate}")) };
        let enabled = properties["State"].is_null() || self.text(&properties["State"])? == "ENABLED";
        Ok(Trigger::Schedule { every, enabled })
    }

    /// A pattern of sources, each a text or a prefix.
    fn bus(&self, properties: &Value) -> Result<Trigger> {
        let pattern = properties["Pattern"].as_mapping().filter(|pattern| pattern.len() == 1);
        let Some(sources) = pattern.and_then(|pattern| pattern.get("source")?.as_sequence()) else {
            return unsupported("a pattern of something else than `source`".to_owned());
        };
        let source = |source: &Value| match &source["prefix"] {
            Value::Null => self.text(source),
            prefix => Ok(format!("{}*", self.text(prefix)?)),
        };
        Ok(Trigger::Bus { sources: sources.iter().map(source).collect::<Result<_>>()? })
    }

    /// What `CreateTable` takes; without a name of its own a table is called as
    /// `!Ref` calls it.
    fn table(&self, logical_id: &str, properties: &Value) -> Result<serde_json::Value> {
        let mut table = serde_json::Map::new();
        table.insert("TableName".to_owned(), logical_id.into());
        for member in ["AttributeDefinitions", "BillingMode", "KeySchema"] {
            let value = serde_json::to_value(&properties[member]);
            let Ok(value) = value else { return unsupported(format!("{logical_id}: {member}")) };
            table.insert(member.to_owned(), value);
        }
        if let Ok(indexes @ serde_json::Value::Array(_)) =
            serde_json::to_value(&properties["GlobalSecondaryIndexes"])
        {
            table.insert("GlobalSecondaryIndexes".to_owned(), indexes);
        }
        Ok(serde_json::Value::Object(table))
    }

    /// What a function's role allows with the tables.
    fn rights(&self, logical_id: &str) -> Vec<TableRight> {
        let mut rights = Vec::new();
        for statement in self.statements(logical_id) {
            let resource = scalar(untag(&statement["Resource"])).unwrap_or_default();
            // `Table.Arn`, or `${Table.Arn}/index/name`.
            let resource = resource.replace(".Arn}", "").replace(".Arn", "").replace("${", "");
            let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"][0];
            let keys = keys.as_str().map(|keys| keys.trim_end_matches('*').to_owned());
            let actions = actions(statement);
            let actions = actions.iter().filter_map(|action| action.strip_prefix("dynamodb:"));
            rights.extend(actions.map(|action| TableRight {
                action: action.to_owned(),
                resource: resource.clone(),
                keys: keys.clone(),
            }));
        }
        rights
    }

    /// What a function's role allows with secrets.
    fn secret_rights(&self, logical_id: &str) -> Result<Vec<SecretRight>> {
        let mut rights = Vec::new();
        for statement in self.statements(logical_id) {
            let actions = actions(statement);
            let actions = actions.iter().filter_map(|action| action.strip_prefix("secretsmanager:"));
            for action in actions {
                let condition =
                    &statement["Condition"]["StringEquals"]["secretsmanager:resource/AllowRotationLambdaArn"];
                rights.push(SecretRight {
                    action: action.to_owned(),
                    resource: self.text(&statement["Resource"])?,
                    rotated_by: match condition {
                        Value::Null => None,
                        condition => Some(self.text(condition)?),
                    },
                });
            }
        }
        Ok(rights)
    }

    fn statements(&self, logical_id: &str) -> impl Iterator<Item = &Value> {
        let role = &self.resources[format!("{logical_id}Role")]["Properties"]["Policies"][0];
        role["PolicyDocument"]["Statement"].as_sequence().into_iter().flatten()
    }

    fn authorizer(&self, auth: &Value, functions: &BTreeMap<String, Function>) -> Result<Authorizer> {
        let Some(name) = auth["DefaultAuthorizer"].as_str() else {
            return unsupported("the API has no DefaultAuthorizer");
        };
        let authorizer = &auth["Authorizers"][name];
        let identity = &authorizer["Identity"];
        let list = |key: &str| -> Vec<&str> {
            identity[key].as_sequence().into_iter().flatten().filter_map(Value::as_str).collect()
        };
        if authorizer["FunctionPayloadType"].as_str() != Some("REQUEST")
            || list("Headers") != ["Authorization"]
            || list("Context") != ["path"]
        {
            return unsupported(
                "only a REQUEST authorizer with the identity sources Authorization and context.path",
            );
        }
        let arn = untag(&authorizer["FunctionArn"]);
        let logical_id = arn.as_str().and_then(|arn| arn.strip_suffix(".Arn")).unwrap_or_default();
        let found = functions.iter().find(|(_, function)| function.logical_id == logical_id);
        let Some((binary, _)) = found else {
            return unsupported(format!("{name}: FunctionArn names no function"));
        };
        let ttl = self.text(&identity["ReauthorizeEvery"])?;
        let Ok(ttl_seconds) = ttl.parse() else { return unsupported(format!("ReauthorizeEvery: {ttl}")) };
        Ok(Authorizer { binary: binary.clone(), ttl_seconds })
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_mapping().into_iter().flatten().filter_map(|(key, value)| Some((key.as_str()?, value)))
}
