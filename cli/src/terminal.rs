//! The person in front of the terminal, if there is one.
//!
//! What a person sees or types goes to the terminal device itself, and never to the stdin,
//! stdout or stderr of whoever called the program: a credential process has none of its own.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};

use crate::failure::{Exit, Failure};

#[cfg(windows)]
const DEVICE: (&str, &str) = ("CONIN$", "CONOUT$");
#[cfg(not(windows))]
const DEVICE: (&str, &str) = ("/dev/tty", "/dev/tty");

/// The terminal device, opened when it is needed first.
#[derive(Debug)]
pub struct Terminal {
    allowed: bool,
    device: Option<(BufReader<File>, File)>,
}

impl Terminal {
    /// A terminal; with `--no-input` there is none.
    pub fn new(allowed: bool) -> Self {
        Self { allowed, device: None }
    }

    /// Whether somebody can be asked.
    pub fn is_there(&mut self) -> bool {
        self.open().is_some()
    }

    fn open(&mut self) -> Option<&mut (BufReader<File>, File)> {
        if self.allowed && self.device.is_none() {
            let input = OpenOptions::new().read(true).open(DEVICE.0);
            let output = OpenOptions::new().write(true).open(DEVICE.1);
            self.device = input.ok().map(BufReader::new).zip(output.ok());
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
        let (input, output) = self.open().ok_or_else(needed)?;
        let _ = write!(output, "{question}: ").and_then(|()| output.flush());
        let mut line = String::new();
        match input.read_line(&mut line) {
            Ok(0) | Err(_) => Err(needed()),
            Ok(_) => Ok(line.trim().to_owned()),
        }
    }

    /// Asks for a secret, which is not shown.
    ///
    /// # Errors
    ///
    /// [`Exit::PersonNeeded`] without a terminal.
    pub fn ask_secret(&mut self, question: &str) -> Result<String, Failure> {
        self.open().ok_or_else(needed)?;
        rpassword::prompt_password(format!("{question}: ")).map_err(|_| needed())
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

/// Nobody can be asked.
pub fn needed() -> Failure {
    Failure::new(Exit::PersonNeeded, "a person is needed, and there is no terminal")
        .hint("run `okta-dac aws refresh` in a terminal once; programs then get credentials without a person")
}
