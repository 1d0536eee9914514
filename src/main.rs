//! The `changegate` program: parse, run, exit code.

mod cli;

use std::process::ExitCode;

/// Deciding churns through small values; this allocator takes half of what the system's does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
