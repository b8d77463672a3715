//! Bulk Order Propagation: a laboratory for how orders spread through a gossip network.
//!
//! A [`Scenario`] says how many nodes there are, who is whose peer, what a node does with an order, and what carries
//! its messages: real UDP sockets, shared memory, or virtual time on a modelled network. A [`Simulation`] runs it, and
//! its [`Outcome`] has the figures, or all of them as a [`Report`] that prints as text or JSON.
//!
//! ```
//! use bulk_order_propagation::{Draft, Simulation};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let draft = Draft::from_toml("transport = 'simulated'\n nodes = 10_000\n fanout = 4\n seed = 7")?;
//! let outcome = Simulation::new(draft.build()?)?.run()?;
//! println!("coverage      {:.2} %", 100.0 * outcome.coverage());
//! println!("time to 95 %  {}", outcome.time_to_target().ok_or("the target was missed")?);
//! println!("messages      {}", outcome.messages());
//! # assert!(outcome.coverage() >= 0.95 && outcome.messages() > 30_000);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to begin
//!
//! | to | read |
//! |---|---|
//! | ask for an experiment | [`Draft`], a field for each option; [`Draft::from_toml`] reads them as text |
//! | know what will run, defaults filled in | [`Scenario`] and its groups, such as [`WorkloadOptions`] |
//! | run it, or end it early | [`Simulation`], [`Interrupt`] |
//! | read three figures | [`Outcome`] |
//! | compare protocols | [`Comparison`], and what it reports: [`ComparisonReport`] |
//! | read all of them | [`Report`] and [`figures`]; the keys of its JSON object are in `docs/REPORT.md` |
//! | name the value of an option | [`options`] |
//! | handle what goes wrong | [`ScenarioError`], [`FileError`], [`SimulationError`]; their causes in [`errors`] |
//!
//! # A protocol of one's own
//!
//! [`Simulation::run_protocol`] runs a [`Protocol`] of the reader's own on every carrier: `examples/own_protocol.rs`
//! has one in under 60 lines. It takes three parts:
//!
//! 1. A [`Protocol`]: the configuration that all nodes share. It names the kinds of its control messages
//!    ([`KINDS`](Protocol::KINDS)) and creates a state for each shard ([`for_shard`](Protocol::for_shard)). A
//!    [`ShardView`] tells the state how many nodes and links it has.
//! 2. A [`ProtocolState`]: the data of all nodes of a shard, and what a node does when it publishes an order, receives
//!    a [`Message`], or a timer fires.
//! 3. The [`Context`] of each event: what the node knows, and all that it can do. A node that receives an order calls
//!    [`deliver`](Context::deliver), and if the order is new to it, forwards [`Message::next_hop`] by
//!    [`fan_out`](Context::fan_out), or to nodes of its own choice by [`forward`](Context::forward).
//!
//! A state that waits for an answer or for its own next round says so by [`awaited`](ProtocolState::awaited), because a
//! run ends when no message is in flight and nothing is awaited.
//!
//! # Options
//!
//! The options are those of the command `bulkprop`, by the names of its flags (`docs/OPTIONS.md`), and `replay` in the
//! report is the command that runs the same. A program that needs no command line takes the crate with
//! `default-features = false`.
//!
//! # The story of one message
//!
//! Names in this section are modules of the crate, which `docs/ARCHITECTURE.md` describes.
//!
//! A [`Draft`] is what somebody asks for; [`Draft::build`] makes a valid [`Scenario`] of it or says what is wrong.
//! `simulation` draws the overlay (`topology`), binds what the carrier needs (`transport`), cuts the nodes into shards
//! and starts a pinned worker for each (`runtime`).
//!
//! When all stand at the barrier, the worker that owns the origin reads its clock, which is time 0, and publishes the
//! order: `protocol::Push` delivers it and asks for a forward. The forward waits, sixteen bytes of it, in the shard's
//! queue. On its turn the targets are drawn (`protocol::TargetDraw`): the first `fanout` peers in a permutation keyed
//! by seed, order and node. Each copy is a `message::Message`; the carrier patches ten bytes of a datagram that was
//! encoded once (`wire`) and hands it to the kernel from the sender's own socket.
//!
//! On the other side a worker's poll names the readable sockets. A datagram is admitted if it bears the run's token, is
//! for this node, and comes from the address of the node it names. After the batch the clock is read, once. If the node
//! has the order already, that was a duplicate, at the price of its header. If not, the order behind the header is
//! decoded and compared, and `protocol::Push` delivers it: the bit in the `coverage` is set, the receipt noted, a
//! forward queued. The batch's marks are added to the shared count; the addition that carries it over the target raises
//! the stop (`sync::Stop`), and every worker leaves its loop.
//!
//! Nobody sends any more: whatever is still in a socket is found and counted, the kernel is asked what it dropped, and
//! the ledger must balance (`record::Ledger`). The merged `record::RunRecord` becomes a [`Report`].
//!
//! With several processes each has its share of the workers, and all of this goes on between them as between threads:
//! what they share lies in memory that all of them map (`sync::Arena`), and the parent puts together what they report.
//!
//! In virtual time there is no carrier and no waiting: `engine` hands messages to the same protocol, window by window
//! of the least latency that the `network` has, and one seed gives one outcome on any number of threads.

// What is public in a private module is there for other modules, and reachable with `internals` alone. A room passes on
// all types of its signatures, and not every one is named elsewhere.
#![cfg_attr(not(feature = "internals"), allow(unreachable_pub, unused_imports))]
// Experiments, closed forms and files of figures serve the command line alone: with `cli`, which is the default, dead
// code is seen.
#![cfg_attr(not(any(feature = "internals", feature = "cli")), allow(dead_code))]

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

pub use api::{Outcome, Simulation};
pub use experiment::{CompareError, Comparison, ComparisonReport};
pub use ids::{NodeId, OrderIndex};
pub use message::{Kind, Message, OrderHop, Tail, WordTail};
pub use parts::OrderCut;
pub use protocol::{Announcement, Context, Protocol, ProtocolState, ShardView, Targets};
pub use report::Report;
pub use scenario::{
    BulkOptions, CarrierOptions, Draft, Engine, FailureOptions, FileError, OriginsKind, OverlayOptions, Pin,
    ProtocolKind, ProtocolOptions, RunOptions, Scenario, ScenarioError, ScenarioValues, Spin, TransportKind, Ttl,
    Until, WorkloadOptions,
};
pub use simulation::SimulationError;
pub use sync::Interrupt;
pub use time::Nanos;

pub mod errors {
    //! The causes of a [`ScenarioError`](crate::ScenarioError), a [`SimulationError`](crate::SimulationError) and a
    //! [`FileError`](crate::FileError), for programs that tell them apart.
    //!
    //! Each prints what was asked for, the limit, and what to do.

    pub use crate::adversary::AdversaryError;
    pub use crate::engine::EngineError;
    pub use crate::experiment::ReportFault;
    pub use crate::memory::{MemoryError, MemoryNeed, MemoryPart};
    pub use crate::network::{
        BandwidthUseError, FaultError, LatencyError, LossError, MatrixError, MatrixLineFault, NetworkError, PlaceFault,
        RegionError,
    };
    pub use crate::order::ParseSymbolError;
    pub use crate::protocol::{BadKnob, StakeFault};
    pub use crate::runtime::RuntimeError;
    pub use crate::runtime::processes::StartError;
    pub use crate::scenario::{BadValue, FileProblem, ProtocolMismatch, SocketOwner};
    pub use crate::simulation::ProcessesError;
    pub use crate::sync::Interrupted;
    pub use crate::sys::{AvailableMemory, MemoryBound};
    pub use crate::table::{TableError, TableFault, TableProblem};
    pub use crate::threads::ThreadError;
    pub use crate::topology::{EdgeLineFault, EdgeListError, StorageError, TopologyError};
    pub use crate::transport::{BindError, TransportError};
    pub use crate::workload::PublicationFault;
}

pub mod figures {
    //! The figures of a [`Report`](crate::Report): the types of its fields, and of theirs.
    //!
    //! Times are nanoseconds from the publication of the order, shares lie between 0 and 1, and bytes are UDP payload.
    //! A figure that was not kept, or that has no value, is `None`. `docs/REPORT.md` defines each field under the same
    //! name.

    pub use crate::analysis::{
        AccessLinkFigures, AcrossRuns, AtStop, Bin, BulkFigures, BytesPerNode, ClusterProcessFigures, DelayFigures,
        DistributionPart, Estimate, Goal, GroupFigures, Lateness, LedgerFigures, LinkSideFigures, LinkUseSpread,
        MachineFigures, OrderTimes, ProcessFigures, ReplicateFigures, Row, RunFigures, Runs, Statistic, Summary,
        TimeTo, WorkerFigures, WorstOrder,
    };
    pub use crate::experiment::{
        ComparisonText, FigureChange, FigureLimit, FigureSummary, LimitVerdict, RegressionCheck, RowReport,
    };
    pub use crate::record::{End, GroupKind, Ledger, Missing, OrderOutcome, OverlayFacts, SpyRecord, UpkeepCounts};
    pub use crate::report::{Host, TimeBase};
    pub use crate::wire::StrayCounts;
}

pub mod options {
    //! The values of options: the types of the fields of a [`Draft`](crate::Draft) and a [`Scenario`](crate::Scenario).
    //!
    //! Each reads from text what its flag takes, and prints what it reads. `docs/OPTIONS.md` has the flags,
    //! `docs/NETWORK.md` the models behind them.
    //!
    //! ```
    //! use bulk_order_propagation::Draft;
    //!
    //! # fn main() -> Result<(), Box<dyn std::error::Error>> {
    //! let latency = "uniform:10ms..50ms".parse()?;
    //! let draft = Draft { latency: Some(latency), loss: Some("2%".parse()?), ..Draft::default() };
    //! # assert_eq!(draft.latency.unwrap().to_string(), "uniform:10ms..50ms");
    //! # Ok(())
    //! # }
    //! ```

    pub use crate::adversary::AdversarySpec;
    pub use crate::network::{
        BandwidthSpec, BurstScope, BurstSpec, ChurnSpec, DetectSpec, DownSpec, Exponential, FaultSpec, Latency,
        LatencySpec, LinkFile, LinkLatency, LogNormal, LossSpec, NetworkSpec, Normal, Pareto, PartitionSpec, Paths,
        PlaceFile, PlaceSpec, Places, Rates, RegionSpec, ShapeParameter, UplinkShare, Weibull,
    };
    pub use crate::order::Symbol;
    pub use crate::protocol::{
        BitcoinKnobs, CallMode, EagerLinks, FloodKnobs, GossipsubKnobs, HopFanouts, HyParViewKnobs, Knob, Knobs,
        LazyKnobs, PlumtreeKnobs, Preset, PushFanout, PushKnobs, PushPullKnobs, StakeFile, StakeKnob, SwimKnobs,
        TurbineKnobs,
    };
    pub use crate::ratio::Ratio;
    pub use crate::scenario::{
        KnobSheet, MembershipSpec, MixSpec, PayloadBytes, ProtocolKnobs, ProtocolSheet, ProtocolSpec, WindowSize,
    };
    pub use crate::topology::{EdgeList, TopologySpec};
    pub use crate::workload::{Arrivals, ListedPublication, Origins, PublicationList, Rate};
}

#[cfg(not(feature = "internals"))]
mod adversary;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod adversary;
#[cfg(not(feature = "internals"))]
mod analysis;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod analysis;
#[cfg(not(feature = "internals"))]
mod api;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod api;
// Nothing uses it before the engine can run over several machines.
#[allow(dead_code)]
#[cfg(all(feature = "cluster", not(feature = "internals")))]
mod cluster;
#[cfg(all(feature = "cluster", feature = "internals"))]
#[doc(hidden)]
pub mod cluster;
#[cfg(not(feature = "internals"))]
mod coverage;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod coverage;
#[cfg(not(feature = "internals"))]
mod engine;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod engine;
#[cfg(not(feature = "internals"))]
mod escape;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod escape;
#[cfg(not(feature = "internals"))]
mod experiment;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod experiment;
#[cfg(not(feature = "internals"))]
mod ids;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod ids;
#[cfg(not(feature = "internals"))]
mod memory;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod memory;
#[cfg(not(feature = "internals"))]
mod message;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod message;
#[cfg(not(feature = "internals"))]
mod network;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod network;
#[cfg(not(feature = "internals"))]
mod order;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod order;
#[cfg(not(feature = "internals"))]
mod parts;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod parts;
#[cfg(not(feature = "internals"))]
mod protocol;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod protocol;
#[cfg(not(feature = "internals"))]
mod quantity;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod quantity;
#[cfg(not(feature = "internals"))]
mod random;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod random;
#[cfg(not(feature = "internals"))]
mod ratio;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod ratio;
#[cfg(not(feature = "internals"))]
mod record;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod record;
#[cfg(not(feature = "internals"))]
mod report;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod report;
#[cfg(not(feature = "internals"))]
mod runtime;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod runtime;
#[cfg(not(feature = "internals"))]
mod scenario;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod scenario;
#[cfg(not(feature = "internals"))]
mod simd;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod simd;
#[cfg(not(feature = "internals"))]
mod simulation;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod simulation;
#[cfg(not(feature = "internals"))]
mod sync;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod sync;
#[cfg(not(feature = "internals"))]
mod sys;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod sys;
#[cfg(not(feature = "internals"))]
mod table;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod table;
#[cfg(not(feature = "internals"))]
mod theory;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod theory;
#[cfg(not(feature = "internals"))]
mod threads;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod threads;
#[cfg(not(feature = "internals"))]
mod time;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod time;
#[cfg(not(feature = "internals"))]
mod topology;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod topology;
#[cfg(not(feature = "internals"))]
mod trace;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod trace;
#[cfg(not(feature = "internals"))]
mod transport;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod transport;
#[cfg(not(feature = "internals"))]
mod wire;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod wire;
#[cfg(not(feature = "internals"))]
mod workload;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod workload;
