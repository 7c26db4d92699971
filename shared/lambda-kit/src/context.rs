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
    /// Where this API is, as the caller sees it, without a trailing slash.
    pub base_url: String,
    /// Address that the request came from, as API Gateway says.
    pub source_ip: Option<String>,
}
