//! What an operation of the API works with.

use domain::Caller;
use run_kit::Run;

/// One request's surroundings: the run, and what HTTP adds to it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The run.
    pub run: Run,
    /// Who is calling.
    pub caller: Caller,
    /// The API and stage that the request came through.
    pub api: ApiStage,
    /// Where this API is, as the caller sees it, without a trailing slash.
    pub base_url: String,
}

/// A stage of a REST API of API Gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiStage {
    /// Id of the API.
    pub id: String,
    /// Name of the stage.
    pub stage: String,
}
