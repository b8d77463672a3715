//! The same protocol as commonly written on tokio: a task per node, a channel per task, the order shared by `Arc`,
//! atomic dedup and coverage, and the multi-threaded runtime with the same number of workers. The memory carrier is
//! compared with it.

#![allow(clippy::disallowed_methods)]

use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::order::Order;
use bulk_order_propagation::protocol::{TargetDraw, TargetScratch};
use bulk_order_propagation::scenario::Scenario;
use bulk_order_propagation::topology::Topology;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A copy of the order, and the hops it may still travel.
type Copy = (Arc<Order>, u8);

/// The state that all tasks share.
struct Network {
    topology: Arc<Topology>,
    draw: TargetDraw,
    mailboxes: Vec<UnboundedSender<Copy>>,
    has_it: Vec<AtomicBool>,
    covered: AtomicU64,
    goal: u64,
    reached: Notify,
}

/// Time from the injection to the target, with as many workers as the scenario has threads.
pub(crate) fn time(scenario: &Scenario, topology: &Arc<Topology>) -> Duration {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(scenario.carrier.threads)
        .build()
        .expect("a runtime can be started");
    let (mailboxes, inboxes): (Vec<_>, Vec<_>) = (0..scenario.overlay.nodes).map(|_| unbounded_channel()).unzip();
    let network = Arc::new(Network {
        topology: Arc::clone(topology),
        draw: TargetDraw::new(scenario.run.seed, scenario.protocol.fanout),
        mailboxes,
        has_it: (0..scenario.overlay.nodes).map(|_| AtomicBool::new(false)).collect(),
        covered: AtomicU64::new(0),
        goal: scenario.run.target.ceil_of(u64::from(scenario.overlay.nodes)),
        reached: Notify::new(),
    });
    for (node, inbox) in inboxes.into_iter().enumerate() {
        runtime.spawn(run_node(Arc::clone(&network), NodeId(node as u32), inbox));
    }
    let order = Order::generate(scenario.run.seed, OrderIndex(0), 0).expect("an order can be made");
    let took = runtime.block_on(async {
        let began = Instant::now();
        let origin = scenario.workload().publications()[0].origin;
        let _ = network.mailboxes[origin.index()].send((Arc::new(order), u8::MAX));
        network.reached.notified().await;
        began.elapsed()
    });
    runtime.shutdown_background();
    took
}

/// Runs one node: the first copy is counted and forwarded, the others are dropped.
async fn run_node(network: Arc<Network>, me: NodeId, mut inbox: UnboundedReceiver<Copy>) {
    let mut scratch = TargetScratch::new(8, &network.topology);
    while let Some((order, ttl)) = inbox.recv().await {
        // Ordering: Relaxed; only this task swaps its node's flag, and the count publishes nothing else.
        if network.has_it[me.index()].swap(true, Ordering::Relaxed) {
            continue;
        }
        if network.covered.fetch_add(1, Ordering::Relaxed) + 1 == network.goal {
            network.reached.notify_one();
        }
        for to in network.draw.draw(&network.topology, OrderIndex(0), me, &mut scratch) {
            let _ = network.mailboxes[to.index()].send((Arc::clone(&order), ttl.saturating_sub(1)));
        }
    }
}
