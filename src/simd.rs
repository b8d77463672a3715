//! Many draws side by side: the same code, compiled for the widest SIMD lanes that processors have.
//!
//! A draw is a chain of dependent multiplications, which leaves most of a processor idle if draws follow one another. A
//! `SimdBatch` is a loop over independent draws. It is compiled for 8 lanes, for 4, and for any processor, and the
//! version is chosen at run time. It uses integers only, so that all versions give the same results.

#![allow(unsafe_code)]

mod lookup;
mod prefetch;

pub(crate) use lookup::Lookup;
pub use prefetch::prefetch;

/// The results of a batch that reads tables which go to an array of its own before they are copied: the compiler then
/// knows that they overwrite no table.
pub(crate) const BLOCK: usize = 64;

/// Fills `lanes` with each value repeated `count` times, replacing their content.
#[inline(always)]
pub(crate) fn fill<T: Copy>(lanes: &mut Vec<T>, values: impl Iterator<Item = (T, usize)>) {
    lanes.clear();
    for (value, count) in values {
        match count {
            // The usual fanout, which the compiler turns into a store or two.
            8 => lanes.extend_from_slice(&[value; 8]),
            _ => lanes.resize(lanes.len() + count, value),
        }
    }
}

/// A loop with independent iterations.
pub(crate) trait SimdBatch {
    /// Runs the loop. It must be `#[inline(always)]`, and so must everything that it calls, because only inlined code
    /// is compiled for the lanes.
    fn run(self);
}

/// Runs a batch on the widest lanes available.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn run(batch: impl SimdBatch) {
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512vl")
    {
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { run_avx512(batch) }
    } else if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { run_avx2(batch) }
    } else {
        batch.run();
    }
}

/// Runs a batch; on other architectures the lanes are known at compile time.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn run(batch: impl SimdBatch) {
    batch.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512cd,avx512vl")]
fn run_avx512(batch: impl SimdBatch) {
    batch.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2(batch: impl SimdBatch) {
    batch.run();
}

/// Runs a batch on lanes narrower than the widest, as far as the processor has them, so that tests can compare the two.
#[cfg(test)]
pub(crate) fn run_narrow(batch: impl SimdBatch) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { run_avx2(batch) };
    }
    batch.run();
}

#[cfg(test)]
mod tests {
    use super::*;

    struct BatchedDraws<'a>(&'a mut [u64]);

    impl SimdBatch for BatchedDraws<'_> {
        #[inline(always)]
        fn run(self) {
            for (place, drawn) in (0u64..).zip(self.0) {
                let word = (place ^ 7).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let word = (word ^ (word >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
                *drawn = (u128::from(word) * u128::from(90_000_001 - place)) as u64 ^ (word >> (place % 3));
            }
        }
    }

    fn drawn(run: impl FnOnce(BatchedDraws<'_>)) -> Vec<u64> {
        let mut drawn = vec![0; 1_003];
        run(BatchedDraws(&mut drawn));
        drawn
    }

    /// The widest lanes of this processor and narrower ones, as far as it has them.
    #[test]
    fn all_lanes_draw_the_same() {
        let plain = drawn(|batch| batch.run());
        assert_eq!(drawn(|batch| run(batch)), plain);
        assert_eq!(drawn(|batch| run_narrow(batch)), plain);
    }
}
