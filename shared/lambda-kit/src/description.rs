//! Operations as data: for documents, sample events and tests.

use std::any::TypeId;

use operations::Operation;
use run_kit::{ConfigError, Environment};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use crate::{
    Decode, Endpoint, EndpointService, EventHookService, Example, ForwardService, HookService, NoBody,
    QueryParameter, Request, Task, TaskService, Text,
};

/// What documents, events and tests need to know of an operation.
pub struct Description {
    /// Its entry in the table.
    pub operation: &'static Operation,
    /// Reads the configuration as its function does.
    pub prepare: fn(&Environment) -> Result<(), ConfigError>,
    /// Its query parameters.
    pub query: &'static [QueryParameter],
    /// Its sample.
    pub example: fn() -> Example,
    /// Media type of its answer.
    pub media_type: &'static str,
    /// Another status of success than the table's, and when it is answered.
    pub other_success: Option<(u16, &'static str)>,
    /// Whether a request without a body is refused.
    pub body_required: bool,
    /// Reads a request as its function does, before anything else is done; of a hook, nothing.
    pub reads: fn(&Request) -> bool,
    /// Schema of the request body, if it has one.
    pub body: fn(&mut SchemaGenerator) -> Option<Schema>,
    /// Schema of the answer's body, if it has one.
    pub output: fn(&mut SchemaGenerator) -> Option<Schema>,
}

impl Description {
    /// The description of an operation.
    pub const fn of<E: Endpoint>() -> Self
    where
        <E::Input as Decode>::Body: 'static,
    {
        Self {
            operation: E::OPERATION,
            prepare: |environment| EndpointService::<E>::prepare(environment).map(drop),
            query: E::Input::QUERY,
            example: E::example,
            media_type: E::MEDIA_TYPE,
            other_success: E::OTHER_SUCCESS,
            body_required: E::Input::BODY_REQUIRED,
            reads: |request| E::Input::decode(request).is_ok(),
            body: body_schema::<<E::Input as Decode>::Body>,
            output: body_schema::<E::Output>,
        }
    }
}

impl Description {
    /// The same operation, served as `S`: with something around it.
    #[must_use]
    pub const fn served_as<S: Endpoint>(self) -> Self {
        Self { prepare: |environment| EndpointService::<S>::prepare(environment).map(drop), ..self }
    }

    /// The description of an operation that Okta calls.
    pub const fn of_hook<H: crate::Hook>() -> Self {
        Self {
            operation: H::OPERATION,
            prepare: |environment| HookService::<H>::prepare(environment).map(drop),
            query: &[],
            example: H::example,
            media_type: "application/json",
            other_success: None,
            body_required: true,
            reads: |_| false,
            body: |_| None,
            output: |_| None,
        }
    }

    /// The description of an operation that Okta tells of what happened.
    pub const fn of_event_hook<H: crate::EventHook>() -> Self {
        Self {
            operation: H::OPERATION,
            prepare: |environment| EventHookService::<H>::prepare(environment).map(drop),
            query: &[],
            example: H::example,
            media_type: "application/json",
            other_success: None,
            body_required: true,
            reads: |_| false,
            body: |_| None,
            output: |_| None,
        }
    }

    /// The description of an operation that passes requests on.
    pub const fn of_forward<F: crate::Forward>() -> Self {
        Self {
            operation: F::OPERATION,
            prepare: |environment| ForwardService::<F>::prepare(environment).map(drop),
            query: F::QUERY,
            example: F::example,
            media_type: F::MEDIA_TYPE,
            other_success: None,
            body_required: false,
            reads: |_| false,
            body: |_| None,
            output: F::answer,
        }
    }
}

fn body_schema<B: JsonSchema + 'static>(generator: &mut SchemaGenerator) -> Option<Schema> {
    let none = [TypeId::of::<NoBody>(), TypeId::of::<()>(), TypeId::of::<Text>()];
    let none = none.contains(&TypeId::of::<B>());
    (!none).then(|| generator.subschema_for::<B>())
}

/// What events and tests need to know of a task.
pub struct TaskDescription {
    /// The entry in the table.
    pub operation: &'static Operation,
    /// Reads the configuration as the function does.
    pub prepare: fn(&Environment) -> Result<(), ConfigError>,
    /// The sample event.
    pub example: fn() -> Value,
}

impl TaskDescription {
    /// The description of a task.
    pub const fn of<T: Task>() -> Self {
        Self {
            operation: T::OPERATION,
            prepare: |environment| TaskService::<T>::prepare(environment).map(drop),
            example: T::example,
        }
    }
}
