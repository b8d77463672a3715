//! The fuzz targets, one for each reader of foreign bytes. The same functions run under libFuzzer
//! (`fuzz/fuzz_targets`) and, over the seeds and mutations of them, in every `cargo test` (`tests/fuzz.rs`).
//!
//! A target panics if an invariant is broken. A reader must not panic; moreover, whatever it accepts is within its
//! stated limits and reads back the same once written, and whatever it refuses is refused with a sentence.

use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::network::{
    Fate, LinkFigures, LinkFile, LinkTable, Network, NetworkSpec, Paths, PlaceFile, Places, RegionIndex, RegionSpec,
};
use bulk_order_propagation::order::{Order, Symbol};
use bulk_order_propagation::scenario::Draft;
use bulk_order_propagation::simulation;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::{Topology, TopologySpec};
use bulk_order_propagation::wire::{self, Admission, DATAGRAM_BYTES_MAX, Stray, Token};
use bulk_order_propagation::workload::{ListLimits, PublicationList};
use std::cell::RefCell;
use std::fs;
use std::sync::Arc;

/// A function that is fed bytes, and returns true if its reader accepted them.
pub(crate) type Target = fn(&[u8]) -> bool;

/// Every target by name. Its seeds are in `fuzz/seeds/NAME`.
pub(crate) const TARGETS: [(&str, Target); 10] = [
    ("datagram", datagram),
    ("train_trailer", train_trailer),
    ("scenario", scenario),
    ("option", option),
    ("edge_list", edge_list),
    ("links", links),
    ("matrix", matrix),
    ("places", places),
    ("publications", publications),
    ("task", task),
];

/// Feeds bytes to the target of this name; returns true if it accepted them.
pub(crate) fn run(name: &str, bytes: &[u8]) -> bool {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("no target is called {name}")).1(bytes)
}

/// Checks that a refusal has a text; returns false, because it is a refusal.
fn refused(said: &str) -> bool {
    assert!(!said.is_empty());
    false
}

/// Reads any bytes as a datagram: it is admitted only with every field in range, and reads back the same once
/// forwarded.
fn datagram(bytes: &[u8]) -> bool {
    let (header, body) = match wire::decode_header(bytes) {
        Ok(decoded) => decoded,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let admission = Admission { token: Token(0), nodes: u32::MAX, orders: u32::MAX };
            assert!(admission.admit(bytes, |_| true).is_err(), "admitted: {error}");
            return false;
        }
    };
    let admission = Admission { token: header.token, nodes: u32::MAX, orders: u32::MAX };
    let message = header.message;
    let admitted = admission.admit(bytes, |_| true);
    match admitted {
        Ok(passed) => assert_eq!(passed, (message, body)),
        Err(Stray::UnknownNode) => assert!(message.from.0 == u32::MAX || message.to.0 == u32::MAX),
        Err(Stray::Malformed) => assert!(message.order.0 == u32::MAX || message.kind.is_control()),
        Err(other) => panic!("{other:?}, though the header is good"),
    }
    let foreign = Admission { token: Token(!header.token.0), ..admission };
    assert_eq!(foreign.admit(bytes, |_| true), Err(Stray::WrongToken));
    let smaller = Admission { nodes: message.to.0, ..admission };
    assert!(smaller.admit(bytes, |_| true).is_err(), "a node that the run does not have");

    let mut again = [0; DATAGRAM_BYTES_MAX];
    if message.kind.is_control() {
        let words: Vec<u64> = wire::tail(message.kind, body).collect();
        assert_eq!(words.len(), usize::from(message.tail));
        let length = match message.kind.is_part() {
            true => wire::encode_part(&header, &words, &body[wire::WORD_BYTES..], &mut again),
            false => wire::encode_control(&header, &words, &mut again),
        };
        assert_eq!(length, bytes.len());
        assert!(admitted.is_err() || again[..length] == *bytes, "what is admitted is all that was written");
    } else if let Ok(view) = wire::decode_order(body) {
        let order = Order::new(view).expect("a decoded payload is short enough");
        let length = wire::encode(&header, &order.view(), &mut again).expect("a decoded order fits one datagram");
        assert!(length <= bytes.len(), "a forwarded order has its numbers in their shortest form");
        let (header_again, body_again) = wire::decode_header(&again[..length]).expect("our own header");
        assert_eq!((header_again, wire::decode_order(body_again)), (header, Ok(view)));
    }
    admitted.is_ok()
}

/// Reads any bytes as the trailer of a train: it is written as it was read, and is never taken for a message.
fn train_trailer(bytes: &[u8]) -> bool {
    let token = bytes.get(16..24).and_then(|token| token.try_into().ok()).map_or(0, u64::from_le_bytes);
    let admission = Admission { token: Token(token), nodes: u32::MAX, orders: u32::MAX };
    let read = admission.admit_trailer(bytes);
    if let Ok(trailer) = read {
        assert!(wire::is_train_trailer(bytes));
        assert_eq!(trailer.bytes(admission.token), bytes);
        assert_eq!(Admission { token: Token(!token), ..admission }.admit_trailer(bytes), Err(Stray::WrongToken));
    }
    if wire::is_train_trailer(bytes) {
        assert!(admission.admit(bytes, |_| true).is_err());
        assert!(wire::decode_header(bytes).is_err());
    }
    read.is_ok()
}

/// Reads any text as a scenario file: the draft reads back the same once written, and so does the scenario that it
/// makes.
fn scenario(bytes: &[u8]) -> bool {
    let draft = match Draft::from_toml(&String::from_utf8_lossy(bytes)) {
        Ok(draft) => draft,
        Err(error) => return refused(&error.to_string()),
    };
    let written = draft.to_toml();
    let again = Draft::from_toml(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
    assert_eq!(again, draft, "{written}");
    // Without these two the seed is drawn and the threads are counted, and two builds would differ.
    let whole = Draft { seed: draft.seed.or(Some(7)), threads: draft.threads.or(Some(1)), ..draft };
    match whole.build() {
        Err(error) => refused(&error.to_string()),
        Ok(scenario) => {
            let written = scenario.to_toml();
            let again = Draft::from_toml(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
            let again = again.build().unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(again, scenario, "{written}");
            true
        }
    }
}

/// Reads any `name=value` as one option, which covers the parser of every specification: bandwidth, latency, loss,
/// faults, adversaries, overlays, shares, times, rates.
fn option(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((name, value)) = text.split_once('=') else { return false };
    match Draft::from_option(name, value) {
        Err(error) => refused(&error.to_string()),
        Ok(draft) => {
            let written = draft.to_toml();
            let again = Draft::from_toml(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(again, draft, "{written}");
            true
        }
    }
}

/// The number of nodes of each overlay.
const NODES: u32 = 64;

/// Reads any bytes as an edge list: the overlay is simple and undirected, and its links, written out, give it again.
fn edge_list(bytes: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        in_file(bytes, |path| {
            TopologySpec::File { path: path.to_owned() }.build(NODES, 0, 7).map_err(|e| e.to_string())
        })
    };
    let overlay = match read(bytes) {
        Ok(overlay) => overlay,
        Err(error) => return refused(&error),
    };
    let rows = rows(&overlay);
    let mut links = String::new();
    for (node, row) in (0..).zip(&rows) {
        assert!(row.is_sorted_by(|one, other| one < other), "each peer once, in order: {row:?}");
        for &peer in row {
            assert!(peer != node && rows[peer as usize].contains(&node), "{node} and {peer} know each other");
            if peer > node {
                links += &format!("{node} {peer}\n");
            }
        }
    }
    assert_eq!(overlay.links(), links.lines().count() as u64);
    if links.is_empty() {
        return false;
    }
    let again = read(links.as_bytes()).unwrap_or_else(|error| panic!("{links}: {error}"));
    assert_eq!(without_isolated(&rows), without_isolated(&self::rows(&again)), "{links}");
    true
}

fn rows(overlay: &Topology) -> Vec<Vec<u32>> {
    (0..overlay.nodes()).map(|node| overlay.peers(NodeId(node)).map(|peer| peer.0).collect()).collect()
}

/// Returns the rows of the nodes that have peers, numbered anew: a list of links does not name isolated nodes.
fn without_isolated(rows: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let linked: Vec<usize> = (0..rows.len()).filter(|&node| !rows[node].is_empty()).collect();
    let rank = |node: u32| linked.partition_point(|&known| known < node as usize);
    linked.iter().map(|&node| rows[node].iter().map(|&peer| rank(peer)).collect()).collect()
}

/// Reads any bytes as a matrix of latencies or a list of pairs: every latency is between the floor and the ceiling.
fn matrix(bytes: &[u8]) -> bool {
    let spec = |path: &str| RegionSpec::File { path: path.to_owned() };
    let read = in_file(bytes, |path| (spec(path).read(), network(spec(path))));
    let (regions, network) = match read {
        (Ok(regions), Ok(network)) => (regions, network),
        (Err(error), Err(_)) => return refused(&error.to_string()),
        (regions, _) => panic!("read twice, it is two things: {:?}", regions.map(|_| ())),
    };
    assert!(!regions.names().is_empty() && regions.floor() <= regions.ceiling().unwrap_or(regions.floor()));
    let all = || (0..regions.names().len()).map(|at| RegionIndex(at as u16));
    for (from, to) in all().flat_map(|from| all().map(move |to| (from, to))) {
        let latency = regions.latency(from, to);
        assert!(latency.floor() <= latency.ceiling());
    }
    for (at, name) in regions.names().iter().enumerate() {
        assert_eq!(regions.find(name), Some(RegionIndex(at as u16)), "{name}: two of one name");
    }
    for node in 0..16 {
        assert!(network.region(NodeId(node)).is_some_and(|region| region.index() < regions.names().len()));
        let links = network.outgoing_links(OrderIndex(0), NodeId(node));
        let Fate::Arrives(time) = links.fate(NodeId(node ^ 1), 0) else { panic!("lost, where no loss was asked for") };
        assert!(network.floor() <= time && network.ceiling().is_none_or(|ceiling| time <= ceiling), "{time}");
    }
    true
}

fn network(regions: RegionSpec) -> Result<Network, String> {
    let spec = NetworkSpec { paths: Paths::Regions(regions), ..NetworkSpec::default() };
    spec.build(7).map_err(|error| error.to_string())
}

/// Reads any bytes as the links of eight nodes that are all peers, and of a ring: every link of its own has the latency
/// of its line, within a day, and the lines read back the same once written. Other links keep the fate that they had.
fn links(bytes: &[u8]) -> bool {
    let find = |id: u64| u32::try_from(id).ok().filter(|&node| node < 8).map(NodeId);
    let read = |bytes: &[u8]| {
        in_file(bytes, |path| {
            let read = LinkFile::read(path, find, |node| node.0.into(), || "ask for less".to_owned());
            read.map_err(|error| error.to_string())
        })
    };
    let file = match read(bytes) {
        Ok(file) => file,
        Err(error) => return refused(&error),
    };
    let plain = NetworkSpec::default().build(7).expect("a network without files");
    let table = |topology: TopologySpec| {
        let topology = topology.build(8, 0, 7).expect("eight nodes");
        LinkTable::new(&file, Arc::new(topology), |node| node.0.into())
    };
    let network = plain.clone().with_links(table(TopologySpec::Complete).expect("all are peers"));
    let mut lines = "from,to,latency,loss\n".to_owned();
    for from in (0..8).map(NodeId) {
        for to in (0..8).map(NodeId) {
            let link = file.links().iter().find(|link| (link.from, link.to) == (from, to));
            let figures = link.map(|link| file.figures()[link.figures as usize]);
            let fate = |network: &Network| network.outgoing_links(OrderIndex(0), from).fate(to, 0);
            match figures {
                None => assert_eq!(fate(&network), fate(&plain)),
                Some(LinkFigures { latency, loss }) => {
                    assert!(from != to && latency.is_none_or(|latency| latency <= Nanos::from_secs(86_400)));
                    let latency_or = latency.unwrap_or(Nanos::from_millis(50));
                    match fate(&network) {
                        Fate::Arrives(time) => assert_eq!(time, latency_or),
                        Fate::Lost => assert!(loss.is_some_and(|loss| !loss.is_zero())),
                    }
                    let latency = latency.map_or_else(String::new, |latency| format!("{}ns", latency.0));
                    let loss = loss.map_or_else(String::new, |loss| loss.to_string());
                    lines += &format!("{from},{to},{latency},{loss}\n");
                }
            }
        }
    }
    let again = read(lines.as_bytes()).unwrap_or_else(|error| panic!("{lines}: {error}"));
    let all = |file: &LinkFile| -> Vec<_> {
        file.links().iter().map(|link| (link.from, link.to, file.figures()[link.figures as usize])).collect()
    };
    assert_eq!(all(&again), all(&file), "{lines}");
    match table(TopologySpec::Ring) {
        Ok(_) => true,
        Err(error) => refused(&error.to_string()),
    }
}

/// Reads any bytes as the places of eight nodes in seven regions: every node is in a region that the file names, and
/// takes no longer for a message than a day.
fn places(bytes: &[u8]) -> bool {
    let find = |id: u64| u32::try_from(id).ok().filter(|&node| node < 8).map(NodeId);
    let read = |path: &str| PlaceFile::read(path, 8, find, |node| node.0.into(), || "ask for less".to_owned());
    let file = match in_file(bytes, read) {
        Ok(file) => file,
        Err(error) => return refused(&error.to_string()),
    };
    assert!(file.nodes() == 8 && (1..=8).contains(&file.kinds().count()));
    let regions: Vec<&str> = file.kinds().map(|kind| kind.region.as_str()).collect();
    let has_classes = file.kinds().all(|kind| kind.class.is_some());
    assert!(has_classes || file.kinds().all(|kind| kind.class.is_none()), "all nodes have a class or none");
    let spec = NetworkSpec {
        paths: Paths::Regions(RegionSpec::ExchangeSites),
        places: Places::Listed(file.clone()),
        ..NetworkSpec::default()
    };
    let network = match spec.build(7) {
        Ok(network) => network,
        Err(error) => return refused(&error.to_string()),
    };
    for node in (0..8).map(NodeId) {
        let region = network.region(node).expect("a network of regions");
        assert!(regions.contains(&&*network.regions()[region.index()]));
        assert_eq!(network.class(node).is_some(), has_classes);
        assert!(network.processing(node) <= Nanos::from_secs(86_400));
    }
    true
}

/// Reads any bytes as a list of publications: it begins at 0 and never goes back, every size and number of orders is
/// within its limit, and the list reads back the same once written.
fn publications(bytes: &[u8]) -> bool {
    let limits = ListLimits { orders: 1_000, span: Nanos::from_secs(1_000_000), payload_bytes: 1_000 };
    let read = |bytes: &[u8]| in_file(bytes, |path| PublicationList::read(path, limits).map_err(|e| e.to_string()));
    let list = match read(bytes) {
        Ok(list) => list,
        Err(error) => return refused(&error),
    };
    let listed = list.listed();
    assert!(listed[0].due == Nanos::ZERO && listed.is_sorted_by_key(|one| one.due) && list.span() <= limits.span);
    assert!(listed.len() <= 1_000 && listed.iter().all(|one| one.payload_bytes <= limits.payload_bytes));
    assert_eq!(list.most_within(Nanos::MAX), u64::from(list.orders()));
    let written = |symbol: Option<Symbol>| symbol.map_or_else(String::new, |symbol| symbol.to_string());
    let mut lines = "time,origin,bytes,symbol\n".to_owned();
    for one in listed {
        lines += &format!("{}ns,{},{},{}\n", one.due.0, one.origin, one.payload_bytes, written(one.symbol));
    }
    let again = read(lines.as_bytes()).unwrap_or_else(|error| panic!("{lines}: {error}"));
    let fields = |list: &PublicationList| -> Vec<_> {
        list.listed().iter().map(|one| (one.due, one.origin, one.payload_bytes, one.symbol)).collect()
    };
    assert_eq!(fields(&again), fields(&list), "{lines}");
    true
}

/// Reads any bytes as the task of a process: an accepted task names a scenario, and a process of it.
fn task(bytes: &[u8]) -> bool {
    simulation::check_task(bytes).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// Passes bytes in a file, for readers that take a path.
fn in_file<T>(bytes: &[u8], read: impl FnOnce(&str) -> T) -> T {
    thread_local! {
        static FILE: RefCell<tempfile::NamedTempFile> = RefCell::new(tempfile::NamedTempFile::new().expect("a place for a file"));
    }
    FILE.with_borrow(|file| {
        fs::write(file.path(), bytes).expect("room for a small file");
        read(file.path().to_str().expect("a path in plain text"))
    })
}
