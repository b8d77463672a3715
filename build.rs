//! Names the commit that a release is built from, for `bulkprop --version`, and leaves out the calls of Linux where that
//! is asked for.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    // A build for development names none, or every commit would compile everything anew.
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let version = match is_release.then(commit).flatten() {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    };
    println!("cargo::rustc-env=BULKPROP_VERSION={version}");
    // For tests on Linux of what other systems run. No compiler flag, which would build every dependency anew.
    println!("cargo::rerun-if-env-changed=BULKPROP_PORTABLE");
    if env::var_os("BULKPROP_PORTABLE").is_some() {
        println!("cargo::rustc-cfg=portable");
    }
}

/// Asks git for the commit, and cargo to ask again when it changes. `None` without git or outside of a clone, as in a
/// packaged crate.
fn commit() -> Option<String> {
    let folder = env::var("CARGO_MANIFEST_DIR").ok()?;
    // A clone of another project may hold this one's sources.
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != Path::new(&folder).canonicalize().ok()? {
        return None;
    }
    let head = git(&["rev-parse", "--git-path", "HEAD"])?;
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]).and_then(|name| git(&["rev-parse", "--git-path", &name]));
    for path in [Some(head), branch].into_iter().flatten().filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
    git(&["rev-parse", "--short=9", "HEAD"])
}

/// Returns the one line that git prints.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
