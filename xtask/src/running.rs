//! Child processes that end with this program, however it ends.

use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};

/// A shell that starts a program and ends it when its own input ends: the kernel closes
/// that pipe also when this program is killed. Ctrl-C, which reaches all of them, must not
/// end the guard before its child.
const GUARD: &str = r#""$@" < /dev/null & child=$!
trap '' INT HUP TERM
exec > /dev/null 2>&1
cat
kill $child
wait $child"#;

/// A process that ends with this value.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a program under a guard; `configure` sets its environment, folder and
    /// output.
    pub(crate) fn guarded(
        program: impl AsRef<OsStr>,
        arguments: &[&str],
        configure: impl FnOnce(&mut Command),
    ) -> Result<Self, String> {
        let mut command = Command::new("sh");
        configure(command.args(["-c", GUARD, "sh"]).arg(&program).args(arguments));
        let spawned = command.stdin(Stdio::piped()).spawn();
        spawned
            .map(Self)
            .map_err(|error| format!("{} does not start: {error}", program.as_ref().to_string_lossy()))
    }

    /// A process without a guard: one that is measured.
    pub(crate) fn alone(child: Child) -> Self {
        Self(child)
    }

    /// The process: the guard, if there is one.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        match self.0.stdin.take() {
            Some(input) => drop(input),
            // It may have ended by itself.
            None => drop(self.0.kill()),
        }
        let _ = self.0.wait();
    }
}

/// Lets MiniStack listen on this port of the loopback address, and nowhere else.
pub(crate) fn ministack_on(command: &mut Command, port: u16) -> &mut Command {
    // Without the first two it listens on all interfaces.
    let loopback = [("BIND_HOST", "127.0.0.1"), ("IOT_MTLS_ENABLED", "0")];
    command.envs(loopback).env("GATEWAY_PORT", port.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    /// As the kernel does when this program is killed: the pipe is closed, and nobody
    /// waits.
    #[test]
    fn a_child_ends_when_its_guard_hears_nothing_more() {
        let script = ["-c", "echo $$; exec sleep 600"];
        let piped = |command: &mut Command| {
            command.stdout(Stdio::piped());
        };
        let mut running = Running::guarded("sh", &script, piped).unwrap();
        let mut line = String::new();
        BufReader::new(running.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let is_there = || {
            let kill = Command::new("kill").args(["-0", line.trim()]).stderr(Stdio::null()).status();
            kill.unwrap().success()
        };
        assert!(is_there());
        drop(running.child().stdin.take());
        running.child().wait().unwrap();
        assert!(!is_there());
    }
}
