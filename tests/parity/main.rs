//! What Okta answers, as facts that both the emulator and a real org are asked about.
//!
//! Every fact makes what it needs, asks, and takes away what it made. The emulator is asked in every
//! run of the tests. A real org is asked by `make parity`; see docs/emulator.md. Beside the facts,
//! `last_run.json` has the day on which a real org last answered as each fact says.
//!
//! A fact called `r<number>_…` is a recorded answer of the list in docs/emulator.md. One called
//! `u_…` is not known from any source: there the emulator guesses. One called `l_…` is a limit.

#![allow(clippy::print_stdout, reason = "the run of a real org is read by a person")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod access;
mod apps;
mod hooks;
mod idps;
mod limits;
mod org;
mod policies;
mod run;
mod schemas;
mod servers;
mod unknown;
mod users;

use futures::future::BoxFuture;

use org::Org;

/// Whether the org answers as expected, or how it differs.
pub(crate) type Outcome = Result<(), String>;

/// One thing that Okta does.
pub(crate) struct Fact {
    /// The name of its function.
    pub(crate) id: &'static str,
    /// What Okta does, in a sentence.
    pub(crate) says: &'static str,
    /// Asks an org.
    pub(crate) check: for<'o> fn(&'o mut Org) -> BoxFuture<'o, Outcome>,
}

/// The facts of a file: function and sentence.
macro_rules! facts {
    ($($function:ident: $says:literal,)+) => {
        pub(crate) const FACTS: &[crate::Fact] = &[$(crate::Fact {
            id: stringify!($function), says: $says, check: |org| Box::pin($function(org)),
        }),+];
    };
}
pub(crate) use facts;

/// Every fact.
pub(crate) fn all() -> impl Iterator<Item = &'static Fact> {
    let files = [
        access::FACTS,
        apps::FACTS,
        hooks::FACTS,
        idps::FACTS,
        limits::FACTS,
        policies::FACTS,
        schemas::FACTS,
        servers::FACTS,
        unknown::FACTS,
        users::FACTS,
    ];
    files.into_iter().flatten()
}
