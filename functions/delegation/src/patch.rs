//! What a token hook may answer.
//!
//! Okta takes all operations or none: one `replace` or `remove` of a claim that is
//! not in the token, or a command for a token that is not to be issued, voids
//! everything else (token inline hook reference). So each operation is chosen by
//! what the payload says is there.

use serde_json::{Map, Value, json};

/// Changes nothing.
pub(crate) fn nothing() -> Value {
    json!({ "commands": [] })
}

/// Lets Okta issue no token, and tell the client so.
pub(crate) fn deny(summary: &str) -> Value {
    json!({ "error": { "errorSummary": summary } })
}

/// A patch of one token.
pub(crate) struct Patch<'t> {
    claims: &'t Map<String, Value>,
    operations: Vec<Value>,
}

impl<'t> Patch<'t> {
    /// Of the token with these claims.
    pub(crate) fn of(claims: &'t Map<String, Value>) -> Self {
        Self { claims, operations: Vec::new() }
    }

    /// Sets a claim; null takes away the one that is there.
    pub(crate) fn set(&mut self, claim: &str, value: &Value) {
        let path = format!("/claims/{claim}");
        let present = self.claims.contains_key(claim);
        match (value, present) {
            (Value::Null, true) => self.operations.push(json!({ "op": "remove", "path": path })),
            (Value::Null, false) => {}
            (value, true) => self.operations.push(json!({ "op": "replace", "path": path, "value": value })),
            (value, false) => self.operations.push(json!({ "op": "add", "path": path, "value": value })),
        }
    }

    /// The command, if there is something to do.
    pub(crate) fn command(self, kind: &str) -> Option<Value> {
        let Self { operations, .. } = self;
        (!operations.is_empty()).then(|| json!({ "type": kind, "value": operations }))
    }
}

/// Changes an access token.
pub(crate) const ACCESS: &str = "com.okta.access.patch";

/// Changes an ID token.
pub(crate) const IDENTITY: &str = "com.okta.identity.patch";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn man_07_an_operation_fits_what_is_there() {
        let claims = json!({ "there": 1, "null": null });
        let mut patch = Patch::of(claims.as_object().unwrap());
        patch.set("there", &json!("new"));
        patch.set("null", &json!("new"));
        patch.set("absent", &json!(["new"]));
        patch.set("there", &Value::Null);
        patch.set("absent", &Value::Null);
        let operations = patch.command(ACCESS).unwrap();
        assert_eq!(
            operations["value"],
            json!([
                { "op": "replace", "path": "/claims/there", "value": "new" },
                { "op": "replace", "path": "/claims/null", "value": "new" },
                { "op": "add", "path": "/claims/absent", "value": ["new"] },
                { "op": "remove", "path": "/claims/there" },
            ])
        );
        assert_eq!(Patch::of(&Map::new()).command(IDENTITY), None);
    }
}
