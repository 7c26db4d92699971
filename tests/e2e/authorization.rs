//! The matrix of docs/authorization.md: each operation, each kind of caller,
//! through the gateway and, with a forged context of the authorizer, directly at
//! the function.

use lambda_kit::Description;
use operations::{Access, Operation};
use serde_json::{Value, json};
use tests::{Anonymous, Answer, Bearer, Member, Superuser, TenantAdmin, TestStack};
use xtask::{ROLES, matrix};

/// The objects of `acme` that paths name.
struct Acme {
    idp: String,
    user: String,
    users_group: String,
    /// Who may act for `delegator@demo.test`.
    agent: String,
    /// An administrator of `acme`.
    admin: String,
    /// Who is in the group of those who respond.
    responder: String,
}

impl Acme {
    async fn of(stack: &TestStack) -> Self {
        let tenant = stack.get("/tenants/acme", Superuser).await.body;
        let text = |member: &str| tenant[member].as_str().unwrap().to_owned();
        let user = stack.user("user@acme.test").await;
        let agent = stack.user("agent@demo.test").await;
        let admin = stack.user("admin@acme.test").await;
        let responder = stack.user("responder@demo.test").await;
        Self { idp: text("id"), users_group: text("USERS_groupId"), user, agent, admin, responder }
    }

    fn parameters(&self) -> [(&'static str, &str); 6] {
        [
            ("tenant", "acme"),
            ("userId", &self.user),
            ("appId", "0oa1spyder0000000001"),
            ("idpId", &self.idp),
            ("domain", "acme.test"),
            ("responseId", "00u000000000000000070mmmmmmmm00000000000"),
        ]
    }

    /// A request of the operation about `acme`.
    fn path(&self, operation: &Operation) -> String {
        let (parameters, path) = (self.parameters(), operation.route().map_or("", |(_, path)| path));
        parameters
            .iter()
            .fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
    }

    /// What the authorizer would tell a function of a caller of this kind.
    fn context(&self, role: &str) -> Value {
        let (acme, globex) =
            (format!("{}:acme:{}", self.idp, self.users_group), "0oaglobex:globex:00gglobex");
        let (tenants, groups, on_behalf) = match role {
            "any user" => (json!([acme]), json!(["USERS_acme"]), "false"),
            "admin of another tenant" => (json!([globex]), json!(["ADMINS_globex"]), "false"),
            "admin of the tenant" => (json!([acme]), json!(["ADMINS_acme"]), "false"),
            "superuser" => (json!([]), json!(["SUPERUSERS"]), "false"),
            "superuser, on behalf of a user" => (json!([]), json!(["SUPERUSERS"]), "true"),
            "user with `managed.access`" => (json!([]), json!([]), "false"),
            "the same, on behalf of a user" => (json!([]), json!([]), "true"),
            "user with `dac.respond`" => (json!([acme]), json!(["ADMINS_acme"]), "false"),
            "responder" => (json!([]), json!(["RESPONDERS"]), "false"),
            "superuser with `dac.respond`" => (json!([]), json!(["SUPERUSERS"]), "false"),
            other => panic!("{other}"),
        };
        let (uid, scope) = if ROLES[5..7].contains(&role) {
            (&self.agent, "managed.access")
        } else if ROLES[7..].contains(&role) {
            (&self.responder, "dac.respond")
        } else {
            (&self.admin, "dac.admin")
        };
        let (tenants, groups) = (tenants.to_string(), groups.to_string());
        json!({
            "uid": uid, "cid": "0oa1dacapp0000000001", "scp": json!([scope]).to_string(), "sub": "x", "tenants": tenants, "groups": groups, "onBehalf": on_behalf,
            "exp": "4102444800", "iat": "4102440000",
        })
    }

    /// The event of the operation's request about `acme`, from a caller of this kind.
    fn event(&self, endpoint: &Description, role: Option<&str>) -> Vec<u8> {
        self.event_in(endpoint, role.map_or(Value::Null, |role| self.context(role)))
    }

    /// The same with what the authorizer would tell.
    fn event_in(&self, endpoint: &Description, authorizer: Value) -> Vec<u8> {
        let mut event = xtask::event(endpoint);
        for (name, value) in self.parameters() {
            if event["pathParameters"][name].is_string() {
                event["pathParameters"][name] = value.into();
            }
        }
        // The sample's query may be what superusers alone may send.
        event["queryStringParameters"] = Value::Null;
        event["multiValueQueryStringParameters"] = Value::Null;
        event["requestContext"]["authorizer"] = authorizer;
        event.to_string().into_bytes()
    }
}

async fn through_the_gateway(stack: &TestStack, endpoint: &Description, path: &str, role: &str) -> Answer {
    let method = endpoint.operation.route().map_or("", |(method, _)| method.as_str());
    let body = (endpoint.example)().body;
    let mut headers = vec![("content-type", "application/json".to_owned())];
    let managed = |claims| {
        stack.token_with(&okta_emulator::TokenRequest {
            login: "agent@demo.test".to_owned(),
            scopes: Some(vec!["managed.access".to_owned()]),
            claims,
            ..Default::default()
        })
    };
    let responding = |login: &str| {
        stack.token_with(&okta_emulator::TokenRequest {
            login: login.to_owned(),
            scopes: Some(vec!["dac.respond".to_owned()]),
            ..Default::default()
        })
    };
    let token = match role {
        "any user" => stack.token("user@acme.test"),
        "admin of another tenant" => stack.token("admin@globex.test"),
        "admin of the tenant" => stack.token("admin@acme.test"),
        "superuser" => stack.token("superuser@demo.test"),
        "superuser, on behalf of a user" => stack.token_with(&okta_emulator::TokenRequest {
            login: "superuser@demo.test".to_owned(),
            claims: [("on_behalf".to_owned(), true.into())].into_iter().collect(),
            ..Default::default()
        }),
        "user with `managed.access`" => managed(Default::default()),
        "the same, on behalf of a user" => {
            managed([("on_behalf".to_owned(), "True".into())].into_iter().collect())
        }
        "user with `dac.respond`" => responding("admin@acme.test"),
        "responder" => responding("responder@demo.test"),
        "superuser with `dac.respond`" => responding("superuser@demo.test"),
        other => panic!("{other}"),
    };
    headers.push(("authorization", format!("Bearer {token}")));
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    stack.raw(method, path, &headers, body.into_bytes()).await
}

#[tokio::test]
async fn every_operation_for_every_caller() {
    for endpoint in xtask::endpoints() {
        // `acme` is gone after some operations: a reset before each.
        let stack = TestStack::start().await;
        let acme = Acme::of(&stack).await;
        let operation = endpoint.operation;
        // What has no such entry is no matter of our tokens: see the operations' own tests.
        let Some(http) = operation.http() else { continue };
        let path = acme.path(operation);
        let method = http.method.as_str();
        let nobody = stack.raw(method, &path, &[], Vec::new()).await;
        assert_eq!(nobody.status, 401, "{} as nobody: {nobody}", operation.name);
        let unauthorized = stack.invoke(operation.name, acme.event(endpoint, None)).await;
        assert_eq!(unauthorized.body["statusCode"], 401, "{}: {unauthorized}", operation.name);
        let mut stale = acme.context("superuser");
        stale["exp"] = "1700000000".into();
        // API Gateway repeats the authorizer's answers for longer than a token lives.
        let expired = stack.invoke(operation.name, acme.event_in(endpoint, stale)).await;
        assert_eq!(expired.body["statusCode"], 401, "{}, expired: {expired}", operation.name);
        for (role, allowed) in ROLES.iter().zip(matrix(operation)) {
            let cell = format!("{} as {role}", operation.name);
            let answer = through_the_gateway(&stack, endpoint, &path, role).await;
            // Whatever else may be wrong with the request.
            assert_eq!(answer.status != 403, allowed, "{cell}: {answer}");
            stack.okta().reset();
            let direct = stack.invoke(operation.name, acme.event(endpoint, Some(role))).await;
            assert_eq!(direct.body["statusCode"] != 403, allowed, "{cell}, directly: {direct}");
            stack.okta().reset();
        }
    }
}

/// The principals of the other tests are these kinds of callers.
#[tokio::test]
async fn principals() {
    let stack = TestStack::start().await;
    let read = "/tenants/acme";
    assert_eq!(stack.get(read, Anonymous).await.status, 401);
    assert_eq!(stack.get(read, Bearer("nonsense".to_owned())).await.status, 401);
    assert_eq!(stack.get(read, Member("acme")).await.status, 403);
    assert_eq!(stack.get(read, TenantAdmin("acme")).await.status, 200);
    assert_eq!(stack.get(read, Superuser).await.status, 200);
}

/// Who may do what is not said in two places: the words follow from the matrix.
#[test]
fn the_words_and_the_matrix_agree() {
    for operation in operations::OPERATIONS {
        let [user, other, admin, superuser, _, managed, _, unknown, responder, responding] =
            matrix(operation);
        let expected = match operation.http().map(|http| http.access) {
            Some(Access::AnyUser) => [true, true, true, true, false, false],
            Some(Access::TenantAdmin | Access::IdpAdmin) => [false, false, true, true, false, false],
            Some(Access::Superuser) => [false, false, false, true, false, false],
            Some(Access::ManagedAccess) => [false, false, false, false, true, false],
            Some(Access::Responder) => [false, false, false, false, false, true],
            None => [false; 6],
        };
        assert_eq!([user, other, admin, superuser, managed, responder], expected, "{}", operation.name);
        assert_eq!((unknown, responding), (false, responder), "{}", operation.name);
    }
}
