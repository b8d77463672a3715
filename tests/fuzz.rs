//! Runs the fuzz targets of `fuzz/targets.rs` over their seeds, over mutations of these, and over random bytes: on
//! stable, with every `cargo test`. In a binary of its own, because it counts what readers allocate.
//!
//! `PROPTEST_CASES=100000 cargo test --test fuzz -- matrix` draws that many inputs, different ones each time; without
//! the variable it draws the same 2,000. A failing input is shrunk first; put it into `fuzz/seeds/TARGET`, so that it
//! is always tried. `just fuzz` runs longer.
//!
//! Rejected: a fuzzing crate on stable (bolero draws at random there, and does not mutate seeds). `proptest`, which the
//! project uses anyway, draws the edits and shrinks failing inputs.

#[path = "../fuzz/targets.rs"]
mod targets;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt;
use std::path::Path;

/// Inputs of each target by default.
const CASES: u32 = 2_000;

/// At least one input in this many must be accepted by its target; otherwise only rejections were tested.
const TAKEN_OF: u32 = 50;

/// Bytes that a reader may hold at once for each input byte.
const HELD_PER_BYTE: usize = 1_024;
/// Bytes that a reader may hold at once in addition.
const HELD_BESIDE: usize = 4 << 20;

/// The system's allocator, which counts what each thread holds.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn hold(more: isize) {
    // A thread that ends frees what it held after its counters are gone.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + more);
        MOST.with(|most| most.set(most.get().max(held.get())));
    });
}

// SAFETY: every call is passed on to the system's allocator unchanged.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        hold(layout.size() as isize);
        // SAFETY: as our caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        hold(-(layout.size() as isize));
        // SAFETY: as our caller promised.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// An input of a target, shown as a Rust byte string.
#[derive(Clone)]
struct Input(Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// One change to some bytes; positions are shares of the length.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Replace(Index, u8, Vec<u8>),
    Remove(Index, u8),
    Repeat(Index, u8, u8),
    Cut(Index),
    /// Replaces one digit by another, which leaves most inputs well-formed.
    Digit(Index, u8),
    /// Replaces one number by another.
    Number(Index, u64),
    /// Replaces one word by another.
    Word(Index, Vec<u8>),
    /// Swaps two words.
    Swap(Index, Index),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |index: &Index| index.index(bytes.len() + 1);
        let end = |from: usize, length: u8| (from + usize::from(length)).min(bytes.len());
        match self {
            Edit::Set(..) | Edit::Flip(..) if bytes.is_empty() => {}
            Edit::Set(index, byte) => *index.get_mut(bytes) = *byte,
            Edit::Flip(index, bit) => *index.get_mut(bytes) ^= 1 << (bit % 8),
            Edit::Insert(index, word) => drop(bytes.splice(at(index)..at(index), word.iter().copied())),
            Edit::Replace(index, length, word) => {
                drop(bytes.splice(at(index)..end(at(index), *length), word.iter().copied()));
            }
            Edit::Remove(index, length) => drop(bytes.drain(at(index)..end(at(index), *length))),
            Edit::Repeat(index, length, times) => {
                let part = bytes[at(index)..end(at(index), *length)].repeat(usize::from(*times));
                drop(bytes.splice(at(index)..at(index), part));
            }
            Edit::Cut(index) => bytes.truncate(at(index)),
            Edit::Digit(index, digit) => {
                let mut digits: Vec<&mut u8> = bytes.iter_mut().filter(|byte| byte.is_ascii_digit()).collect();
                if !digits.is_empty() {
                    **index.get_mut(&mut digits) = b'0' + digit % 10;
                }
            }
            Edit::Number(index, number) => {
                let mut parts: Vec<Vec<u8>> =
                    bytes.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).map(<[u8]>::to_vec).collect();
                let mut numbers: Vec<&mut Vec<u8>> = parts.iter_mut().filter(|part| part[0].is_ascii_digit()).collect();
                if !numbers.is_empty() {
                    **index.get_mut(&mut numbers) = number.to_string().into_bytes();
                    *bytes = parts.concat();
                }
            }
            Edit::Word(..) | Edit::Swap(..) if bytes.is_empty() => {}
            Edit::Word(index, word) => {
                let mut all = split(bytes);
                *index.get_mut(&mut all) = word.clone();
                *bytes = all.concat();
            }
            Edit::Swap(one, other) => {
                let mut all = split(bytes);
                let count = all.len();
                all.swap(one.index(count), other.index(count));
                *bytes = all.concat();
            }
        }
    }
}

/// Words that break readers.
const HARD: [&[u8]; 16] = [
    b"0",
    b"-1",
    b"-0",
    b"1e999",
    b"NaN",
    b"inf",
    b"4294967296",
    b"18446744073709551616",
    b"0.00000000000000000000001",
    b"999999999999999999999999999999999999999999",
    b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    b"\0\0\0\0",
    "\u{FEFF}".as_bytes(),
    "\u{202E}\u{663}".as_bytes(),
    b"\r\n",
    b"'\"\\",
];

/// The seeds of a target.
fn seeds(name: &str) -> Vec<Input> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 1, "{name} has seeds");
    paths.iter().map(|path| Input(std::fs::read(path).unwrap())).collect()
}

/// Splits bytes into words: runs of letters and digits, and the separators between them.
fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()).map(<[u8]>::to_vec).collect()
}

/// The words of seeds, and words that break readers.
fn words(seeds: &[Input]) -> Vec<Vec<u8>> {
    let hard = HARD.iter().map(|word| word.to_vec());
    let mut words: Vec<Vec<u8>> = seeds.iter().flat_map(|Input(bytes)| split(bytes)).chain(hard).collect();
    words.sort();
    words.dedup();
    words
}

/// Mostly seeds with some edits, some of which repeat a part many times; occasionally random bytes.
fn inputs(seeds: Vec<Input>) -> impl Strategy<Value = Input> {
    let word = select(words(&seeds));
    let short = 0..12_u8;
    let edit = prop_oneof![
        3 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        30 => (any::<Index>(), 0..10_u8).prop_map(|(at, digit)| Edit::Digit(at, digit)),
        20 => (any::<Index>(), prop_oneof![0..100_u64, any::<u64>()]).prop_map(|(at, number)| Edit::Number(at, number)),
        16 => (any::<Index>(), word.clone()).prop_map(|(at, word)| Edit::Word(at, word)),
        4 => any::<(Index, Index)>().prop_map(|(one, other)| Edit::Swap(one, other)),
        3 => (any::<Index>(), word.clone()).prop_map(|(at, word)| Edit::Insert(at, word)),
        3 => (any::<Index>(), short, word).prop_map(|(at, length, word)| Edit::Replace(at, length, word)),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, length)| Edit::Remove(at, length)),
        1 => (any::<Index>(), any::<u8>(), 0..40_u8).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        1 => any::<Index>().prop_map(Edit::Cut),
    ];
    let edited = (select(seeds), proptest::collection::vec(edit, 1..5)).prop_map(|(Input(mut bytes), edits)| {
        edits.iter().for_each(|edit| edit.apply(&mut bytes));
        Input(bytes)
    });
    prop_oneof![15 => edited, 1 => proptest::collection::vec(any::<u8>(), 0..1_600).prop_map(Input)]
}

/// Feeds one input to a target and compares the memory it takes with its length; returns true if the target accepted
/// it.
fn feed(name: &str, Input(bytes): &Input) -> bool {
    let before = HELD.get();
    MOST.set(before);
    let is_taken = targets::run(name, bytes);
    let held = (MOST.get() - before) as usize;
    let limit = HELD_BESIDE + HELD_PER_BYTE * bytes.len();
    assert!(held <= limit, "{held} bytes were held at once for {} bytes", bytes.len());
    is_taken
}

fn run(name: &str) {
    let seeds = seeds(name);
    let good = seeds.iter().filter(|seed| feed(name, seed)).count();
    assert!(2 * good > seeds.len(), "most seeds of {name} are what it reads, and {good} of {} are", seeds.len());
    let (taken, fed) = (Cell::new(0), Cell::new(0));
    let config = Config { failure_persistence: None, max_shrink_iters: 10_000, ..Config::default() };
    let mut runner = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => TestRunner::new(config),
        None => {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(Config { cases: CASES, ..config }, rng)
        }
    };
    let ran = runner.run(&inputs(seeds), |input| {
        taken.set(taken.get() + u32::from(feed(name, &input)));
        fed.set(fed.get() + 1);
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(taken.get() > fed.get() / TAKEN_OF, "{name} took {} of {} inputs", taken.get(), fed.get());
}

macro_rules! tests {
    ($($name:ident),*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_tested() {
            assert_eq!(targets::TARGETS.map(|(name, _)| name), [$(stringify!($name)),*]);
        }
    };
}

tests!(datagram, train_trailer, scenario, option, edge_list, links, matrix, places, publications, task);
