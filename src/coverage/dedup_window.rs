//! The bits of one shard's marker: the position of the bit of a node and an order, the orders that a node has
//! forgotten, and the marks since the last publication.

use super::{Horizon, Window, WindowPosition};
use crate::ids::OrderIndex;
use crate::sync::Section;
use crate::sys::touched;

/// A storage of bits and unpublished marks.
pub trait DedupWindow: Send {
    /// Creates the storage for `nodes` nodes and `orders` orders.
    fn new(nodes: usize, orders: u32, window: Window) -> Self;

    /// Makes room for an order at a node, or returns its distance behind the newest if it is too old for that.
    fn make_room(&mut self, section: &mut Section<'_>, local: u32, order: OrderIndex) -> Result<(), u32>;

    /// Returns true if the node has forgotten the order and false if it cannot have it, or `None` if its bit decides.
    fn knows(&self, local: u32, order: OrderIndex) -> Option<bool>;

    /// Returns true if a node may forget an order. Otherwise the bits of a node decide on every order.
    fn forgets(&self) -> bool;

    /// Returns the position of the bit, once there is room for it.
    fn place(&self, local: u32, order: OrderIndex) -> usize;

    /// Counts a new mark.
    fn note(&mut self, order: OrderIndex);

    /// Passes the number of new marks of each order that has any to `each`, and resets it.
    fn drain(&mut self, each: impl FnMut(OrderIndex, u64));
}

/// The storage for a single order: a bit per node, and one count.
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
    fn forgets(&self) -> bool {
        false
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

/// The storage for many orders: a window of bits per node.
pub struct SlidingWindow {
    window: Window,
    horizon: Horizon,
    /// By order, the number of marks not yet published.
    fresh: Vec<u32>,
    /// Orders that have unpublished marks.
    seen: Vec<OrderIndex>,
}

impl DedupWindow for SlidingWindow {
    fn new(nodes: usize, orders: u32, window: Window) -> SlidingWindow {
        SlidingWindow {
            window,
            horizon: Horizon::new(nodes, window),
            // Touched and reserved now, so that marking neither allocates nor faults during the run.
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
        // The words after that of the previous newest order, up to that of this one, still hold bits of orders that
        // have left the window.
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

    fn forgets(&self) -> bool {
        self.window.slides
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
        // Listed once, so that draining takes time per marked order and not per order of the run.
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
