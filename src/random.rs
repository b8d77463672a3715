//! Keyed random streams: every draw that affects a result is a function of (seed, purpose, words), never of a thread,
//! an arrival or a memory layout.
//!
//! The generator is specified to the bit, with test vectors, in `docs/DETERMINISM.md`, because a replay must outlive
//! the next version of any library. `rand` supplies traits and the operating system's entropy, nothing that affects a
//! result.
//!
//! Rejected alternatives: a generator per thread, because a replay would depend on the number of threads; and a
//! cryptographic generator, because it costs ten times as much for a property that is not needed here: attackers are
//! modelled, not real.

pub(crate) mod log;
mod probability;

pub use probability::Probability;

use std::convert::Infallible;

/// The odd constant of SplitMix64 (Steele, Lea, Flood 2014): 2^64 divided by the golden ratio.
const STREAM_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// Separates keys from stream states, so that a key's children are not its own stream's output.
const KEY_GAMMA: u64 = 0xD1B5_4A32_D192_ED03;

/// The purpose of a stream. Two purposes never share a draw, whatever their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Links of the overlay.
    Topology = 1,
    /// Peers that an order is forwarded to; words: order, node.
    Targets = 2,
    /// Content of an order and the node at which it enters; words: order.
    Workload = 3,
    /// Latency and loss of a message; words: order, sender, then receiver and attempt.
    Network = 4,
    /// The constant part of a link's latency; words: the two nodes.
    Links = 10,
    /// Periods of burst loss; words: the link, sender or receiver, epoch, part.
    Bursts = 11,
    /// Region of a node; words: node.
    Regions = 12,
    /// Nodes that are down or cut off, and the times; words: kind, part, node.
    Faults = 13,
    /// Roles and actions of adversaries; words: kind, part, order, node.
    Adversary = 14,
    /// Draws of a protocol's nodes, and which end opened a link; words: which of both, then node, purpose, count, or
    /// the lesser node, the greater.
    Protocol = 15,
    /// No draw: it hashes the results of a run in virtual time.
    Digest = 90,
}

/// The name of a stream: a seed, a purpose, and words that [`Key::with`] folds in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// Creates the key of everything that `purpose` decides in a run with `seed`.
    pub const fn new(seed: u64, purpose: Purpose) -> Key {
        // Mixed before the purpose is folded in, so that neighbouring seeds have unrelated keys.
        Key(mix(seed.wrapping_add(KEY_GAMMA))).with(purpose as u64)
    }

    /// Derives the key of one part: a node, an order, an attempt. The order of the words matters.
    #[inline(always)]
    pub const fn with(self, word: u64) -> Key {
        Key(mix((self.0 ^ word).wrapping_add(KEY_GAMMA)))
    }

    /// Returns the key from which [`with`](Self::with) derives what it derives from this one with further bits in the
    /// word: `key.before(bits).with(word)` is `key.with(bits | word)` where the two have no bit in common.
    #[inline(always)]
    pub(crate) const fn before(self, bits: u64) -> Key {
        Key(self.0 ^ bits)
    }

    /// Returns the stream of draws under this key, from its start.
    #[inline(always)]
    pub const fn stream(self) -> Stream {
        Stream { state: self.0 }
    }

    /// Returns the word at a position of the stream, counted from 0, without the words before it.
    #[inline(always)]
    pub(crate) const fn word_at(self, place: u64) -> u64 {
        mix(self.0.wrapping_add(STREAM_GAMMA.wrapping_mul(place.wrapping_add(1))))
    }
}

/// A SplitMix64 sequence that starts at a key.
///
/// Two streams overlap only if their keys lie within a few steps on the generator's one cycle of 2^64: with 10^9
/// streams of 8 draws less than one pair is expected to.
#[derive(Clone, Debug)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// Returns the next 64 bits.
    #[inline(always)]
    pub const fn next_word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STREAM_GAMMA);
        mix(self.state)
    }

    /// Draws an integer in `0..bound` from one word: the upper half of word times bound.
    ///
    /// No value is favoured by more than `bound` in 2^64. A `bound` of 0 gives 0.
    #[inline]
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next_word() as u128 * bound as u128) >> 64) as u64
    }

    /// Draws an integer from the exponential distribution with this mean, using one word: `mean * -ln(U)`, rounded
    /// down.
    #[inline]
    pub fn exponential(&mut self, mean: u64) -> u64 {
        log::exponential(mean, self.next_word())
    }
}

/// Turns 64 drawn bits into an integer from the exponential distribution with this mean: `mean * -ln(U)`, rounded down.
pub fn exponential(mean: u64, word: u64) -> u64 {
    log::exponential(mean, word)
}

impl rand::TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next_word() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_word())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            // Little endian everywhere, so that payloads are the same on every platform.
            chunk.copy_from_slice(&self.next_word().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Returns the value of [`Stream::below`] for a word and a bound of 32 bits: from two 64-bit products, because SIMD
/// lanes have no 128-bit product.
#[inline(always)]
pub(crate) const fn below_of(word: u64, bound: u32) -> u64 {
    let (upper, lower) = ((word >> 32) * bound as u64, (word & u32::MAX as u64) * bound as u64);
    (upper + (lower >> 32)) >> 32
}

/// Returns the output function of SplitMix64 (Stafford's variant 13): a bijection that spreads every bit over all.
#[inline(always)]
const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of SplitMix64 from state 0, as published with the generator.
    #[test]
    fn a_stream_is_splitmix64() {
        let mut stream = Stream { state: 0 };
        let words = [stream.next_word(), stream.next_word(), stream.next_word()];
        assert_eq!(words, [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F]);
    }

    /// The vectors in `docs/DETERMINISM.md`.
    #[test]
    fn streams_are_as_specified() {
        let first = |key: Key| key.stream().next_word();
        let targets = Key::new(7, Purpose::Targets);
        assert_eq!(first(targets), 0xFDCA_E97F_6491_8C0B);
        assert_eq!(first(targets.with(0).with(3)), 0x57EB_FB7E_DAD0_87EA);
        assert_eq!(first(Key::new(0, Purpose::Topology)), 0xC991_12D5_BF51_3BD8);
        assert_eq!(first(Key::new(7, Purpose::Workload).with(0)), 0xE82A_91FF_32E5_F414);
    }

    #[test]
    fn exponential_draws_have_their_mean_and_their_tail() {
        let mut stream = Key::new(2, Purpose::Workload).stream();
        let draws: Vec<u64> = (0..200_000).map(|_| stream.exponential(1_000_000)).collect();
        // Mean and standard deviation are equal, so the standard deviation of the sample mean is 1/447 of the mean. A
        // share of e^-3 lies beyond three means.
        let mean = draws.iter().sum::<u64>() as f64 / 200_000.0;
        assert!((mean / 1e6 - 1.0).abs() < 5.0 / 447.0, "{mean}");
        let far = draws.iter().filter(|&&draw| draw > 3_000_000).count() as f64 / 200_000.0;
        assert!((far - (-3.0f64).exp()).abs() < 0.0025, "{far}");
        assert_eq!(stream.exponential(0), 0);
        assert!(
            (0..1_000).any(|_| stream.exponential(u64::MAX) == u64::MAX),
            "too long for a word is the longest word"
        );
    }

    #[test]
    fn single_words_and_bounded_draws_agree_with_the_stream() {
        let key = Key::new(7, Purpose::Network).with(3);
        let (mut words, mut draws) = (key.stream(), key.stream());
        for place in 0..1_000 {
            assert_eq!(key.word_at(place), words.next_word());
            let bound = u32::MAX >> (place % 33).min(31);
            assert_eq!(below_of(key.word_at(place), bound), draws.below(bound.into()));
        }
        for bound in [0, 1, u32::MAX] {
            assert_eq!(below_of(u64::MAX, bound), u64::from(bound.saturating_sub(1)));
        }
    }

    #[test]
    fn words_purposes_and_their_order_all_matter() {
        let targets = Key::new(7, Purpose::Targets);
        let all = [
            targets,
            Key::new(8, Purpose::Targets),
            Key::new(7, Purpose::Topology),
            targets.with(0),
            targets.with(1),
            targets.with(1).with(2),
            targets.with(2).with(1),
        ];
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(a, b);
            }
        }
    }

    #[test]
    fn a_bounded_draw_is_uniform() {
        let mut stream = Key::new(1, Purpose::Targets).stream();
        let mut counts = [0u32; 20];
        for _ in 0..200_000 {
            counts[stream.below(20) as usize] += 1;
        }
        // Binomial(200,000, 1/20): mean 10,000, standard deviation 97.5; the bound is five of them either way.
        for count in counts {
            assert!(count.abs_diff(10_000) < 490, "{counts:?}");
        }
    }
}
