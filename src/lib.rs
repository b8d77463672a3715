//! Bulk Order Propagation: a laboratory for how orders spread through a gossip network.
//!
//! # The story of one message
//!
//! A [`scenario::Draft`] is what somebody asks for; [`scenario::Draft::build`] makes a valid [`scenario::Scenario`] of it
//! or says what is wrong. [`simulation::run`] draws the overlay ([`topology`]), binds what the carrier needs
//! ([`transport`]), cuts the nodes into shards and starts a pinned worker for each ([`runtime`]).
//!
//! When all stand at the barrier, the worker that owns the origin reads its clock, which is time 0, and lets the order in:
//! [`protocol::Push`] delivers it and asks for a forward. The forward waits, sixteen bytes of it, in the shard's
//! queue. On its turn the targets are drawn ([`protocol::TargetDraw`]): the first `fanout` peers in an order keyed by seed,
//! order and node. Each copy is a [`message::Message`]; the carrier patches ten bytes of a datagram that was encoded once
//! ([`wire`]) and hands it to the kernel from the sender's own socket.
//!
//! On the other side a worker's poll says which sockets are readable. The datagram is let in if it bears the run's token,
//! is for this node, and comes from the address of the node it names. After the batch the clock is read, once. If the
//! node has the order already, that was a duplicate, at the price of its header. If not, the order behind the header is
//! decoded and compared, and [`protocol::Push`] delivers it: the bit in the [`coverage`] is set, the receipt
//! noted, a forward queued. The batch's marks are added to the shared count; the addition that carries it over the target
//! raises the stop ([`sync::Stop`]), and every worker leaves its loop.
//!
//! Nobody sends any more: whatever is still in a socket is found and counted, the kernel is asked what it dropped, and
//! the ledger must balance ([`record::Ledger`]). The merged [`record::RunRecord`] becomes a [`report::Report`].
//!
//! With several processes each has its share of the workers, and all of this goes on between them as between threads: what
//! they share lies in memory that all of them map ([`sync::Arena`]), and the parent puts together what they report.
//!
//! In virtual time there is no carrier and no waiting: [`engine::run`] hands messages to the same protocol, window by window
//! of the least latency that the [`network`] has, and one seed gives one outcome on any number of threads.

pub mod adversary;
pub mod analysis;
pub mod coverage;
pub mod engine;
pub mod escape;
pub mod experiment;
pub mod ids;
pub mod memory;
pub mod message;
pub mod network;
pub mod order;
pub mod protocol;
pub mod quantity;
pub mod random;
pub mod ratio;
pub mod record;
pub mod report;
pub mod runtime;
pub mod scenario;
pub mod simd;
pub mod simulation;
pub mod sync;
pub mod sys;
pub mod theory;
pub mod threads;
pub mod time;
pub mod topology;
pub mod transport;
pub mod wire;
pub mod workload;
