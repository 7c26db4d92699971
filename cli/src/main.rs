//! The program `okta-dac`; all of it is in the library.

use std::process::ExitCode;

use okta_dac::environment::Environment;

fn main() -> ExitCode {
    okta_dac::main(std::env::args_os(), Environment::of_process())
}
