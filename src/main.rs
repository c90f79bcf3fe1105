//! Runs the command line and turns what it comes to into an exit code.
#![allow(clippy::print_stderr)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let result = coroner::cli::run();
    let (exit, print) = coroner::cli::exit_of(&result);
    if let (Err(err), true) = (&result, print) {
        eprintln!("coroner: {}", coroner::report::printable(&format!("{err:#}")));
    }
    ExitCode::from(exit as u8)
}
