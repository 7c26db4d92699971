//! The deployment: a stack of CloudFormation, its tables and its API.

use std::collections::BTreeMap;

use ::connections::sink::Account;
use aws_credential_types::provider::ProvideCredentials;
use org_setup::doctor::{Code as Kind, Finding, Tables};
use run_kit::Environment;
use serde_json::json;

use super::arguments::Flush;
use super::aws_failed;
use crate::api::stop::{Code, Stop};
use crate::output::Printing;

/// What CloudFormation says of a stack.
pub(crate) struct Stack {
    account: Account,
    pub(super) parameters: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// Reads a stack.
    pub(crate) async fn read(name: &str) -> Result<Self, Stop> {
        let account = Account::default();
        let client = aws_sdk_cloudformation::Client::new(account.config().await);
        let described = client.describe_stacks().stack_name(name).send().await;
        let described =
            described.map_err(|error| aws_failed(&format!("reading the stack `{name}`"), &error))?;
        let stack = described
            .stacks()
            .first()
            .ok_or_else(|| Stop::new(Code::Usage, format!("`--stack {name}`: there is no such stack")))?;
        let pair = |name: Option<&str>, value: Option<&str>| Some((name?.to_owned(), value?.to_owned()));
        let parameters = stack.parameters().iter();
        let parameters =
            parameters.filter_map(|one| pair(one.parameter_key(), one.parameter_value())).collect();
        let outputs = stack.outputs().iter();
        let outputs = outputs.filter_map(|one| pair(one.output_key(), one.output_value())).collect();
        Ok(Self { account, parameters, outputs })
    }

    fn output(&self, name: &str) -> Result<&str, Stop> {
        let lacks = || Stop::new(Code::Usage, format!("the stack has no output `{name}`: is it okta-dac's?"));
        self.outputs.get(name).map(String::as_str).ok_or_else(lacks)
    }

    /// Id of its API.
    pub(super) fn api_id(&self) -> Result<&str, Stop> {
        self.output("ApiId")
    }

    fn stage(&self) -> &str {
        self.parameters.get("StageName").map_or("v1", String::as_str)
    }

    /// The names of its tables: state, events, responses.
    pub(crate) fn table_names(&self) -> Result<[String; 3], Stop> {
        let name = |output| self.output(output).map(str::to_owned);
        Ok([name("StateTableName")?, name("DelegationEventsTableName")?, name("ResponsesTableName")?])
    }

    /// Its tables.
    pub(super) async fn tables(&self) -> Result<Tables, Stop> {
        let config = self.account.config().await;
        let lacks = |what: &str| Stop::new(Code::Usage, format!("AWS: there is no {what}"));
        let provider = config.credentials_provider().ok_or_else(|| lacks("credential"))?;
        let credentials =
            provider.provide_credentials().await.map_err(|error| aws_failed("AWS credentials", &error))?;
        let region = config.region().ok_or_else(|| lacks("region"))?.to_string();
        let mut values = vec![
            ("AWS_REGION", region),
            ("AWS_ACCESS_KEY_ID", credentials.access_key_id().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key().to_owned()),
            ("STATE_TABLE", self.output("StateTableName")?.to_owned()),
            ("DELEGATION_EVENTS_TABLE", self.output("DelegationEventsTableName")?.to_owned()),
        ];
        values.extend(credentials.session_token().map(|token| ("AWS_SESSION_TOKEN", token.to_owned())));
        values.extend(config.endpoint_url().map(|url| ("AWS_ENDPOINT_URL", url.to_owned())));
        let days = self.parameters.get("DelegationEventDays");
        values.extend(days.map(|days| ("DELEGATION_EVENT_DAYS", days.clone())));
        Tables::prepare(&Environment::of(values)).map_err(|error| Stop::new(Code::Failed, error.to_string()))
    }

    /// Stages beside its own: each answers with the functions, and with limits of its own.
    pub(super) async fn other_stages(&self) -> Result<Vec<Finding>, Stop> {
        let id = self.api_id()?;
        let stages = aws_sdk_apigateway::Client::new(self.account.config().await)
            .get_stages()
            .rest_api_id(id)
            .send()
            .await;
        let stages = stages.map_err(|error| aws_failed("reading the stages of the API", &error))?;
        let names = stages.item().iter().filter_map(|stage| stage.stage_name());
        let others = names.filter(|name| *name != self.stage());
        let found = others.map(|name| {
            let detail = format!("the API {id} answers there as well, without the limits of the deployment");
            Finding::new(Kind::OtherStage, format!("stage {name}"), detail, "delete the stage in API Gateway")
        });
        Ok(found.collect())
    }
}

/// Empties what API Gateway keeps of the authorizer's answers.
pub(super) async fn flush(arguments: &Flush, printing: Printing) -> Result<(), Stop> {
    let (account, api, stage) = match &arguments.api {
        Some(api) => (Account::default(), api.clone(), arguments.stage.clone()),
        None => {
            let stack = Stack::read(&arguments.stack).await?;
            let (api, stage) = (stack.api_id()?.to_owned(), stack.stage().to_owned());
            (stack.account, api, stage)
        }
    };
    let client = aws_sdk_apigateway::Client::new(account.config().await);
    let flush = client.flush_stage_authorizers_cache().rest_api_id(&api).stage_name(&stage).send().await;
    flush.map_err(|error| aws_failed("emptying the authorizer's cache", &error))?;
    let report = json!({ "v": 1, "api": api, "stage": stage, "outcome": "flushed" });
    let text = || format!("the authorizer is asked anew for every request of the stage {stage}\n");
    printing.report(&report, text).map_err(Stop::from)
}
