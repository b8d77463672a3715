//! How one shard's marker keeps its bits: where the bit of a node and an order is, what a node has forgotten, and what
//! was marked since the last publication.

use super::{Horizon, Window, WindowPosition};
use crate::ids::OrderIndex;
use crate::sync::{Section, touched};

/// A way to keep bits and fresh marks.
pub trait DedupWindow: Send {
    /// For so many nodes and orders.
    fn new(nodes: usize, orders: u32, window: Window) -> Self;

    /// Makes room for an order at a node, or says how far behind the newest it is where it is too old for that.
    fn make_room(&mut self, section: &mut Section<'_>, local: u32, order: OrderIndex) -> Result<(), u32>;

    /// What can be said without a look at the bit: whether the node has the order or has forgotten it.
    fn knows(&self, local: u32, order: OrderIndex) -> Option<bool>;

    /// Where the bit is, once there is room for it.
    fn place(&self, local: u32, order: OrderIndex) -> usize;

    /// Remembers a fresh mark.
    fn note(&mut self, order: OrderIndex);

    /// Gives the fresh marks of each order that has any, and forgets them.
    fn drain(&mut self, each: impl FnMut(OrderIndex, u64));
}

/// One order: a bit per node, and one count.
pub struct SingleOrderWindow {
    fresh: u64,
}

impl DedupWindow for SingleOrderWindow {
    fn new(_: usize, orders: u32, _: Window) -> SingleOrderWindow {
        assert_eq!(orders, 1, "a marker for one order");
        SingleOrderWindow { fresh: 0 }
    }

    #[inline(always)]
    fn make_room(&mut self, _: &mut Section<'_>, _: u32, _: OrderIndex) -> Result<(), u32> {
        Ok(())
    }

    #[inline(always)]
    fn knows(&self, _: u32, _: OrderIndex) -> Option<bool> {
        None
    }

    #[inline(always)]
    fn place(&self, local: u32, _: OrderIndex) -> usize {
        local as usize
    }

    #[inline(always)]
    fn note(&mut self, _: OrderIndex) {
        self.fresh += 1;
    }

    #[inline(always)]
    fn drain(&mut self, mut each: impl FnMut(OrderIndex, u64)) {
        if self.fresh > 0 {
            each(OrderIndex(0), std::mem::take(&mut self.fresh));
        }
    }
}

/// Many orders: a window of bits per node.
pub struct SlidingWindow {
    window: Window,
    horizon: Horizon,
    /// By order, marks not yet published.
    fresh: Vec<u32>,
    /// Orders that have some.
    seen: Vec<OrderIndex>,
}

impl DedupWindow for SlidingWindow {
    fn new(nodes: usize, orders: u32, window: Window) -> SlidingWindow {
        SlidingWindow {
            window,
            horizon: Horizon::new(nodes, window),
            fresh: touched(orders as usize, 0),
            seen: Vec::with_capacity(orders as usize),
        }
    }

    #[inline]
    fn make_room(&mut self, section: &mut Section<'_>, local: u32, order: OrderIndex) -> Result<(), u32> {
        let newest = match self.horizon.see(local, order) {
            WindowPosition::Within => return Ok(()),
            WindowPosition::Behind(behind) => return Err(behind),
            WindowPosition::Ahead { before } => before,
        };
        // The words from behind the newest order's up to this one's are those of orders long gone.
        let words = self.window.bits / u64::BITS;
        let (before, now) = (newest.div_ceil(u64::BITS), order.0 / u64::BITS + 1);
        for word in before..now.min(before.saturating_add(words)) {
            section.clear_word(self.place(local, OrderIndex(word * u64::BITS)));
        }
        Ok(())
    }

    #[inline]
    fn knows(&self, local: u32, order: OrderIndex) -> Option<bool> {
        self.horizon.knows(local, order)
    }

    #[inline]
    fn place(&self, local: u32, order: OrderIndex) -> usize {
        let Window { bits, slides, .. } = self.window;
        let bit = if slides { order.0 % bits } else { order.0 };
        local as usize * bits as usize + bit as usize
    }

    #[inline]
    fn note(&mut self, order: OrderIndex) {
        let fresh = &mut self.fresh[order.index()];
        if *fresh == 0 {
            self.seen.push(order);
        }
        *fresh += 1;
    }

    #[inline]
    fn drain(&mut self, mut each: impl FnMut(OrderIndex, u64)) {
        for order in self.seen.drain(..) {
            each(order, u64::from(std::mem::take(&mut self.fresh[order.index()])));
        }
    }
}
