//! Ctrl-C: the terminal is as it was, and a sentence says what was done.
//!
//! A credential process that prints what is kept never comes here: a handler costs a thread.

use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crate::failure::Exit;
use crate::terminal;

static DONE: Mutex<Option<String>> = Mutex::new(None);
static WHOLE: Mutex<()> = Mutex::new(());
static WATCHED: Once = Once::new();

/// From now on Ctrl-C is answered. Whoever started the program with Ctrl-C ignored keeps that.
pub fn watch() {
    WATCHED.call_once(|| {
        let _ = ctrlc::try_set_handler(end);
    });
}

/// Says what was done so far, in a sentence.
pub fn done(sentence: impl Into<String>) {
    *DONE.lock().unwrap_or_else(PoisonError::into_inner) = Some(sentence.into());
}

/// While this is held, Ctrl-C waits: something is written that must not be left in part.
pub fn hold() -> MutexGuard<'static, ()> {
    WHOLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process. Locks are the kernel's, and files are replaced at once, or under
/// [`hold`]: nothing is left in part.
fn end() {
    let _whole = hold();
    terminal::show_again();
    let done = DONE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let done = done.unwrap_or_else(|| "nothing was changed".to_owned());
    crate::warn(&format!("interrupted: {done}"));
    std::process::exit(i32::from(Exit::Interrupted.number()));
}
