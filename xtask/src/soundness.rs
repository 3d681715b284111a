//! What is run on a schedule rather than for every change: the recording path under loom, Miri and the sanitizers, and other
//! targets. What is not installed is skipped, and said.

use crate::ci::{Step, nightly, run_all, step};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// Addresses of call sites lie in records as numbers; clocks and Tokio's events are the host's.
const MIRI: &[(&str, &str)] = &[("MIRIFLAGS", "-Zmiri-permissive-provenance -Zmiri-disable-isolation")];
const ADDRESSES: &[(&str, &str)] = &[("RUSTFLAGS", "-Zsanitizer=address"), ("CARGO_TARGET_DIR", "target/address")];
const THREADS: &[(&str, &str)] = &[("RUSTFLAGS", "-Zsanitizer=thread"), ("CARGO_TARGET_DIR", "target/thread")];

/// Targets whose clocks or atomics differ.
const TARGETS: [&str; 3] = ["aarch64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-gnu"];

pub(crate) fn run(root: &Path) -> ExitCode {
    let mut steps = vec![
        step("test --package otelier-loom-tests"),
        step("test --package otelier --test soundness --test stress --test allocator --test fork"),
    ];
    let is_nightly = answers(&["run", "nightly", "rustc", "--version"]).is_some();
    if is_nightly && answers(&["run", "nightly", "cargo", "miri", "--version"]).is_some() {
        steps.extend(miri());
    } else {
        println!("skipped: Miri is not installed (rustup component add miri rust-src --toolchain nightly)");
    }
    let sources = answers(&["component", "list", "--installed", "--toolchain", "nightly"]).unwrap_or_default();
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) && sources.contains("rust-src") {
        steps.extend(sanitizers());
    } else {
        println!("skipped: the sanitizers need Linux on x86-64 and a nightly toolchain with rust-src");
    }
    let installed = answers(&["target", "list", "--installed"]).unwrap_or_default();
    for target in TARGETS {
        if installed.lines().any(|line| line == target) {
            steps.push(step(&format!("check --package otelier --all-features --target {target}")));
        } else {
            println!("skipped: {target} is not installed (rustup target add {target})");
        }
    }
    run_all(root, steps)
}

fn miri() -> [Step; 2] {
    let runtime = "miri test --package otelier --no-default-features";
    [
        nightly(&format!("{runtime} --test soundness"), MIRI),
        nightly(&format!("{runtime} --lib -- record:: wire:: clock:: attribute:: pipeline::"), MIRI),
    ]
}

fn sanitizers() -> [Step; 2] {
    let test = "test --target x86_64-unknown-linux-gnu --package otelier --no-default-features --test soundness \
                --test allocator --test stress";
    [nightly(&format!("{test} --test fork"), ADDRESSES), nightly(&format!("{test} -Zbuild-std"), THREADS)]
}

/// What rustup prints; `None` if there is no rustup, or if it fails.
fn answers(arguments: &[&str]) -> Option<String> {
    let output = Command::new("rustup").args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
