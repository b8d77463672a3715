//! `links` of `fuzz/targets.rs` under libFuzzer: `just fuzz links`.

#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| { targets::run("links", bytes); });
