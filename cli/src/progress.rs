//! What is under way, while it takes longer than a second: a bar on a terminal, elsewhere a
//! line for each finished item.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is faster needs no progress.
const AFTER: Duration = Duration::from_secs(1);

/// Progress over a known number of items.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
    items: u64,
    finished: u64,
    /// Lines of the first second.
    kept: Vec<String>,
    /// On a terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins; `what` is a word for the items, such as `roles`.
    pub fn new(what: &'static str, items: usize) -> Self {
        let items = u64::try_from(items).unwrap_or(u64::MAX);
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
            let bar = ProgressBar::with_draw_target(Some(items), ProgressDrawTarget::hidden());
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
        });
        Self { started: Instant::now(), items, finished: 0, kept: Vec::new(), bar }
    }

    /// An item is finished.
    pub fn finished(&mut self, item: &str) {
        if let Some(bar) = &self.bar {
            if bar.is_hidden() && self.started.elapsed() >= AFTER {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.inc(1);
        } else {
            for line in self.lines(item, self.started.elapsed()) {
                crate::warn(&line);
            }
        }
    }

    /// The lines that are due now.
    fn lines(&mut self, item: &str, elapsed: Duration) -> Vec<String> {
        self.finished += 1;
        self.kept.push(format!("{}/{} {item}", self.finished, self.items));
        if elapsed < AFTER { Vec::new() } else { std::mem::take(&mut self.kept) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fast_says_nothing_and_nothing_is_left_out() {
        let mut progress = Progress::new("roles", 3);
        progress.bar = None;
        let second = Duration::from_secs(1);
        assert_eq!(progress.lines("a", second / 2), [""; 0]);
        assert_eq!(progress.lines("b", second), ["1/3 a", "2/3 b"]);
        assert_eq!(progress.lines("c", second * 2), ["3/3 c"]);
    }
}
