//! `make bench`: size and cold start of what `make build` made.

use std::fmt::Write;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use operations::EnvVar;

/// Starts per function; the first is not counted, it warms the page cache.
const RUNS: usize = 20;

/// A table of the functions in `target/lambda`: size, and the median time from
/// starting the process to its first `GET …/runtime/invocation/next`, measured
/// by a server that stands in for the Runtime API on the loopback address.
///
/// # Errors
///
/// A sentence.
pub fn bench(root: &Path) -> Result<String, String> {
    let folder = root.join("target/lambda");
    let entries = std::fs::read_dir(&folder).map_err(|_| "run `make build` first".to_owned())?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let mut table = format!("| function | bytes | start to /next, median of {RUNS} |\n|---|---|---|\n");
    for name in names {
        let program = folder.join(&name).join("bootstrap");
        let size =
            std::fs::metadata(&program).map_err(|error| format!("{}: {error}", program.display()))?.len();
        start(&program)?;
        let mut times = (0..RUNS).map(|_| start(&program)).collect::<Result<Vec<_>, _>>()?;
        times.sort();
        let _ = writeln!(table, "| {name} | {size} | {:.2} ms |", times[RUNS / 2].as_secs_f64() * 1e3);
    }
    Ok(table)
}

fn start(program: &Path) -> Result<Duration, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for variable in EnvVar::ALL {
        command.env(variable.name, variable.example);
    }
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_RUNTIME_API", &address.to_string()),
    ] {
        command.env(name, value);
    }
    let started = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
    // A process that ends before it asks would leave us waiting.
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    let mut stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(_) if child.try_wait().is_ok_and(|ended| ended.is_none()) => std::hint::spin_loop(),
            Err(_) => {
                return Err(format!(
                    "{} ends without asking for an event: was it built for this machine?",
                    program.display()
                ));
            }
        }
    };
    stream.set_nonblocking(false).map_err(|error| error.to_string())?;
    let mut buffer = [0; 256];
    let read = stream.read(&mut buffer).map_err(|error| error.to_string())?;
    let elapsed = started.elapsed();
    let _ = child.kill();
    let _ = child.wait();
    match String::from_utf8_lossy(&buffer[..read]).contains("/runtime/invocation/next") {
        true => Ok(elapsed),
        false => Err(format!("{} did not ask for an event", program.display())),
    }
}
