//! What a request takes: calls, calls in a row, bytes.

use domain::Caller;
use lambda_kit::Endpoint;

use crate::{TestOrg, TestRequest};

/// Calls, and calls in a row, of one request.
///
/// # Panics
///
/// If the request is refused.
pub async fn cost<E: Endpoint>(org: &TestOrg, request: &TestRequest) -> (usize, usize) {
    cost_as::<E>(request.caller(), org, request).await
}

/// Calls, and calls in a row, of one request in the name of `caller`.
///
/// # Panics
///
/// If the request is refused.
pub async fn cost_as<E: Endpoint>(caller: Caller, org: &TestOrg, request: &TestRequest) -> (usize, usize) {
    org.emulator.configure(|settings| settings.latency_ms = 30);
    org.emulator.clear_journal();
    if let Err(problem) = org.call_as::<E>(caller, request).await {
        panic!("{}: {}", E::OPERATION.name, problem.document("id"));
    }
    org.emulator.configure(|settings| settings.latency_ms = 0);
    let journal = org.emulator.journal();
    (journal.len(), okta_emulator::calls_in_a_row(&journal))
}

/// What a request took from Okta and from the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Calls of Okta.
    pub calls: usize,
    /// Bytes of Okta's answers.
    pub bytes: u64,
    /// Calls of DynamoDB.
    pub table_calls: usize,
    /// Bytes of DynamoDB's answers.
    pub table_bytes: usize,
}

/// What one request takes.
///
/// # Panics
///
/// If the request is refused.
pub async fn traffic<E: Endpoint>(org: &TestOrg, request: &TestRequest) -> Traffic {
    org.emulator.clear_journal();
    org.aws.take_traffic();
    if let Err(problem) = org.call::<E>(request).await {
        panic!("{}: {}", E::OPERATION.name, problem.document("id"));
    }
    let (journal, (table_calls, table_bytes)) = (org.emulator.journal(), org.aws.take_traffic());
    let bytes = journal.iter().map(|call| call.bytes).sum();
    Traffic { calls: journal.len(), bytes, table_calls, table_bytes }
}
