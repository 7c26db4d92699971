//! `/_aws/…`: for tests and demonstrations.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::Value;

use crate::faults::Fault;
use crate::journal::Entry;
use crate::settings::Settings;
use crate::shared::Shared;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_aws/requests", get(journal).delete(clear_journal))
        .route("/_aws/faults", post(order_fault).delete(clear_faults))
        .route("/_aws/settings", get(settings).put(configure))
        .route("/_aws/snapshot", get(snapshot))
        .route("/_aws/reset", post(reset))
}

async fn journal(State(shared): State<Arc<Shared>>) -> Json<Vec<Entry>> {
    Json(shared.journal())
}

async fn clear_journal(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.clear_journal();
    StatusCode::NO_CONTENT
}

async fn order_fault(State(shared): State<Arc<Shared>>, Json(fault): Json<Fault>) -> StatusCode {
    shared.faults.order(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.faults.clear();
    StatusCode::NO_CONTENT
}

async fn settings(State(shared): State<Arc<Shared>>) -> Json<Settings> {
    Json(shared.state().settings.clone())
}

async fn configure(State(shared): State<Arc<Shared>>, Json(settings): Json<Settings>) -> Json<Settings> {
    shared.state().settings = settings.clone();
    Json(settings)
}

async fn snapshot(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.state().snapshot())
}

async fn reset(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.reset();
    StatusCode::NO_CONTENT
}
