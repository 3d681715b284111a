//! Lets the library say which compiler made it.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Without an answer the attributes are left out; it is no reason not to build.
    let Some(compiler) = std::env::var_os("RUSTC") else { return };
    let Ok(output) = Command::new(compiler).arg("--version").output() else { return };
    let Ok(text) = String::from_utf8(output.stdout) else { return };
    let description = text.lines().next().unwrap_or_default();
    if let Some(version) = description.strip_prefix("rustc ").and_then(|rest| rest.split(' ').next()) {
        println!("cargo:rustc-env=OTELIER_RUSTC_VERSION={version}");
        println!("cargo:rustc-env=OTELIER_RUSTC_DESCRIPTION={description}");
    }
}
