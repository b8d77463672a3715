//! The position of each node's window, which decides the orders that it has forgotten.
//!
//! All carriers and virtual time use this code, so that `--window` has the same meaning everywhere.

use super::Window;
use crate::ids::OrderIndex;

/// The positions of the windows of some nodes.
#[derive(Debug)]
pub struct Horizon {
    /// Orders that a node can tell apart, the newest included.
    orders: u32,
    /// By node, one more than the newest order that it has seen; empty if the window holds all orders.
    newest: Vec<u32>,
}

/// The position of an order relative to a node's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowPosition {
    /// Within the window.
    Within,
    /// Ahead of the window, which has now moved.
    Ahead {
        /// One more than the newest order that the node had seen before.
        before: u32,
    },
    /// Older than the window, this many orders behind the newest.
    Behind(u32),
}

impl Horizon {
    /// Creates the windows of `nodes` nodes that have seen no order.
    pub fn new(nodes: usize, window: Window) -> Horizon {
        Horizon { orders: window.orders, newest: vec![0; if window.slides { nodes } else { 0 }] }
    }

    /// Returns the position of an order at a node, and moves the window if the order is the newest.
    #[inline]
    pub fn see(&mut self, local: u32, order: OrderIndex) -> WindowPosition {
        // There are no positions if the window holds all orders: none is ever ahead or behind.
        let Some(newest) = self.newest.get_mut(local as usize) else { return WindowPosition::Within };
        if order.0 >= *newest {
            return WindowPosition::Ahead { before: std::mem::replace(newest, order.0 + 1) };
        }
        match *newest - 1 - order.0 {
            behind if behind >= self.orders => WindowPosition::Behind(behind),
            _ => WindowPosition::Within,
        }
    }

    /// Returns true if the node has forgotten the order and false if it is newer than all it has seen, or `None` if the
    /// marks decide.
    #[inline]
    pub fn knows(&self, local: u32, order: OrderIndex) -> Option<bool> {
        match self.newest.get(local as usize) {
            Some(&newest) if order.0 >= newest => Some(false),
            Some(&newest) if newest - 1 - order.0 >= self.orders => Some(true),
            _ => None,
        }
    }
}
