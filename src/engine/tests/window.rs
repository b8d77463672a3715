//! `--window` in virtual time, held to push as one would write it on a page.

use super::*;
use crate::ids::OrderIndex;
use crate::message::OrderHop;
use crate::network::Fate;
use crate::protocol::TargetScratch;
use std::collections::BTreeMap;

/// The contents of a page: first receipts by order and node, duplicates, expired copies, and the orders that nodes lost
/// to expired copies.
type Page = (Vec<Receipt>, u64, u64, u64);

/// Nodes that remember everything, and the newest order that each has seen.
struct Nodes {
    receipts: Vec<Receipt>,
    newest: Vec<Option<u32>>,
    lost: Vec<bool>,
    duplicates: u64,
    expired: u64,
}

impl Nodes {
    /// Returns true if a copy is the first at its node.
    fn take(&mut self, nodes: usize, me: NodeId, order: OrderIndex, window: u32, receipt: Receipt) -> bool {
        let (newest, place) = (&mut self.newest[me.index()], order.index() * nodes + me.index());
        if newest.is_some_and(|newest| order.0 + window <= newest) {
            self.expired += 1;
            self.lost[place] |= !self.receipts[place].is_reached();
            return false;
        }
        *newest = (*newest).max(Some(order.0));
        if self.receipts[place].is_reached() {
            self.duplicates += 1;
            return false;
        }
        self.receipts[place] = receipt;
        true
    }
}

/// Each copy in the order in which it comes, what is published first.
fn on_a_page(case: &Case, setup: &EngineSetup<'_>) -> Page {
    let (nodes, orders) = (case.nodes as usize, case.workload.orders() as usize);
    let mut all = Nodes {
        receipts: vec![Receipt::NONE; nodes * orders],
        newest: vec![None; nodes],
        lost: vec![false; nodes * orders],
        duplicates: 0,
        expired: 0,
    };
    let mut sequences = vec![0_u32; nodes];
    let mut scratch = TargetScratch::default();
    let mut under_way: BTreeMap<(Nanos, NodeId, u32), (NodeId, OrderHop)> = BTreeMap::new();
    let mut publications = case.workload.publications().iter().peekable();
    loop {
        let next = under_way.first_key_value().map(|(&(time, ..), _)| time);
        let published = publications.next_if(|publication| next.is_none_or(|time| publication.due <= time));
        let (me, from, now, arrived) = match (published, published.is_none().then(|| under_way.pop_first()).flatten()) {
            (Some(publication), _) => (publication.origin, publication.origin, publication.due, None),
            (None, Some(((time, from, _), (to, order_hop)))) => (to, from, time, Some(order_hop)),
            (None, None) => break,
        };
        let order = arrived.map_or_else(|| published.unwrap().order, |order_hop| order_hop.order);
        let (ttl, hop) = arrived.map_or((case.ttl, 0), |order_hop| (order_hop.ttl, order_hop.hop));
        let is_new = all.take(nodes, me, order, case.window, Receipt { time: now, sender: from, hop });
        if !is_new || ttl == 0 {
            continue;
        }
        let order_hop = OrderHop { order, ttl: ttl - 1, hop: hop + 1 };
        for &to in setup.draw.draw(setup.topology, order, me, &mut scratch) {
            if case.exclude_sender && to == from {
                continue;
            }
            let sequence = sequences[me.index()];
            sequences[me.index()] += 1;
            if let Fate::Arrives(latency) = setup.network.outgoing_links(order, me).at(now).fate(to, 0) {
                under_way.insert((now + latency, me, sequence), (to, order_hop));
            }
        }
    }
    let lost = all.lost.iter().filter(|&&is_lost| is_lost).count() as u64;
    (all.receipts, all.duplicates, all.expired, lost)
}

#[test]
fn what_is_older_than_a_window_is_not_new_as_a_page_has_it() {
    let runner = &mut proptest::test_runner::TestRunner::deterministic();
    let (mut expired, mut lost) = (0, 0);
    for _ in 0..120 {
        let case = cases().new_tree(runner).unwrap().current();
        let case = Case { ends_at_target: false, timeout: None, ..case };
        let page = case.with(1, |setup| on_a_page(&case, setup));
        for outcome in [case.strict(), case.general(1), case.general(3)] {
            let record = &outcome.totals.record;
            let counts = (outcome.each().to_vec(), record.duplicates, record.expired, record.expired_first.unwrap());
            assert_eq!(counts, page, "{case:?}");
            assert_eq!(outcome.totals.by_order.iter().map(|order| order.expired).sum::<u64>(), page.2);
            assert!((record.expired_behind_max >= case.window) == (page.2 > 0), "{case:?}");
        }
        (expired, lost) = (expired + page.2, lost + page.3);
    }
    assert!(expired > 500 && lost > 200 && expired > lost, "{expired} {lost}");
}
