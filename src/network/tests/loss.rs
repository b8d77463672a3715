//! Losses and second copies: shares as requested, exact extremes, and the notation.

use super::super::*;

const MESSAGES: u32 = 200_000;

fn network(loss: &str) -> Network {
    Network::new(7, Latency::Constant(Nanos::from_millis(50))).with_loss(&loss.parse().unwrap())
}

/// Returns the share of messages that is lost, each on its own link at its own time.
fn lost(network: &Network) -> f64 {
    let fate = |message: u32| {
        let links =
            network.outgoing_links(OrderIndex(0), NodeId(message % 1_000)).at(Nanos(u64::from(message) * 1_000_003));
        links.fate(NodeId(message), 0)
    };
    (0..MESSAGES).filter(|&message| fate(message) == Fate::Lost).count() as f64 / f64::from(MESSAGES)
}

#[test]
fn the_requested_share_is_lost() {
    for text in ["0.1", "50%", "1/3", "gilbert-elliott:good=1s,bad=1s,loss=0.5,good-loss=0.1"] {
        let mean = text.parse::<LossSpec>().unwrap().mean();
        let measured = lost(&network(text));
        let error = (mean * (1.0 - mean) / f64::from(MESSAGES)).sqrt();
        assert!((measured - mean).abs() < 5.0 * error, "{text}: {measured}, not {mean}");
    }
    assert_eq!((lost(&network("0")), lost(&network("1"))), (0.0, 1.0));
    assert_eq!(lost(&network("gilbert-elliott:good=1s,bad=1s,loss=0")), 0.0);
}

#[test]
fn loss_does_not_change_other_latencies() {
    let latency: LatencySpec = "uniform:10ms..100ms".parse().unwrap();
    let (clean, lossy) = (Network::new(7, latency), Network::new(7, latency).with_loss(&"0.5".parse().unwrap()));
    for to in 0..1_000 {
        let fate = |network: &Network| network.outgoing_links(OrderIndex(0), NodeId(0)).fate(NodeId(to), 0);
        assert!([Fate::Lost, fate(&clean)].contains(&fate(&lossy)), "{to}");
    }
}

#[test]
fn messages_close_in_time_share_a_burst() {
    // In a bad period every message is lost: of two messages a millisecond apart either both are lost or, rarely, one.
    let fates = |network: &Network, now: Nanos| -> Vec<bool> {
        let fate = |from: u32| network.outgoing_links(OrderIndex(from), NodeId(from)).at(now).fate(NodeId(from + 1), 0);
        (0..20_000).map(|from| fate(from) == Fate::Lost).collect()
    };
    let unlike = |text: &str| {
        let network = network(text);
        let (first, second) = (fates(&network, Nanos::from_secs(5)), fates(&network, Nanos(5_001_000_000)));
        assert!(first.iter().filter(|&&lost| lost).count() > 1_000, "{text}");
        first.iter().zip(&second).filter(|(first, second)| first != second).count()
    };
    for per in ["link", "sender", "receiver"] {
        // A bad period of 200 ms ends within a given millisecond in one of 200 cases: 8 of 1,667, and as many begin.
        assert!(unlike(&format!("gilbert-elliott:good=2s,bad=200ms,per={per}")) < 50, "{per}");
    }
}

#[test]
fn a_burst_affects_all_links_of_its_scope() {
    let at = |per: &str, from: u32, to: u32| {
        let network = network(&format!("gilbert-elliott:good=1s,bad=1s,per={per}"));
        (0..64)
            .map(|second| {
                network
                    .outgoing_links(OrderIndex(to), NodeId(from))
                    .at(Nanos::from_secs(100 * second))
                    .fate(NodeId(to), 0)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(at("sender", 1, 2), at("sender", 1, 3));
    assert_ne!(at("sender", 1, 2), at("sender", 3, 2));
    assert_eq!(at("receiver", 1, 2), at("receiver", 3, 2));
    assert_ne!(at("receiver", 1, 2), at("receiver", 1, 3));
    assert_ne!(at("link", 1, 2), at("link", 2, 1));
}

#[test]
fn second_copies_have_the_requested_share_and_their_own_latency() {
    let latency: LatencySpec = "uniform:10ms..100ms".parse().unwrap();
    let network = Network::new(7, latency).with_duplicates("5%".parse().unwrap());
    let links = network.outgoing_links(OrderIndex(0), NodeId(0));
    let (mut copies, mut first) = (0u32, 0u32);
    for to in (0..MESSAGES).map(NodeId) {
        let Some(time) = links.duplicate(to, 0) else { continue };
        assert!(network.floor() <= time && Some(time) <= network.ceiling());
        copies += 1;
        first += u32::from(matches!(links.fate(to, 0), Fate::Arrives(other) if time < other));
    }
    let share = f64::from(copies) / f64::from(MESSAGES);
    assert!((share - 0.05).abs() < 5.0 * (0.05f64 / f64::from(MESSAGES)).sqrt(), "{share}");
    // Half of the copies overtake, within five standard deviations: this is how a network reorders messages.
    assert!(first.abs_diff(copies / 2) < 5 * (copies / 4).isqrt(), "{first} of {copies}");
    assert_eq!(Network::new(7, latency).outgoing_links(OrderIndex(0), NodeId(0)).duplicate(NodeId(1), 0), None);
}

#[test]
fn text_round_trips() {
    for (text, written) in [
        ("0", "0"),
        ("10%", "0.1"),
        ("1/3", "1/3"),
        ("gilbert-elliott:bad=200ms,good=10s", "gilbert-elliott:good=10s,bad=200ms"),
        (
            "gilbert-elliott:good=10s,bad=200ms,per=sender,good-loss=0.1%,loss=80%",
            "gilbert-elliott:good=10s,bad=200ms,loss=0.8,good-loss=0.001,per=sender",
        ),
    ] {
        let spec: LossSpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(spec.to_string(), written);
        assert_eq!(written.parse::<LossSpec>().unwrap(), spec);
        let shown = serde_json::to_value(spec).unwrap();
        let shown = shown.as_str().map_or_else(|| shown.to_string(), str::to_owned);
        assert_eq!(shown.parse::<LossSpec>().unwrap(), spec);
    }
}

#[test]
fn a_bad_loss_is_refused_by_name() {
    for (text, said) in [
        ("1.5", "the loss is `1.5`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10"),
        ("-0.1", "the loss is `-0.1`, which is no share"),
        ("", "`` is no loss; choose one of SHARE, gilbert-elliott:"),
        ("nan", "`nan` is no loss"),
        ("bursts", "`bursts` is no loss"),
        ("gilbert-elliott:good=1s", "bad= is missing; write SHARE, gilbert-elliott:"),
        ("gilbert-elliott:good=-1s,bad=1s", "good is `-1s`, which is no length of a period"),
        ("gilbert-elliott:good=1s,bad=0s", "bad is 0s, and a period takes 1us to 86400s on average"),
        ("gilbert-elliott:good=10000s,bad=1ms", "one is at most 1000000 times as long as the other"),
        ("gilbert-elliott:good=1s,bad=1s,loss=2", "loss is `2`, which is no share"),
        ("gilbert-elliott:good=1s,bad=1s,per=node", "per is `node`; choose one of link, sender, receiver"),
        ("gilbert-elliott:good=1s,bad=1s,3", "`3` is one figure too many"),
    ] {
        let error = text.parse::<LossSpec>().expect_err(text).to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
}
