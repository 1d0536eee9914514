//! The `changegate` program: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    changegate::cli::main()
}
