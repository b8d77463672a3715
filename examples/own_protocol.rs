//! A protocol of one's own on three carriers and beside push, without a change to the crate:
//! `cargo run --release --example own_protocol`.
//!
//! Rumor mongering (Demers et al. 1987): a node with a new order tells one peer after another, and loses interest after
//! the fourth copy that it receives itself, or after 32 peers.

use bulk_order_propagation::{
    Comparison, Context, Draft, Kind, Message, Nanos, OrderHop, OrderIndex, Protocol, ProtocolState, ShardView,
    Simulation,
};

struct Rumor;

struct RumorState {
    /// By node, the order that it tells others while it is interested.
    rumors: Vec<Option<OrderHop>>,
    /// By node, copies received.
    copies: Vec<u8>,
    interested: usize,
}

impl Protocol for Rumor {
    type State = RumorState;
    type Tail = ();
    const NEEDS_PEERS: bool = true;

    fn for_shard(&self, view: &ShardView<'_>) -> RumorState {
        RumorState { rumors: vec![None; view.size()], copies: vec![0; view.size()], interested: 0 }
    }
}

impl RumorState {
    fn receive<C: Context>(&mut self, context: &mut C, received: OrderHop) {
        let node = context.local();
        if context.deliver(received.order) {
            self.interested -= usize::from(self.rumors[node].is_some());
            (self.rumors[node], self.copies[node]) = (received.next(), 0);
            self.interested += usize::from(self.rumors[node].is_some());
            return self.tell(context, 0);
        }
        self.copies[node] += 1;
        if self.copies[node] == 4 && self.rumors[node].take().is_some() {
            self.interested -= 1;
        }
    }

    fn tell<C: Context>(&mut self, context: &mut C, round: u64) {
        if round == 32 && self.rumors[context.local()].take().is_some() {
            self.interested -= 1;
        }
        let Some(rumor) = self.rumors[context.local()] else { return };
        let peers = context.peers();
        let to = [peers[context.draw(0, round) as usize % peers.len()]];
        context.forward(&to, Kind::PAYLOAD, rumor, &[]);
        context.wake_at(context.now() + Nanos::from_millis(20), round + 1);
    }
}

impl ProtocolState for RumorState {
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        self.receive(context, OrderHop::published(order, ttl));
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, _: &[u64]) {
        self.receive(context, message.order_hop());
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, round: u64) {
        self.tell(context, round);
    }

    fn awaited(&self) -> u64 {
        self.interested as u64
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for transport in ["udp", "memory", "simulated"] {
        let draft = Draft::from_toml(&format!("transport = '{transport}'\n nodes = 500\n ttl = 255\n seed = 7"))?;
        let outcome = Simulation::new(draft.build()?)?.run_protocol(Rumor)?;
        println!("{transport:>9}: {:.1} % reached with {} messages", 100.0 * outcome.coverage(), outcome.messages());
    }
    let shared = Draft::from_toml("nodes = 500\n ttl = 255\n seed = 7\n runs = 6\n orders = 6")?;
    let comparison = Comparison::new(shared).protocol("push")?.own_protocol("rumor mongering", || Rumor)?;
    println!("\n{}", comparison.run()?);
    Ok(())
}
