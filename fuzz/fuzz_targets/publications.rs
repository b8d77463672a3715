//! `publications` of `fuzz/targets.rs` under libFuzzer: `just fuzz publications`.

#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| { targets::run("publications", bytes); });
