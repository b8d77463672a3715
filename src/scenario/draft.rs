//! The one table of options, put together from the tables of the groups. Flags, the lines of a file, the effective
//! scenario and the replay command are all read into it and written from it; the comments in the tables are the text of
//! `--help`.
//!
//! An option that was not asked for is `None`, so that a default is never mistaken for a request. `resolve.rs` and the
//! groups decide what the options mean together.
//!
//! Two designs were rejected. Serde's derived deserialization reports errors in its own terms, without limit or advice,
//! and takes a share as the nearest double; an option in a file is read by the reader of its flag instead. A struct for
//! each group inside the draft would make a caller that sets nodes and a latency know the groups of these options.

use super::parse::{choose, model, part_of, truth};
use super::{
    BadValue, Engine, OriginsKind, PayloadBytes, Pin, ProtocolKind, Spin, TransportKind, Ttl, Until, WindowSize,
    limits, network, overlay, protocol, run, workload,
};
use crate::adversary::AdversarySpec;
use crate::network::{BandwidthSpec, ChurnSpec, DownSpec, LatencySpec, LossSpec, PartitionSpec, RegionSpec};
use crate::ratio::Ratio;
use crate::time::Nanos;
use crate::topology::TopologySpec;
use crate::workload::{Arrivals, Rate};
use serde::Serialize;

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
        [$heading:tt]
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
            /// Names of the fields of the table, group by group.
            pub(super) const FIELDS: &[&str] = &[$($(stringify!($field)),+),+];

            /// Returns this draft, with the value from `other` for each option that it does not set.
            pub fn or(self, other: Draft) -> Draft {
                Draft { $($($field: self.$field.or(other.$field)),+),+ }
            }

            /// Reads the option of the field named `field`; `None` if there is no such field.
            pub(super) fn read(field: &str, text: &str) -> Option<Result<Draft, BadValue>> {
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
    [overlay_options protocol_options workload_options carrier_options network_options failures_options run_options]
}
