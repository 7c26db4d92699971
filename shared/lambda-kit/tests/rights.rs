//! A right that has ended gives nothing, however the request and the table race.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lambda_http::{Body, RequestExt, request::from_str};
use lambda_kit::{Context, Decode, Endpoint, EndpointService, Example, NoBody, Request, Success};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The secrets extension, Okta and DynamoDB at one address.
#[derive(Clone)]
struct World {
    port: u16,
    /// The items of the table; `None` lets it fail.
    items: Arc<Mutex<Option<Vec<Value>>>>,
    /// Time that the table takes.
    slow: Duration,
    changes: Arc<AtomicUsize>,
    /// What was written to the table of events; `None` lets the table fail.
    records: Arc<Mutex<Option<Vec<String>>>>,
}

impl World {
    async fn start(items: Option<Vec<Value>>, slow: Duration) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (items, records) = (Arc::new(Mutex::new(items)), Arc::new(Mutex::new(Some(Vec::new()))));
        let world = Self { port, items, slow, changes: Arc::default(), records };
        let shared = world.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(shared.clone().answer(stream));
            }
        });
        world
    }

    async fn answer(self, mut stream: tokio::net::TcpStream) {
        let mut request = vec![0; 16_384];
        let read = stream.read(&mut request).await.unwrap_or(0);
        let request = String::from_utf8_lossy(&request[..read]).into_owned();
        let (status, body) = if request.starts_with("GET /secretsmanager/") {
            ("200 OK", json!({ "SecretString": json!({ "apiToken": "token" }).to_string() }))
        } else if request.contains("DynamoDB_20120810.BatchGetItem") {
            tokio::time::sleep(self.slow).await;
            let asked = |item: &Value| request.contains(&format!("{}", item["id"]["S"]));
            match self.items.lock().unwrap().clone() {
                Some(items) => {
                    let found: Vec<Value> = items.into_iter().filter(asked).collect();
                    ("200 OK", json!({ "Responses": { "table": found }, "UnprocessedKeys": {} }))
                }
                None => ("500 Error", json!({})),
            }
        } else if request.contains(r#""TableName":"table""#) {
            // What the request used of its party's budget.
            ("200 OK", json!({ "Attributes": {} }))
        } else if request.contains("DynamoDB_20120810.") {
            match self.records.lock().unwrap().as_mut() {
                Some(records) => {
                    // What was changed before it, too: a record comes first.
                    records.push(format!("{} changes before: {request}", self.changes()));
                    ("200 OK", json!({}))
                }
                None => ("400 Bad Request", json!({})),
            }
        } else {
            if !request.starts_with("GET") {
                self.changes.fetch_add(1, Ordering::SeqCst);
            }
            (
                "200 OK",
                json!({ "id": "00g1", "type": "OKTA_GROUP", "profile": { "name": "x", "description": "" } }),
            )
        };
        let body = body.to_string();
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        let _ = stream.write_all(answer.as_bytes()).await;
    }

    fn changes(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }

    /// Sends a request of `caller`, whose token was issued at 100.
    async fn send<E: Endpoint>(&self, caller: Value) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}", self.port);
        let environment = Environment::of([
            ("OKTA_ORG_URL", url.as_str()),
            ("OKTA_CREDENTIAL_SECRET_ID", "secret"),
            ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", &self.port.to_string()),
            ("CORS_ALLOW_ORIGIN", "https://app.example.test"),
            ("STATE_TABLE", "table"),
            ("DELEGATION_EVENTS_TABLE", "events"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &url),
        ]);
        let mut event: Value = serde_json::from_str(include_str!("../../../events/get-tenant.json")).unwrap();
        let context = &mut event["requestContext"]["authorizer"];
        context["iat"] = "100".into();
        for (name, value) in caller.as_object().unwrap() {
            context[name] = value.clone();
        }
        let mut lambda = lambda_http::Context::default();
        lambda.request_id = "request".to_owned();
        let event = from_str(&event.to_string()).unwrap().with_lambda_context(lambda);
        let answer = EndpointService::<E>::prepare(&environment).unwrap().handle(event).await;
        let body = match answer.body() {
            Body::Text(text) => serde_json::from_str(text).unwrap(),
            _ => Value::Null,
        };
        (answer.status().as_u16(), body)
    }
}

struct Nothing;

impl Decode for Nothing {
    type Body = NoBody;

    fn decode(_: &Request) -> Result<Self, Failure> {
        Ok(Self)
    }
}

/// An operation: its entry, and what it does.
macro_rules! operation {
    ($type:ident, $name:literal, $call:expr) => {
        struct $type;

        impl Endpoint for $type {
            const OPERATION: &'static Operation = operations::get($name);
            type Input = Nothing;
            type Output = Value;
            type Error = Failure;

            fn prepare(_: &Environment) -> Result<Self, ConfigError> {
                Ok(Self)
            }

            async fn call(&self, context: &Context, _: Nothing) -> Result<Success<Value>, Failure> {
                let call: fn(Context) -> futures::future::BoxFuture<'static, Result<Value, Failure>> = $call;
                call(context.clone()).await.map(Success::new)
            }

            fn example() -> Example {
                Example { target: "/", body: None, answer: None }
            }
        }
    };
}

operation!(Reads, "get-tenant", |_| Box::pin(async { Ok(json!("what was read")) }));
operation!(Lists, "list-apps", |context| Box::pin(async move {
    let names = context.caller.tenants.iter().map(|claim| claim.name.to_string());
    Ok(names.collect())
}));
operation!(Changes, "assign-tenant-admin", |context| Box::pin(async move {
    let added = context.run.okta.forward().assign_user_to_group(&"00g1".into(), &"00u1".into()).await;
    added.map(|_| json!("changed")).map_err(|error| Failure::okta("change", &error))
}));

fn admin() -> Value {
    json!({
        "uid": "00u1", "tenants": "[\"0oa1:acme:00g1\",\"0oa2:globex:00g2\"]",
        "groups": "[\"ADMINS_acme\",\"ADMINS_globex\"]",
    })
}

fn superuser() -> Value {
    json!({ "uid": "00u1", "tenants": "[]", "groups": "[\"SUPERUSERS\"]" })
}

fn revoked(id: &str, before: i64) -> Value {
    json!({ "id": { "S": id }, "before": { "N": before.to_string() } })
}

const AT_ONCE: Duration = Duration::ZERO;
const SLOW: Duration = Duration::from_millis(150);

#[tokio::test]
async fn what_ended_is_refused_and_nothing_is_sent_to_okta() {
    let suspended = json!({ "id": { "S": "tenant#0oa1" }, "suspended": { "BOOL": true } });
    for (item, of_superuser) in [
        (revoked("revocation#user#00u1", 100), true),
        (revoked("revocation#0oa1#00u1", 100), false),
        (revoked("revocation#0oa1", i64::MAX), false),
        (suspended, false),
    ] {
        for slow in [AT_ONCE, SLOW] {
            let world = World::start(Some(vec![item.clone()]), slow).await;
            for (status, problem) in
                [world.send::<Reads>(admin()).await, world.send::<Changes>(admin()).await]
            {
                assert_eq!((status, &problem["code"]), (403, &json!("forbidden")), "{item}");
            }
            assert_eq!(world.changes(), 0, "{item}");
            let expected = if of_superuser { 403 } else { 200 };
            assert_eq!(world.send::<Changes>(superuser()).await.0, expected, "{item}");
        }
    }
}

#[tokio::test]
async fn a_newer_token_counts() {
    let items = [revoked("revocation#user#00u1", 99), revoked("revocation#0oa1", 99)];
    let world = World::start(Some(items.to_vec()), SLOW).await;
    assert_eq!(world.send::<Reads>(admin()).await, (200, json!("what was read")));
    assert_eq!(world.send::<Changes>(admin()).await, (200, json!("changed")));
    assert_eq!(world.changes(), 1);
}

#[tokio::test]
async fn a_list_shows_what_is_left() {
    let world = World::start(Some(vec![revoked("revocation#0oa1", 100)]), SLOW).await;
    assert_eq!(world.send::<Lists>(admin()).await, (200, json!(["globex"])));
}

/// Without the table superusers read; nobody changes anything.
#[tokio::test]
async fn without_the_table() {
    let world = World::start(None, AT_ONCE).await;
    for (caller, reads) in [(admin(), 503), (superuser(), 200)] {
        assert_eq!(world.send::<Reads>(caller.clone()).await.0, reads, "{caller}");
        assert_eq!(world.send::<Lists>(caller.clone()).await.0, reads, "{caller}");
        let (status, problem) = world.send::<Changes>(caller).await;
        assert_eq!((status, &problem["code"]), (503, &json!("state-unavailable")));
    }
    assert_eq!(world.changes(), 0);
    *world.items.lock().unwrap() = Some(Vec::new());
    assert_eq!(world.send::<Changes>(admin()).await.0, 200, "and it is back");
}

/// A context without `iat`, of an authorizer of before, is older than any revocation.
#[tokio::test]
async fn a_token_of_unknown_age_is_old() {
    let world = World::start(Some(vec![revoked("revocation#0oa1", 0)]), AT_ONCE).await;
    let mut caller = admin();
    caller["iat"] = Value::Null;
    assert_eq!(world.send::<Reads>(caller).await.0, 403);
}

/// A record is begun before the first change, and ends with the outcome. Without it
/// nothing is changed, and what changes nothing has none.
#[tokio::test]
async fn who_changes_what_is_recorded_first() {
    let world = World::start(Some(Vec::new()), SLOW).await;
    assert_eq!(world.send::<Reads>(admin()).await.0, 200);
    assert_eq!(world.records.lock().unwrap().as_ref().map(Vec::len), Some(0));
    assert_eq!(world.send::<Changes>(admin()).await.0, 200);
    {
        let records = world.records.lock().unwrap();
        let [begun, ended] = records.as_ref().unwrap().as_slice() else { panic!("{records:?}") };
        assert!(
            begun.starts_with("0 changes before") && begun.contains("DynamoDB_20120810.PutItem"),
            "{begun}"
        );
        assert!(
            ended.starts_with("1 changes before") && ended.contains("DynamoDB_20120810.UpdateItem"),
            "{ended}"
        );
        for part in
            [r#""actor":{"S":"00u1"}"#, r#""event":{"S":"assign-tenant-admin"}"#, r#""outcome":{"S":"open"}"#]
        {
            assert!(begun.contains(part), "{part}: {begun}");
        }
        assert!(ended.contains(r#"":outcome":{"S":"done"}"#) && ended.contains("REMOVE #open"), "{ended}");
    }
    *world.records.lock().unwrap() = None;
    let (status, problem) = world.send::<Changes>(admin()).await;
    assert_eq!((status, &problem["code"]), (503, &json!("state-unavailable")));
    assert_eq!(world.changes(), 1);
}
