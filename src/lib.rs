//! Bulk Order Propagation: a laboratory for how orders spread through a gossip network.

pub mod coverage;
pub mod gossip;
pub mod ids;
pub mod message;
pub mod order;
pub mod random;
pub mod ratio;
pub mod report;
pub mod runtime;
pub mod scenario;
pub mod simulation;
pub mod stats;
pub mod sync;
pub mod theory;
pub mod time;
pub mod topology;
pub mod transport;
pub mod wire;
