//! A keyed permutation without a table: the image of a number, and the number of an image, take a few steps each.
//!
//! One step has three rounds, which leave a trace of structure in pairs of neighbours: those that meet in a row again
//! are as far apart as before. A permutation therefore takes several steps with keys of their own, more of them where
//! rows are few.

use super::{PermutationSlot, Rectangle};
use crate::random::Key;

/// Steps of the smallest permutations.
const STEPS_MAX: usize = 6;

/// A permutation of the numbers below a length.
#[derive(Clone, Copy, Debug)]
pub struct KeyedPermutation {
    shape: Rectangle,
    /// The keys of each step.
    keys: [[u32; 3]; STEPS_MAX],
    steps: usize,
}

impl KeyedPermutation {
    /// Creates the permutation of `length` numbers that this key decides.
    #[inline]
    pub fn new(length: u32, key: Key) -> KeyedPermutation {
        let steps = match length {
            0..64 => STEPS_MAX,
            64..4_096 => 3,
            _ => 2,
        };
        let (mut stream, mut keys) = (key.stream(), [[0; 3]; STEPS_MAX]);
        keys[..steps].iter_mut().flatten().for_each(|key| *key = (stream.next_word() >> 32) as u32);
        KeyedPermutation { shape: Rectangle::of(length), keys, steps }
    }

    /// Returns the image of a number, which must be below the length.
    #[inline]
    pub fn image(&self, number: u32) -> u32 {
        self.walk(number, |place| {
            let forth = self.keys[..self.steps].iter().map(|&keys| PermutationSlot::new(keys, false));
            forth.fold(place, |place, slot| self.shape.step(place, slot))
        })
    }

    /// Returns the number of an image, which must be below the length.
    #[inline]
    pub fn number(&self, image: u32) -> u32 {
        self.walk(image, |place| {
            // The inverse applies steps and rounds in reverse order.
            let back = self.keys[..self.steps].iter().rev();
            let back = back.map(|&[first, second, third]| PermutationSlot::new([third, second, first], true));
            back.fold(place, |place, slot| self.shape.step(place, slot))
        })
    }

    /// Permutes a place until the result is below the length.
    #[inline]
    fn walk(&self, place: u32, permuted: impl Fn(u64) -> u64) -> u32 {
        let length = u64::from(self.shape.nodes);
        let mut place = permuted(place.into());
        while place >= length {
            place = permuted(place);
        }
        place as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn images_are_all_numbers_and_lead_back() {
        for length in [1, 2, 3, 5, 17, 64, 200, 1_000, 40_201] {
            let permutation = KeyedPermutation::new(length, Key::new(7, Purpose::Protocol));
            let mut images: Vec<u32> = (0..length).map(|number| permutation.image(number)).collect();
            assert!((0..).zip(&images).all(|(number, &image)| permutation.number(image) == number), "{length}");
            images.sort_unstable();
            assert!(images.into_iter().eq(0..length), "{length}");
        }
    }

    /// Over many keys each number is equally often the first image, and each pair the first two.
    #[test]
    fn images_are_uniform() {
        for (length, each) in [(5_usize, 1_000_u32), (12, 300), (70, 20)] {
            let key = Key::new(3, Purpose::Protocol);
            let keys = each * (length * (length - 1)) as u32;
            let (mut first, mut pairs) = (vec![0_u32; length], vec![0_u32; length * length]);
            for count in 0..keys {
                let permutation = KeyedPermutation::new(length as u32, key.with(count.into()));
                let (one, two) = (permutation.image(0) as usize, permutation.image(1) as usize);
                first[one] += 1;
                pairs[one * length + two] += 1;
            }
            assert!((0..length).all(|same| pairs[same * (length + 1)] == 0));
            let pairs = (0..length * length).filter(|at| at % (length + 1) != 0).map(|at| pairs[at]);
            for counts in [first, pairs.collect()] {
                let expected = f64::from(keys) / counts.len() as f64;
                let square = |&count: &u32| (f64::from(count) - expected).powi(2) / expected;
                let chi_square: f64 = counts.iter().map(square).sum();
                // Mean and five standard deviations of as many degrees of freedom.
                let freedom = (counts.len() - 1) as f64;
                assert!(chi_square < freedom + 5.0 * (2.0 * freedom).sqrt(), "{length}: {chi_square} of {freedom}");
            }
        }
    }
}
