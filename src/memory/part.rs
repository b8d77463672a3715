//! The purposes of memory, and what to ask for to need less of it.

/// A purpose of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryPart {
    /// The peers of all nodes.
    Overlay,
    /// Links that have not become rows yet.
    Links,
    /// Each node's counts and figures, and what is reported of them.
    Nodes,
    /// The first receipts.
    Receipts,
    /// The bits by which nodes tell orders apart.
    Window,
    /// The orders, and their counts.
    Orders,
    /// Channels from worker to worker, and sockets.
    Channels,
    /// The targets of one forward.
    Targets,
    /// The figures that links have of their own, and the last arrivals on links that keep order.
    OwnLinks,
    /// The rows of a trace that are in memory: those that are not written yet, or those that are merged.
    Trace,
}

impl MemoryPart {
    pub(super) const fn words(self) -> &'static str {
        match self {
            MemoryPart::Overlay => "the overlay",
            MemoryPart::Links => "the links of the overlay while it is built",
            MemoryPart::Nodes => "the figures of each node",
            MemoryPart::Receipts => "first receipts",
            MemoryPart::Window => "the windows of all nodes",
            MemoryPart::Orders => "the orders",
            MemoryPart::Channels => "what leads from worker to worker",
            MemoryPart::Targets => "the targets of one forward",
            MemoryPart::OwnLinks => "the figures of single links",
            MemoryPart::Trace => "the rows of the trace",
        }
    }

    pub(super) const fn advice(self) -> &'static str {
        match self {
            MemoryPart::Overlay | MemoryPart::Links => {
                "fewer --nodes or --peers, or for --topology regular-implicit or complete, which are not stored"
            }
            MemoryPart::Nodes => "fewer --nodes",
            MemoryPart::Receipts => "fewer --orders or --nodes",
            MemoryPart::Window => "a lesser --window, or fewer --nodes",
            MemoryPart::Orders => "fewer --orders or --threads, or a lesser --payload-bytes",
            MemoryPart::Channels => "fewer --threads",
            MemoryPart::Targets => "a lesser --fanout, fewer --nodes or another --topology",
            MemoryPart::OwnLinks => "fewer --nodes or --peers, or no --links and no ,ordered",
            MemoryPart::Trace => "no --trace, or for fewer --threads",
        }
    }
}
