//! `make bench-credential`: what reading the credential costs a function,
//! through the extension and with an SDK.

use std::fmt::Write;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::zipped;
use crate::running::Running;

/// Starts of each program; the first is not counted.
const RUNS: usize = 20;

/// Size of each program, and the median time from its start to its request.
///
/// # Errors
///
/// A sentence.
pub fn bench_credential(root: &Path) -> Result<String, String> {
    let mut table =
        format!("| way | bytes | zipped | to its request, median of {RUNS} |\n|---|---|---|---|\n");
    for way in ["extension", "sdk"] {
        let program = root.join("benches/credential/target/release").join(way);
        let bytes =
            std::fs::metadata(&program).map_err(|error| format!("{}: {error}", program.display()))?.len();
        let mut times = (0..=RUNS).map(|_| start(&program)).collect::<Result<Vec<_>, _>>()?.split_off(1);
        times.sort();
        let milliseconds = times[RUNS / 2].as_secs_f64() * 1e3;
        let _ = writeln!(table, "| {way} | {bytes} | {} | {milliseconds:.2} ms |", zipped(&program)?);
    }
    Ok(table)
}

fn start(program: &Path) -> Result<Duration, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
        .env("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port.to_string())
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .envs([("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")]);
    let started = Instant::now();
    let child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
    let mut running = Running::alone(child);
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    let mut stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(_) if running.child().try_wait().is_ok_and(|ended| ended.is_none()) => std::hint::spin_loop(),
            Err(_) => return Err(format!("{} ends without asking", program.display())),
        }
    };
    stream.set_nonblocking(false).map_err(|error| error.to_string())?;
    let read = stream.read(&mut [0; 64]).map_err(|error| error.to_string())?;
    if read > 0 { Ok(started.elapsed()) } else { Err(format!("{} asks nothing", program.display())) }
}
