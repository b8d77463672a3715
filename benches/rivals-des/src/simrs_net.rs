//! A build on `simrs`: one component, and a binary heap of boxed events.

use crate::world::{FIRST, Nodes, Packet, World, reached_and_times};
use simrs::{Component, ComponentId, Key, Scheduler, Simulation, State};
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Net {
    world: Arc<World>,
    nodes: Key<Nodes>,
}

impl Component for Net {
    type Event = Packet;

    fn process_event(&self, me: ComponentId<Packet>, packet: &Packet, scheduler: &mut Scheduler, state: &mut State) {
        let now = scheduler.time().as_nanos() as u64;
        let nodes = state.get_mut(self.nodes).expect("the nodes");
        let send = |latency, packet| scheduler.schedule(Duration::from_nanos(latency), me, packet);
        self.world.receive(nodes, now, *packet, send);
    }
}

pub(crate) fn run(world: &Arc<World>) -> (Duration, (u64, u64)) {
    let mut simulation = Simulation::default();
    let nodes = simulation.state.insert(world.nodes());
    let net = simulation.add_component(Net { world: Arc::clone(world), nodes });
    simulation.schedule(Duration::ZERO, net, FIRST);
    let start = Instant::now();
    while simulation.step() {}
    let time = start.elapsed();
    let nodes = simulation.state.remove(nodes).expect("the nodes");
    (time, reached_and_times(nodes.times.into_iter()))
}
