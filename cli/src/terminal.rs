//! The person in front of the terminal, if there is one.
//!
//! What a person sees or types goes to the terminal device itself, and never to the stdin,
//! stdout or stderr of whoever called the program: a credential process has none of its own.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::time::Instant;

use crate::failure::{Exit, Failure};

#[cfg(windows)]
const DEVICE: (&str, &str) = ("CONIN$", "CONOUT$");
#[cfg(not(windows))]
const DEVICE: (&str, &str) = ("/dev/tty", "/dev/tty");

/// The terminal device, opened when it is needed first.
#[derive(Debug)]
pub struct Terminal {
    allowed: bool,
    /// Nobody is waited for longer.
    deadline: Option<Instant>,
    device: Option<(BufReader<File>, File)>,
}

impl Terminal {
    /// A terminal; with `--no-input` there is none.
    pub fn new(allowed: bool) -> Self {
        Self { allowed, deadline: None, device: None }
    }

    /// The same, on which nobody is waited for beyond this.
    #[must_use]
    pub fn until(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Whether somebody can be asked.
    pub fn is_there(&mut self) -> bool {
        self.open().is_some()
    }

    fn open(&mut self) -> Option<&mut (BufReader<File>, File)> {
        if self.allowed && self.device.is_none() {
            let input = OpenOptions::new().read(true).open(DEVICE.0);
            let output = OpenOptions::new().write(true).open(DEVICE.1);
            self.device = input.ok().filter(in_front).map(BufReader::new).zip(output.ok());
        }
        self.device.as_mut()
    }

    /// Shows a line. Without a terminal nobody sees it.
    pub fn show(&mut self, line: &str) {
        if let Some((_, output)) = self.open() {
            let _ = writeln!(output, "{line}");
        }
    }

    /// Asks for a line.
    ///
    /// # Errors
    ///
    /// [`Exit::PersonNeeded`] without a terminal.
    pub fn ask(&mut self, question: &str) -> Result<String, Failure> {
        let deadline = self.deadline;
        let (input, output) = self.open().ok_or_else(needed)?;
        let _ = write!(output, "{question}: ").and_then(|()| output.flush());
        read_line(input, deadline).map(|line| line.trim().to_owned())
    }

    /// Asks for a secret, which is not shown.
    ///
    /// # Errors
    ///
    /// [`Exit::PersonNeeded`] without a terminal.
    pub fn ask_secret(&mut self, question: &str) -> Result<String, Failure> {
        let deadline = self.deadline;
        let (input, output) = self.open().ok_or_else(needed)?;
        let line = hidden(input, output, question, deadline);
        let _ = writeln!(output);
        line.map(|line| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Asks for one of a list; the answer is its index.
    ///
    /// # Errors
    ///
    /// [`Exit::PersonNeeded`] without a terminal.
    pub fn pick(&mut self, question: &str, choices: &[String]) -> Result<usize, Failure> {
        for (index, choice) in choices.iter().enumerate() {
            self.show(&format!("  {}  {choice}", index + 1));
        }
        loop {
            let answer = self.ask(question)?;
            match answer.parse::<usize>() {
                Ok(number) if (1..=choices.len()).contains(&number) => return Ok(number - 1),
                _ => self.show(&format!("Type a number from 1 to {}.", choices.len())),
            }
        }
    }
}

/// A process in the background would be stopped when it reads.
#[cfg(unix)]
fn in_front(terminal: &File) -> bool {
    rustix::termios::tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn in_front(_: &File) -> bool {
    true
}

/// A line, once there is one.
fn read_line(input: &mut BufReader<File>, deadline: Option<Instant>) -> Result<String, Failure> {
    #[cfg(unix)]
    if let Some(deadline) = deadline
        && input.buffer().is_empty()
    {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut line = [PollFd::new(input.get_ref(), PollFlags::IN)];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let limit = Timespec::try_from(left).map_err(|_| late())?;
            match poll(&mut line, Some(&limit)) {
                // A signal, such as Ctrl-C: whoever answers it ends the process.
                Err(rustix::io::Errno::INTR) => {}
                Ok(1..) => break,
                _ => return Err(late()),
            }
        }
    }
    #[cfg(not(unix))]
    let _ = deadline;
    let mut line = String::new();
    match input.read_line(&mut line) {
        Ok(0) | Err(_) => Err(needed()),
        Ok(_) => Ok(line),
    }
}

/// A line that is not shown while it is typed. The question comes when nothing is shown any
/// more: an answer may be as fast as a program.
#[cfg(unix)]
fn hidden(
    input: &mut BufReader<File>,
    output: &mut File,
    question: &str,
    deadline: Option<Instant>,
) -> Result<String, Failure> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let shown = tcgetattr(input.get_ref()).map_err(|_| needed())?;
    let mut quiet = shown.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    crate::interrupt::watch();
    {
        let mut kept = lock(&SHOWN);
        *kept = Some(shown.clone());
        tcsetattr(input.get_ref(), OptionalActions::Now, &quiet).map_err(|_| needed())?;
    }
    let _ = write!(output, "{question}: ").and_then(|()| output.flush());
    let line = read_line(input, deadline);
    let mut kept = lock(&SHOWN);
    let _ = tcsetattr(input.get_ref(), OptionalActions::Now, &shown);
    *kept = None;
    line
}

/// The terminal while something is typed that is not shown: as it was before.
#[cfg(unix)]
static SHOWN: std::sync::Mutex<Option<rustix::termios::Termios>> = std::sync::Mutex::new(None);

#[cfg(unix)]
fn lock<T>(of: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Shows again what is typed, in a process that ends: nothing is hidden any more.
pub(crate) fn show_again() {
    #[cfg(unix)]
    {
        let mut kept = lock(&SHOWN);
        if let (Some(shown), Ok(device)) = (kept.take(), File::open(DEVICE.0)) {
            let _ = rustix::termios::tcsetattr(&device, rustix::termios::OptionalActions::Now, &shown);
        }
        // Whoever is about to hide something waits for the end.
        std::mem::forget(kept);
    }
}

#[cfg(not(unix))]
fn hidden(
    _: &mut BufReader<File>,
    output: &mut File,
    question: &str,
    _: Option<Instant>,
) -> Result<String, Failure> {
    let _ = write!(output, "{question}: ").and_then(|()| output.flush());
    rpassword::read_password().map_err(|_| needed())
}

/// Somebody could be asked, and did not answer.
#[cfg(unix)]
fn late() -> Failure {
    Failure::new(Exit::PersonNeeded, "nobody answered on the terminal in time").hint("`--timeout` gives more")
}

/// Nobody can be asked.
pub fn needed() -> Failure {
    Failure::new(Exit::PersonNeeded, "a person is needed, and there is no terminal")
        .hint("run `okta-dac aws refresh` in a terminal once; programs then get credentials without a person")
}
