//! The cost of messages in windows alone: a loop of the shape of virtual time's general path, with nothing in it but
//! what every message needs.
//!
//! A node that is reached draws eight of its twenty peers and a latency for each, and the messages go into the window
//! and block of nodes in which they arrive. A window is handled block by block: a counting sort by node, and only the
//! first message to a node counts. There is no protocol, no fault, no ledger and no digest, and nothing is allocated
//! twice.

use bulk_order_propagation::simd::prefetch;

/// Peers of a node, and those that it sends to.
const PEERS: usize = 20;
const FANOUT: usize = 8;

/// The least and the greatest latency, in nanoseconds.
const LEAST: u64 = 10_000_000;
const GREATEST: u64 = 100_000_000;

/// Windows that a message can be ahead, and the next.
const WINDOWS: usize = (GREATEST / LEAST) as usize + 1;

/// Nodes of a block, as a power of two.
const BLOCK_BITS: u32 = 13;

/// A message, in 16 bytes.
#[derive(Clone, Copy, Default)]
struct BareMessage {
    to: u32,
    /// Nanoseconds from the start of its window.
    offset: u32,
    from: u32,
    /// The number among the messages of its sender, and the hop in the lowest byte.
    sequence_hop: u32,
}

/// The receipt of a node: time, sender, hop.
#[derive(Clone, Copy, Default)]
struct BareReceipt {
    _time: u64,
    _from: u32,
    _sequence_hop: u32,
}

/// A network of nodes and the memory of a run over it.
pub(crate) struct BareWindows {
    rows: Vec<u32>,
    blocks: usize,
    /// By window and block.
    buckets: Vec<Vec<BareMessage>>,
    sorted: Vec<BareMessage>,
    counts: Vec<u32>,
    held: Vec<u64>,
    receipts: Vec<BareReceipt>,
    sequences: Vec<u32>,
}

fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    word ^ (word >> 32)
}

impl BareWindows {
    pub(crate) fn new(nodes: usize) -> BareWindows {
        let blocks = nodes.div_ceil(1 << BLOCK_BITS);
        BareWindows {
            rows: (0..nodes * PEERS).map(|place| (mix(mix(place as u64 + 77)) % nodes as u64) as u32).collect(),
            blocks,
            buckets: vec![Vec::new(); WINDOWS * blocks],
            sorted: Vec::new(),
            counts: vec![0; (1 << BLOCK_BITS) + 1],
            held: vec![0; nodes.div_ceil(64)],
            receipts: vec![BareReceipt::default(); nodes],
            sequences: vec![0; nodes],
        }
    }

    /// Spreads one order to the end; returns the number of messages.
    pub(crate) fn run(&mut self, seed: u64) -> u64 {
        self.held.fill(0);
        self.sequences.fill(0);
        self.buckets[0].push(BareMessage::default());
        let (mut messages, mut pending, mut window) = (0, 1, 0);
        while pending > 0 {
            for block in 0..self.blocks {
                let place = window % WINDOWS * self.blocks + block;
                let mut bucket = std::mem::take(&mut self.buckets[place]);
                let count = bucket.len();
                if count > 0 {
                    self.sort(&bucket);
                    messages += count as u64;
                    pending = pending + self.handle(count, window, mix(seed)) - count;
                    bucket.clear();
                }
                self.buckets[place] = bucket;
            }
            window += 1;
        }
        messages
    }

    /// Sorts the messages of a block by node, and those of one node by rank.
    fn sort(&mut self, bucket: &[BareMessage]) {
        let mask = (1 << BLOCK_BITS) - 1;
        if self.sorted.len() < bucket.len() {
            self.sorted.resize(bucket.len(), BareMessage::default());
        }
        let sorted = &mut self.sorted[..bucket.len()];
        let rank = |message: &BareMessage| (message.to, message.offset, message.from, message.sequence_hop);
        if bucket.len() * 8 < 1 << BLOCK_BITS {
            sorted.copy_from_slice(bucket);
            return sorted.sort_unstable_by_key(rank);
        }
        self.counts.fill(0);
        bucket.iter().for_each(|message| self.counts[(message.to & mask) as usize + 1] += 1);
        let mut before = 0;
        for count in &mut self.counts {
            before += *count;
            *count = before;
        }
        for message in bucket {
            let place = &mut self.counts[(message.to & mask) as usize];
            sorted[*place as usize] = *message;
            *place += 1;
        }
        for end in 1..sorted.len() {
            let mut place = end;
            while place > 0 && rank(&sorted[place - 1]) > rank(&sorted[place]) {
                sorted.swap(place - 1, place);
                place -= 1;
            }
        }
    }

    /// Handles the first `count` sorted messages; returns the number of messages sent.
    fn handle(&mut self, count: usize, window: usize, seed: u64) -> usize {
        let mut sent = 0;
        for place in 0..count {
            if let Some(ahead) = self.sorted[..count].get(place + 6) {
                let node = ahead.to as usize;
                if self.held[node / 64] >> (node % 64) & 1 == 0 {
                    prefetch(&self.rows, node * PEERS);
                    prefetch(&self.rows, node * PEERS + 16);
                }
            }
            let message = self.sorted[place];
            let (node, bit) = (message.to as usize, 1 << (message.to % 64));
            if self.held[node / 64] & bit == 0 {
                self.held[node / 64] |= bit;
                self.send(message, window as u64 * LEAST + u64::from(message.offset), seed);
                sent += FANOUT;
            }
        }
        sent
    }

    /// Sends what a node sends that a message has reached.
    fn send(&mut self, BareMessage { to: me, from, sequence_hop, .. }: BareMessage, now: u64, seed: u64) {
        let node = me as usize;
        self.receipts[node] = BareReceipt { _time: now, _from: from, _sequence_hop: sequence_hop };
        let key = mix(seed ^ u64::from(me) << 20);
        let (mut used, mut step, mut sequence) = (0_u32, 0, self.sequences[node]);
        let last = sequence + FANOUT as u32;
        while sequence < last {
            let word = mix(key.wrapping_add(u64::wrapping_mul(step, 0x9E37_79B9_7F4A_7C15)));
            step += 1;
            let peer = (((word >> 32) * PEERS as u64) >> 32) as usize;
            if used >> peer & 1 == 1 {
                continue;
            }
            used |= 1 << peer;
            let time = now + LEAST + (((word & 0xFFFF_FFFF) * (GREATEST - LEAST)) >> 32);
            let (window, to) = (time / LEAST, self.rows[node * PEERS + peer]);
            let message = BareMessage {
                to,
                offset: (time - window * LEAST) as u32,
                from: me,
                sequence_hop: sequence << 8 | (sequence_hop + 1) & 255,
            };
            let bucket = window as usize % WINDOWS * self.blocks + (to >> BLOCK_BITS) as usize;
            self.buckets[bucket].push(message);
            sequence += 1;
        }
        self.sequences[node] = sequence;
    }
}
