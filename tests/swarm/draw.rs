//! Draws a scenario as command-line options. Most combinations are valid; some are rejected, and must then say so well.

use bulk_order_propagation::random::{Key, Purpose, Stream};
use std::fmt;

/// Options by name and value, as on a command line; a flag without a value has an empty one.
#[derive(Clone)]
pub(crate) struct Options(pub(crate) Vec<(&'static str, String)>);

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(|(name, value)| format!("--{name} {value}")).collect();
        f.write_str(&words.join(" "))
    }
}

impl Options {
    /// The value of an option.
    pub(crate) fn get(&self, option: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == option).map(|(_, value)| value.as_str())
    }

    /// True if the run is in virtual time.
    pub(crate) fn is_virtual(&self) -> bool {
        self.get("transport") == Some("simulated")
    }

    /// The same options with another value of one.
    pub(crate) fn with(&self, option: &'static str, value: &str) -> Options {
        let mut options: Vec<_> = self.0.iter().filter(|(name, _)| *name != option).cloned().collect();
        options.push((option, value.to_owned()));
        Options(options)
    }

    /// Draws the scenario of a seed.
    pub(crate) fn drawn(seed: u64) -> Options {
        let mut draw = Draw { words: Key::new(seed, Purpose::Workload).stream(), options: Vec::new() };
        let is_virtual = draw.carrier();
        draw.overlay();
        draw.protocol();
        draw.orders();
        draw.network(is_virtual);
        if is_virtual {
            draw.lines();
            draw.faults();
        }
        draw.mix();
        draw.options.push(("seed", (seed % 1_000_000).to_string()));
        Options(draw.options)
    }
}

struct Draw {
    words: Stream,
    options: Vec<(&'static str, String)>,
}

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.words.below(n)
    }

    /// True once in `n` times on average.
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of the alternatives.
    fn one_of<'a>(&mut self, alternatives: &[&'a str]) -> &'a str {
        alternatives[self.below(alternatives.len() as u64) as usize]
    }

    fn put(&mut self, option: &'static str, value: impl ToString) {
        self.options.push((option, value.to_string()));
    }

    fn put_one_of(&mut self, option: &'static str, alternatives: &[&str]) {
        let value = self.one_of(alternatives);
        self.put(option, value);
    }

    fn nodes(&self) -> u64 {
        self.options.iter().find(|(name, _)| *name == "nodes").map_or(10, |(_, nodes)| nodes.parse().unwrap())
    }

    /// Draws the carrier, the nodes and the threads; returns true for virtual time.
    fn carrier(&mut self) -> bool {
        let transport = match self.below(if cfg!(all(target_os = "linux", not(portable))) { 11 } else { 10 }) {
            0..=5 => "simulated",
            6 | 7 => "memory",
            8 => "udp-shard",
            9 => "udp",
            _ => "unix",
        };
        self.put("transport", transport);
        let bits = 1 + self.below(if matches!(transport, "udp" | "unix") { 6 } else { 8 });
        let nodes = 1 + self.below(1 << bits);
        self.put("nodes", nodes);
        let threads = 1 + self.below(3.min(nodes));
        self.put("threads", threads);
        if transport.starts_with('u') && nodes >= 2 * threads && cfg!(target_os = "linux") && self.one_in(4) {
            self.put("processes", 2);
        }
        transport == "simulated"
    }

    fn overlay(&mut self) {
        let families = [
            "erdos-renyi",
            "erdos-renyi",
            "complete",
            "random-regular",
            "watts-strogatz:0.2",
            "barabasi-albert",
            "dials",
            "dials:reachable=0.5",
            "ring",
            "grid",
            "star",
            "regular-implicit",
        ];
        let nodes = self.nodes();
        if self.one_in(3) || nodes < 8 {
            return;
        }
        let family = self.one_of(&families);
        self.put("topology", family);
        if !["complete", "ring", "grid", "star"].contains(&family) {
            let peers = 2 * (1 + self.below((nodes / 2 - 1).min(12)));
            self.put("peers", peers);
        }
    }

    fn protocol(&mut self) {
        let trees =
            ["plumtree", "plumtree:iroh", "plumtree:multi,num-eager=2", "plumtree:iroh,optimization-threshold=1"];
        // On a real clock the default times would take minutes.
        let relays = [
            "lazy:bitcoin,outbound-interval=10ms,inbound-interval=25ms,nonpref-delay=10ms,overloaded-delay=5ms,\
             getdata-interval=80ms",
            "lazy:bitcoin,outbound-interval=0,inbound-interval=2ms,nonpref-delay=0,in-flight=1,getdata-interval=40ms",
            "lazy:bitcoin,outbound-interval=5ms,inbound-interval=5ms,announcements=1,getdata-interval=30ms",
        ];
        // Shreds of few bytes, so that orders are of several sets.
        let shreds = [
            "turbine,shred-bytes=60,fanout=3",
            "turbine,shred-bytes=60,data-shreds=3,coding-shreds=4,fanout=1",
            "turbine,shred-bytes=60,stake=pareto:0.9",
            "turbine",
        ];
        let names = ["push", "push", "push", "flood", "lazy", "plumtree", "lazy:bitcoin", "gossipsub", "turbine"];
        let protocol = self.one_of(&names);
        if protocol == "turbine" {
            // Its trees are of all nodes, and no overlay is asked for.
            self.options.retain(|(name, _)| !["topology", "peers"].contains(name));
        }
        let by_hop = protocol == "push" && self.one_in(5);
        let written: &[&str] = match protocol {
            "plumtree" => &trees,
            "lazy:bitcoin" => &relays,
            "turbine" => &shreds,
            _ if by_hop => &["push:auto", "push,fanout=8/4/2", "push,fanout=3/5"],
            _ => &[],
        };
        if protocol == "gossipsub" {
            let written = self.gossipsub();
            self.put("protocol", written);
        } else if !written.is_empty() {
            self.put_one_of("protocol", written);
        } else {
            self.put("protocol", protocol);
        }
        let takes_fanout = ["push", "lazy"].contains(&protocol);
        if protocol == "lazy" && self.one_in(2) {
            self.put_one_of("announce-interval", &["1ms", "10ms"]);
        }
        if protocol == "lazy" && self.one_in(3) {
            self.put_one_of("retry", &["20ms", "200ms"]);
        }
        if takes_fanout && !by_hop && self.one_in(2) {
            let fanout = 1 + self.below(10);
            self.put("fanout", fanout);
        }
        match self.below(3) {
            0 => {}
            1 => self.put("ttl", "auto"),
            _ => {
                let ttl = 1 + self.below(12);
                self.put("ttl", ttl);
            }
        }
        if takes_fanout && self.one_in(4) {
            self.put("exclude-sender", "");
        }
        self.put_one_of("until", &["target", "quiescent"]);
        if self.one_in(3) {
            self.put_one_of("target", &["0.5", "0.99", "1", "1/3"]);
        }
    }

    /// Draws gossipsub with a preset and knobs. A warm-up takes real time on a real carrier.
    fn gossipsub(&mut self) -> String {
        let is_virtual = self.options.contains(&("transport", "simulated".to_owned()));
        let interval = if is_virtual { "" } else { ",heartbeat-interval=20ms,heartbeat-delay=0,iwant-followup=100ms" };
        let preset = self.one_of(&["spec", "v1.0", "v1.2", "v2.0", "go", "rust", "ethereum"]);
        let knobs = ["", "", ",d-low=1,d-out=0,d=2,d-announce=2", ",idontwant-bytes=0", ",prune-backoff=100ms"];
        let knobs = self.one_of(&knobs);
        format!("gossipsub:{preset}{interval}{knobs}")
    }

    /// Mixes a third of the networks under gossipsub with another preset. Drawn last, so that it moves no other draw.
    fn mix(&mut self) {
        let is_gossipsub = self.options.iter().any(|(name, value)| *name == "protocol" && value.starts_with("gossip"));
        if is_gossipsub && self.one_in(3) {
            let share = self.one_of(&["20%", "1/2", "0", "1"]);
            let other = self.gossipsub();
            self.put("mix", format!("{share}:{other}"));
        }
    }

    fn orders(&mut self) {
        let nodes = self.nodes();
        if self.one_in(4) {
            let origin = self.below(nodes);
            self.put("origin", origin);
        }
        if self.one_in(4) {
            // The last three fit no datagram; carriers of datagrams refuse them. An order of many shreds takes long.
            let is_cut = self.options.iter().any(|(name, value)| *name == "protocol" && value.starts_with("turbine"));
            let sizes = ["0..300", "1000", "7", "1399", "1kB..2kB", "64KiB", "0..1MiB"];
            self.put_one_of("payload-bytes", if is_cut { &sizes[..5] } else { &sizes });
        }
        if !self.one_in(3) {
            return;
        }
        let orders = 2 + self.below(60);
        self.put("orders", orders);
        self.put_one_of("rate", &["100/s", "1000/s", "20000/s"]);
        if self.one_in(2) {
            self.put_one_of("arrivals", &["poisson", "burst", "constant"]);
        }
        if self.one_in(2) && self.options.iter().all(|(name, _)| *name != "origin") {
            self.put("origins", "random");
        }
        if self.one_in(4) {
            let window = 1 + self.below(80);
            self.put("window", window);
        }
    }

    fn network(&mut self, is_virtual: bool) {
        if !is_virtual && self.one_in(2) {
            return;
        }
        if self.one_in(5) {
            self.put_one_of("network", &["aws33", "exchange-sites", "bitcoin6"]);
        } else if self.one_in(2) {
            let latencies = [
                "constant:3ms",
                "uniform:1ms..20ms",
                "exponential:5ms,min=1ms",
                "exponential:5ms,min=1ms,ordered",
                "link:uniform:1ms..9ms",
                "0ms",
                "uniform:0ms..5ms",
                "pareto:1ms,1.5,max=50ms",
                "direction:uniform:1ms..30ms",
            ];
            self.put_one_of("latency", &latencies);
        }
        if self.one_in(3) {
            self.put_one_of("loss", &["0.05", "0.4", "gilbert-elliott:good=100ms,bad=20ms", "1"]);
        }
        if self.one_in(5) {
            self.put_one_of("duplicate", &["0.1", "1"]);
        }
    }

    fn lines(&mut self) {
        if self.one_in(4) {
            let lines = [
                "up=1mbit,down=10mbit",
                "up=10mbit",
                "down=2mbit",
                "up=100kbit,down=100kbit,queue=2KiB",
                "up=5mbit,queue=64KiB",
            ];
            self.put_one_of("bandwidth", &lines);
        }
        if self.one_in(6) {
            self.put_one_of("processing", &["100us", "2ms"]);
        }
    }

    fn faults(&mut self) {
        if self.one_in(5) {
            self.put_one_of("down", &["10%", "50%", "30%,at=20ms", "10%,by=degree", "20%,at=30s"]);
        }
        if self.one_in(6) {
            self.put_one_of("churn", &["up=200ms,down=50ms", "up=2s,down=100ms", "up=20ms,down=20ms"]);
        }
        if self.options.iter().any(|(name, _)| ["down", "churn"].contains(name)) && self.one_in(2) {
            self.put_one_of("detect", &["0", "20ms", "10ms..100ms"]);
        }
        if self.one_in(6) {
            self.put_one_of("partition", &["30%", "50%,at=10ms,heal=60ms", "20%,one-way"]);
        }
        if self.one_in(8) {
            self.put_one_of("nat", &["20%", "90%"]);
        }
        if self.one_in(5) {
            let adversaries =
                ["drop:20%,of=50%", "delay:20%,by=30ms", "flood:10%,times=3", "spy:10%", "censor:20%,origin=0"];
            self.put_one_of("adversary", &adversaries);
        }
    }
}
