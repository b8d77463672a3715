//! `edge_list` of `fuzz/targets.rs` under libFuzzer: `just fuzz edge_list`.

#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| { targets::run("edge_list", bytes); });
