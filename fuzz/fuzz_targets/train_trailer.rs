//! `train_trailer` of `fuzz/targets.rs` under libFuzzer: `just fuzz train_trailer`.

#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| { targets::run("train_trailer", bytes); });
