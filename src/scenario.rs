//! The whole experiment as one valid value: code that holds a [`Scenario`] need not check it again.
//!
//! A [`Draft`] is what a person asks for; [`Draft::build`] makes a scenario of it or says what is wrong. Running a
//! scenario is not here, and neither is the reading of arguments and files: this room turns text into values. The only
//! files read here are an edge list, because it determines the number of nodes and their ids, and a list of
//! publications, because it determines the number of orders.
//!
//! Each group of options has a file: its part of the table with the text of `--help`, its readers, its part of the
//! scenario with the defaults and checks, and the way back to flags. The table of all options is put together here.
//! Flags, the lines of a file, the effective scenario and the replay command are all read into a draft and written from
//! it. An option that was not asked for is `None`, so that a default is never mistaken for a request.
//!
//! Two designs were rejected. Serde's derived deserialization reports errors in its own terms, without limit or advice,
//! and takes a share as the nearest double; an option in a file is read by the reader of its flag instead. A struct for
//! each group inside the draft would make a caller that sets nodes and a latency know the groups of these options.

#[macro_use]
mod carrier_options;
#[macro_use]
mod failures_options;
#[macro_use]
mod membership_options;
#[macro_use]
mod network_options;
#[macro_use]
mod overlay_options;
#[macro_use]
mod protocol_options;
#[macro_use]
mod run_options;
#[macro_use]
mod workload_options;

mod auto_fanout;
mod bad_value;
mod error;
mod file;
mod kinds;
pub mod limits;
mod membership_mismatch;
mod mix_check;
mod mix_sides;
mod mix_spec;
mod order_traffic;
mod parse;
mod payload;
mod protocol_mismatch;
mod protocol_spec;
mod protocol_traits;
mod replay;
mod resolve;
mod shell;
mod stake_options;
#[cfg(all(test, feature = "cli"))]
mod tests;
mod transport_kind;
mod until;
mod virtual_threads;
mod warm_up;
mod window;

pub use bad_value::BadValue;
pub use carrier_options::CarrierOptions;
pub use error::ScenarioError;
pub use failures_options::FailureOptions;
pub use file::{FileError, FileProblem};
pub use kinds::{Choice, Engine, OriginsKind, Pin, ProtocolKind, Spin};
pub use membership_mismatch::MembershipMismatch;
pub use membership_options::MembershipOptions;
pub use mix_spec::MixSpec;
pub use overlay_options::OverlayOptions;
pub use payload::PayloadBytes;
pub use protocol_mismatch::ProtocolMismatch;
pub use protocol_options::{ProtocolOptions, Ttl};
pub use protocol_spec::{KnobSheet, MembershipSpec, ProtocolKnobs, ProtocolSheet, ProtocolSpec};
pub use protocol_traits::ProtocolTraits;
pub use run_options::RunOptions;
pub use shell::pasteable;
pub use transport_kind::{CarrierTraits, SocketOwner, TransportKind};
pub use until::Until;
pub use workload_options::{BulkOptions, WindowSize, WorkloadOptions};

use crate::adversary::AdversarySpec;
use crate::network::{
    BandwidthSpec, ChurnSpec, DetectSpec, DownSpec, LatencySpec, LossSpec, NetworkSpec, PartitionSpec, Paths,
    PlaceSpec, RegionSpec,
};
use crate::ratio::Ratio;
use crate::sync::Interrupt;
use crate::time::Nanos;
use crate::topology::{NodeNames, Topology, TopologyError, TopologySpec};
use crate::workload::{Arrivals, Bulk, Rate, Workload};
use parse::{choose, model, part_of, truth};
use serde::Serialize;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// An experiment that can be run as it stands. Its values can be read and not set: only [`Draft::build`] and
/// [`Scenario::with`] make one, and they check it as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario(ScenarioValues);

impl Deref for Scenario {
    type Target = ScenarioValues;

    fn deref(&self) -> &ScenarioValues {
        &self.0
    }
}

/// The values of a scenario by groups of options, each value within its limit and consistent with all others.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioValues {
    /// Nodes, and which of them are peers.
    pub overlay: OverlayOptions,
    /// Handling of an order by a node.
    pub protocol: ProtocolOptions,
    /// The way in which nodes join; `None` if an overlay gives their peers.
    pub membership: Option<MembershipOptions>,
    /// Orders, their origins and arrival times.
    pub workload: WorkloadOptions,
    /// Carrier of messages, and the workers that drive it.
    pub carrier: CarrierOptions,
    /// Model of the network: always present in virtual time; on a real carrier `None`, or a model in front of it.
    pub network: Option<NetworkSpec>,
    /// Failures of nodes and links, and nodes that do not follow the protocol.
    pub failures: FailureOptions,
    /// Goal, end and repetitions.
    pub run: RunOptions,
}

impl Scenario {
    /// Returns the number of orders that a run publishes.
    pub fn orders(&self) -> u32 {
        self.workload.bulk.map_or(1, |bulk| bulk.orders)
    }

    /// Builds the overlay.
    ///
    /// # Errors
    ///
    /// `TopologyError` if it cannot be drawn or stored.
    #[doc(hidden)]
    pub fn overlay(&self) -> Result<Arc<Topology>, TopologyError> {
        self.overlay_unless(&Interrupt::new())
    }

    /// Builds the overlay, unless the user interrupts it meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`overlay`](Self::overlay), and `TopologyError::Interrupted`.
    #[doc(hidden)]
    pub fn overlay_unless(&self, interrupt: &Interrupt) -> Result<Arc<Topology>, TopologyError> {
        match &self.overlay.edge_list {
            Some(list) => Ok(list.overlay(self.overlay.nodes)?),
            None => {
                let OverlayOptions { nodes, topology, peers, .. } = &self.overlay;
                topology.build_unless(*nodes, *peers, self.run.seed, interrupt).map(Arc::new)
            }
        }
    }

    /// Returns the ids of the nodes.
    #[doc(hidden)]
    pub fn names(&self) -> NodeNames {
        self.overlay.names()
    }

    /// Draws which order enters where, and when, unless a file lists it.
    #[doc(hidden)]
    pub fn workload(&self) -> Workload {
        if let Some(list) = &self.workload.publications {
            let (names, nodes) = (self.names(), self.overlay.nodes);
            return list.workload(|id| names.find(id, nodes));
        }
        let one = BulkOptions {
            orders: 1,
            rate: Rate::per_second(1),
            arrivals: Some(Arrivals::Constant),
            window: WindowSize::Auto,
        };
        let BulkOptions { orders, rate, arrivals, .. } = self.workload.bulk.unwrap_or(one);
        let (origins, arrivals) = (self.workload.origins, arrivals.unwrap_or(Arrivals::Constant));
        Workload::bulk(self.run.seed, self.overlay.nodes, Bulk { orders, rate, arrivals, origins })
    }

    /// Lists the files that the scenario is read from, each with the option that names it.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let topology = match &self.overlay.topology {
            TopologySpec::File { path } => Some(("topology", Path::new(path))),
            _ => None,
        };
        let network = match self.network.as_ref().map(|network| &network.paths) {
            Some(Paths::Regions(RegionSpec::File { path })) => Some(("network", Path::new(path))),
            _ => None,
        };
        let publications = self.workload.publications.as_ref().map(|list| ("publications", Path::new(list.path())));
        let place = self.network.as_ref().and_then(|network| network.places.listed());
        let place = place.map(|file| ("place", Path::new(file.path())));
        let links = self.network.as_ref().and_then(|network| network.links.as_ref());
        let links = links.map(|file| ("links", Path::new(file.path())));
        let stakes = self.protocol.stakes.as_ref().map(|file| ("stakes", Path::new(file.path())));
        topology.into_iter().chain(network).chain(place).chain(links).chain(publications).chain(stakes)
    }

    /// Returns the seed of a run, counted from 0.
    pub fn seed_of(&self, run: u32) -> u64 {
        // A sum within `runs` does not overflow, because the draft refuses more runs than there are seeds.
        if self.run.same_seed { self.run.seed } else { self.run.seed.saturating_add(u64::from(run)) }
    }

    /// Returns the single run of this scenario that has this seed.
    pub fn run_of_seed(&self, seed: u64) -> Scenario {
        let mut values = self.0.clone();
        values.run = RunOptions { seed, runs: 1, same_seed: false, ..values.run };
        Scenario(values)
    }

    /// Returns the scenario that publishes the first `orders` of its orders alone, at least one. In place of its
    /// instant it ends at rest, if that comes before.
    pub fn with_first_orders(&self, orders: u32) -> Scenario {
        let (mut values, orders) = (self.0.clone(), orders.max(1));
        let workload = &mut values.workload;
        workload.publications = workload.publications.as_ref().map(|list| list.first(orders));
        workload.bulk = workload.bulk.filter(|_| orders > 1).map(|bulk| {
            let window = match bulk.window {
                WindowSize::Orders(window) => WindowSize::Orders(window.min(orders)),
                WindowSize::Auto => WindowSize::Auto,
            };
            BulkOptions { orders: orders.min(bulk.orders), window, ..bulk }
        });
        let Until::Instant(until) = values.run.until else { return Scenario(values) };
        values.run.until = Until::Quiescent;
        let mut first = Scenario(values);
        first.0.run.timeout = Some(until - first.workload().last_due());
        first
    }

    /// Returns the scenario on at most `threads` of its threads, and at least one, pinned as `pin` says.
    pub fn on_fewer_threads(&self, threads: usize, pin: Pin) -> Scenario {
        let mut values = self.0.clone();
        values.carrier.threads = threads.clamp(1, values.carrier.threads);
        values.carrier.pin = pin;
        Scenario(values)
    }

    /// Returns the scenario with the engine that handles every message, unless another one is asked for by name.
    pub fn with_every_message(&self) -> Scenario {
        let mut values = self.0.clone();
        if values.carrier.engine == Engine::Auto {
            values.carrier.engine = Engine::General;
        }
        Scenario(values)
    }

    /// Makes a scenario of values that no draft may give, for tests of the code that takes a scenario.
    #[cfg(test)]
    pub(crate) fn unchecked(values: ScenarioValues) -> Scenario {
        Scenario(values)
    }

    /// Returns the number of worker threads of all processes together.
    pub fn workers(&self) -> usize {
        self.carrier.threads * self.carrier.processes
    }
}

/// Passes the table so far to the next group, which appends its options.
macro_rules! next_group {
    ([$next:ident $($rest:ident)*] $($given:tt)*) => {
        $next! { [$($rest)*] $($given)* }
    };
    ([] $($given:tt)*) => {
        declare_draft! { $($given)* }
    };
}

/// Declares the draft. An option is its name, the type of its value, the placeholder of the value in the help, and its
/// reader.
macro_rules! declare_draft {
    ($(
        [$heading:expr]
        $(
            $(#[doc = $help:tt])+
            $(#[serde($($serde:tt)+)])?
            $(#[arg($($arg:tt)+)])?
            $field:ident: $Value:ty = $placeholder:tt, $read:expr;
        )+
    )+) => {
        /// The request for an experiment: any of its options may be missing.
        #[derive(Clone, Debug, Default, PartialEq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        #[cfg_attr(feature = "cli", derive(clap::Args))]
        pub struct Draft {
            $($(
                $(#[doc = $help])+
                $(#[serde($($serde)+)])?
                #[cfg_attr(
                    feature = "cli",
                    arg(long, value_name = $placeholder, help_heading = $heading, value_parser = $read $(, $($arg)+)?)
                )]
                pub $field: Option<$Value>,
            )+)+
        }

        impl Draft {
            /// The heading of each group, and the names of its fields.
            const GROUPS: &[(&str, &[&str])] = &[$(($heading, &[$(stringify!($field)),+])),+];

            /// Returns this draft, with the value from `other` for each option that it does not set.
            pub fn or(self, other: Draft) -> Draft {
                Draft { $($($field: self.$field.or(other.$field)),+),+ }
            }

            /// Returns true if the option of the field named `field` was asked for.
            fn has(&self, field: &str) -> bool {
                $($(
                    if field == stringify!($field) {
                        return self.$field.is_some();
                    }
                )+)+
                false
            }

            /// Reads the option of the field named `field`; `None` if there is no such field.
            fn read(field: &str, text: &str) -> Option<Result<Draft, BadValue>> {
                $($(
                    if field == stringify!($field) {
                        let read: fn(&str) -> Result<$Value, BadValue> = $read;
                        return Some(read(text).map(|value| Draft { $field: Some(value), ..Draft::default() }));
                    }
                )+)+
                None
            }
        }
    };
}

next_group! {
    [overlay_options protocol_options membership_options workload_options carrier_options network_options
        failures_options run_options]
}
