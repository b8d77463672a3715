//! `places` of `fuzz/targets.rs` under libFuzzer: `just fuzz places`.

#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| { targets::run("places", bytes); });
