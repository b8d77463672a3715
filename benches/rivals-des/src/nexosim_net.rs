//! A build on `nexosim`: one model that schedules its own inputs.

use crate::world::{FIRST, Nodes, Packet, World, reached_and_times};
use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::EventSource;
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The nodes, shared because they are read after the model is gone.
#[derive(Default, Serialize, Deserialize)]
struct Net {
    #[serde(skip)]
    world: Option<Arc<World>>,
    #[serde(skip)]
    nodes: Arc<Mutex<Nodes>>,
}

#[Model]
impl Net {
    #[nexosim(schedulable)]
    fn receive(&mut self, packet: Packet, context: &Context<Self>) {
        let now = context.time().duration_since(MonotonicTime::EPOCH).as_nanos() as u64;
        let world = self.world.as_ref().expect("a world");
        let mut nodes = self.nodes.lock().expect("one model, one lock");
        world.receive(&mut nodes, now, packet, |latency, packet| {
            context
                .schedule_event(Duration::from_nanos(latency), schedulable!(Self::receive), packet)
                .expect("a time to come");
        });
    }
}

pub(crate) fn run(world: &Arc<World>) -> (Duration, (u64, u64)) {
    let nodes = Arc::new(Mutex::new(world.nodes()));
    let mailbox = Mailbox::new();
    let mut bench = SimInit::with_num_threads(1);
    let input = EventSource::new().connect(Net::receive, &mailbox).register(&mut bench);
    let net = Net { world: Some(Arc::clone(world)), nodes: Arc::clone(&nodes) };
    let mut simulation = bench.add_model(net, mailbox, "net").init(MonotonicTime::EPOCH).expect("a simulation");
    let start = Instant::now();
    simulation.process_event(&input, FIRST).expect("a first event");
    simulation.run().expect("a run");
    let time = start.elapsed();
    let reach = reached_and_times(nodes.lock().expect("the run is over").times.iter().copied());
    (time, reach)
}
