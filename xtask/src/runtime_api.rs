//! A stand-in for Lambda's Runtime API, which measures one process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use operations::EnvVar;
use serde_json::Value;

use crate::running::Running;

/// One process, as Lambda runs it: gives the times from starting it to its
/// first `GET …/next` and to its first answer, and its memory in MiB after so
/// many requests. A server on the loopback address stands in for the Runtime
/// API.
pub(crate) fn life(
    program: &Path,
    addresses: &Value,
    event: &str,
    requests: usize,
) -> Result<(Duration, Duration, f64), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let runtime_api = listener.local_addr().map_err(|error| error.to_string())?.to_string();
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for variable in EnvVar::ALL {
        command.env(variable.name, variable.example);
    }
    for (name, value) in addresses["runtimeEnvironment"].as_object().into_iter().flatten() {
        command.env(name, value.as_str().unwrap_or_default());
    }
    command.env("STATE_TABLE", "StateTable").env("DELEGATION_EVENTS_TABLE", "DelegationEventsTable");
    let text = |name: &str| addresses["parameters"][name].as_str().unwrap_or_default().to_owned();
    for (name, value) in [
        ("OKTA_ORG_URL", text("OktaOrgUrl")),
        ("OKTA_CREDENTIAL_SECRET_ID", text("OktaCredentialSecretArn")),
        ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", text("SecretsExtensionPort")),
        ("OKTA_DAC_APP_ID", text("OktaDacAppId")),
        ("PLACEHOLDER_KEY_ID", text("PlaceholderKeyId")),
        ("TOKEN_ISSUER", text("TokenIssuer")),
        ("TOKEN_AUDIENCES", text("TokenAudiences")),
        ("TOKEN_CLIENT_IDS", text("TokenClientIds")),
        ("HOOK_SECRET_ID", text("HookSecretArn")),
        ("DELEGATED_USER_TYPE_ID", text("DelegatedUserTypeId")),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
    ] {
        command.env(name, value);
    }
    let started = Instant::now();
    let child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
    let mut running = Running::alone(child);
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    let (mut next, mut answer, mut answered) = (None, None, 0);
    let mut stream: Option<BufReader<TcpStream>> = None;
    loop {
        let Some(reader) = &mut stream else {
            match listener.accept() {
                Ok((accepted, _)) => {
                    accepted.set_nonblocking(false).map_err(|error| error.to_string())?;
                    // As Lambda's: an answer in two packets would wait for the
                    // acknowledgement of the first, which Linux delays by 40 ms.
                    accepted.set_nodelay(true).map_err(|error| error.to_string())?;
                    stream = Some(BufReader::new(accepted));
                }
                // A process that ends before it asks would leave us waiting.
                Err(_) if running.child().try_wait().is_ok_and(|ended| ended.is_none()) => {
                    std::hint::spin_loop()
                }
                Err(_) => {
                    let name = program.display();
                    return Err(format!(
                        "{name} ends without asking for an event: was it built for this machine?"
                    ));
                }
            }
            continue;
        };
        let Some(path) = request(reader)? else {
            stream = None;
            continue;
        };
        let reply = if path.ends_with("/invocation/next") {
            next.get_or_insert_with(|| started.elapsed());
            if answered == requests {
                let memory = memory(running.child().id())?;
                return match (next, answer) {
                    (Some(next), Some(answer)) => Ok((next, answer, memory)),
                    _ => Err(format!("{} gave no answer", program.display())),
                };
            }
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: bench\r\n\
                        lambda-runtime-deadline-ms: 99999999999999\r\nlambda-runtime-invoked-function-arn: arn:aws:lambda:\
                        us-east-1:000000000000:function:bench\r\n";
            format!("{head}content-length: {}\r\n\r\n{event}", event.len())
        } else {
            answer.get_or_insert_with(|| started.elapsed());
            answered += 1;
            "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned()
        };
        reader.get_mut().write_all(reply.as_bytes()).map_err(|error| error.to_string())?;
    }
}

/// The path of the next request on a connection, its body read; `None` when
/// the connection is closed.
fn request(reader: &mut BufReader<TcpStream>) -> Result<Option<String>, String> {
    let (mut first, mut length, mut chunked) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).map_err(|error| error.to_string())? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if first.is_empty() {
            first.clone_from(&line);
        }
        length = line.strip_prefix("content-length: ").and_then(|n| n.parse().ok()).unwrap_or(length);
        chunked |= line == "transfer-encoding: chunked";
    }
    if chunked {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).map_err(|error| error.to_string())?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(|error| error.to_string())?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).map_err(|error| error.to_string())?;
            if size == 0 {
                break;
            }
        }
    } else {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).map_err(|error| error.to_string())?;
    }
    Ok(first.split(' ').nth(1).map(str::to_owned))
}

/// Resident memory of a process, in MiB.
pub(crate) fn memory(process: u32) -> Result<f64, String> {
    let status =
        std::fs::read_to_string(format!("/proc/{process}/status")).map_err(|error| error.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: f64 =
        line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).ok_or("no VmRSS")?;
    Ok(kilobytes / 1_024.0)
}
