//! How far each node's window has moved: which orders it has forgotten.
//!
//! Every carrier and virtual time ask this, so that `--window` means the same everywhere.

use super::Window;
use crate::ids::OrderIndex;

/// By node, how far its window has moved.
#[derive(Debug)]
pub struct Horizon {
    /// Orders that a node tells apart, the newest included.
    orders: u32,
    /// By node, one more than the newest order that it has seen; empty where the window holds them all.
    newest: Vec<u32>,
}

/// Where an order lies from a node that sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowPosition {
    /// Within the window.
    Within,
    /// Ahead of it, which has now moved; `before` is one more than the newest order that the node had seen.
    Ahead {
        /// That number.
        before: u32,
    },
    /// Older than the window, so many orders behind the newest.
    Behind(u32),
}

impl Horizon {
    /// Of so many nodes that have seen nothing.
    pub fn new(nodes: usize, window: Window) -> Horizon {
        Horizon { orders: window.orders, newest: vec![0; if window.slides { nodes } else { 0 }] }
    }

    /// Shows an order to a node: says where it lies, and moves the window if it is the newest.
    #[inline]
    pub fn see(&mut self, local: u32, order: OrderIndex) -> WindowPosition {
        let Some(newest) = self.newest.get_mut(local as usize) else { return WindowPosition::Within };
        if order.0 >= *newest {
            return WindowPosition::Ahead { before: std::mem::replace(newest, order.0 + 1) };
        }
        match *newest - 1 - order.0 {
            behind if behind >= self.orders => WindowPosition::Behind(behind),
            _ => WindowPosition::Within,
        }
    }

    /// What can be said without a look at the marks: whether the order would be no news to the node, because it has forgotten it.
    #[inline]
    pub fn knows(&self, local: u32, order: OrderIndex) -> Option<bool> {
        match self.newest.get(local as usize) {
            Some(&newest) if order.0 >= newest => Some(false),
            Some(&newest) if newest - 1 - order.0 >= self.orders => Some(true),
            _ => None,
        }
    }
}
