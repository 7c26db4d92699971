//! What is done to a user whose account somebody else may be using, and its end.
//!
//! The crate `containment` decides; here is what reads Okta, keeps the record and does it:
//!
//! 1. [`facts`] reads what is true of the user.
//! 2. [`respond`] takes the lock of the user, reads, lets `containment::decide` decide,
//!    writes the record, and takes the steps. The record is there before the first change.
//! 3. [`lift`] takes back what the response changed and what is still as it left it.
//!
//! Whoever starts a response stands in a file of its own.

mod access;
mod add_response;
mod add_tenant_response;
mod due;
mod expire_responses;
mod facts;
mod get_response;
mod lift;
mod lift_response;
mod list_responses;
mod respond;
mod respond_to_event;
mod settings;
mod step;
#[cfg(test)]
mod testing;

pub use add_response::AddResponse;
pub use add_tenant_response::AddTenantResponse;
pub use expire_responses::ExpireResponses;
pub use get_response::GetResponse;
pub use lift_response::LiftResponse;
pub use list_responses::ListResponses;
pub use respond_to_event::RespondToEvent;

/// The operations of this package that are reached over HTTP, ordered by name.
pub const ENDPOINTS: &[lambda_kit::Description] = &[
    lambda_kit::Description::of::<AddResponse>().served_as::<idempotency::Once<AddResponse>>(),
    lambda_kit::Description::of::<AddTenantResponse>().served_as::<idempotency::Once<AddTenantResponse>>(),
    lambda_kit::Description::of::<GetResponse>(),
    lambda_kit::Description::of::<LiftResponse>(),
    lambda_kit::Description::of::<ListResponses>(),
];

/// What nobody calls over HTTP.
pub const TASKS: &[lambda_kit::TaskDescription] = &[
    lambda_kit::TaskDescription::of::<ExpireResponses>(),
    lambda_kit::TaskDescription::of::<RespondToEvent>(),
];
