//! The parts of the orders of a run, with their bodies, encoded when they are first needed.

use crate::ids::OrderIndex;
use crate::order::Order;
use crate::parts::{EncodedParts, OrderCut, PartName};
use std::sync::{Arc, OnceLock};

/// The parts of all orders, for the workers of a process.
///
/// The worker of an order's publisher encodes it, and the others read the same bytes; another process encodes an order
/// for itself, as it makes every order for itself.
#[derive(Debug)]
pub struct OrderParts {
    cut: OrderCut,
    orders: Vec<Arc<Order>>,
    encoded: Box<[OnceLock<EncodedParts>]>,
}

impl OrderParts {
    /// Creates the parts of these orders, none of which is encoded yet.
    pub fn new(cut: OrderCut, orders: &[Arc<Order>]) -> OrderParts {
        let encoded = orders.iter().map(|_| OnceLock::new()).collect();
        OrderParts { cut, orders: orders.to_vec(), encoded }
    }

    /// Returns the bytes of the body of each part.
    pub fn body_bytes(&self) -> u32 {
        self.cut.body_bytes
    }

    /// Returns the body of the part of an order that the tail of a message names; empty if there is no such part.
    pub fn body_of(&self, order: OrderIndex, tail: &[u64]) -> &[u8] {
        tail.first().map_or(&[], |&word| self.of(order).body(PartName::of_word(word)))
    }

    /// Returns the parts of an order, and encodes them if nobody has yet.
    pub fn of(&self, order: OrderIndex) -> &EncodedParts {
        self.encoded[order.index()].get_or_init(|| {
            // Only a buffer that is too short makes this fail, and a vector grows.
            let bytes = postcard::to_extend(&self.orders[order.index()].view(), Vec::new()).unwrap_or_default();
            EncodedParts::encode(self.cut, &bytes)
        })
    }
}
