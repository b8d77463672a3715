//! A build on `simcore`: one handler. Its times are seconds as doubles, so each packet also carries its exact time.

use crate::world::{FIRST, Nodes, Packet, World, reached_and_times};
use serde::Serialize;
use simcore::{Event, EventHandler, Simulation, SimulationContext, cast};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Clone, Serialize)]
struct Arrival {
    time: u64,
    packet: Packet,
}

struct Net {
    world: Arc<World>,
    nodes: Nodes,
    context: SimulationContext,
}

impl EventHandler for Net {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Arrival { time, packet } => {
                let Net { world, nodes, context } = self;
                world.receive(nodes, time, packet, |latency, packet| {
                    context.emit_self(Arrival { time: time + latency, packet }, latency as f64 / 1e9);
                });
            }
        })
    }
}

pub(crate) fn run(world: &Arc<World>) -> (Duration, (u64, u64)) {
    let mut simulation = Simulation::new(1);
    let context = simulation.create_context("net");
    context.emit_self(Arrival { time: 0, packet: FIRST }, 0.0);
    let net = Rc::new(RefCell::new(Net { world: Arc::clone(world), nodes: world.nodes(), context }));
    simulation.add_handler("net", Rc::<RefCell<Net>>::clone(&net));
    let start = Instant::now();
    simulation.step_until_no_events();
    let time = start.elapsed();
    let reach = reached_and_times(net.borrow().nodes.times.iter().copied());
    (time, reach)
}
