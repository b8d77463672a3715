//! Bulk Order Propagation: a laboratory for how orders spread through a gossip network.

pub mod ids;
pub mod message;
pub mod order;
pub mod random;
pub mod ratio;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod time;
pub mod topology;
pub mod wire;
