//! The rooms `sync`, `sys` and `simd` of the library, compiled without the rest: `just loom` runs the tests of `sync`
//! under every interleaving that loom finds.

#![allow(dead_code, unused_imports)]

/// The rooms, from the files that the library is built from.
#[path = "../../../src"]
mod rooms {
    pub(crate) mod simd;
    pub(crate) mod sync;
    pub(crate) mod sys;
}

use rooms::{simd, sync, sys};
