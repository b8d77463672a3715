//! Tests the path of the search, the parameters it rejects, and that no answer exceeds the capacity of an uplink.

use super::question::SPAN_MIN;
use super::*;
use crate::analysis::OrderTimes;
use crate::scenario::TransportKind;

/// Makes a result with the fields that the text needs.
pub(super) fn knee(limit_ns: u64, probes: Vec<Probe>) -> Knee {
    Knee {
        limit_ns,
        span_ns: SPAN_MIN.0,
        rate: None,
        fails_at: None,
        over_seeds: [None; 2],
        unloaded_p50_ns: None,
        others_share: None,
        busy: false,
        notices: Vec::new(),
        interrupted: false,
        probes,
    }
}

/// Makes a run that holds unless orders missed their target.
pub(super) fn probe(rate: u64, p99: u64, missed: u64) -> Probe {
    let fault = (missed > 0).then_some(Fault::Missed);
    Probe {
        rate: Rate::per_second(rate),
        seed: 1,
        orders: 1_000,
        judged: 800,
        missed,
        time_to_target_ns: OrderTimes {
            orders: 800 - missed,
            p50: Some(p99 / 2),
            p99: Some(p99),
            ..OrderTimes::default()
        },
        growth: None,
        published_late_ns: OrderTimes::default(),
        messages_per_second: 5e5,
        others_share: None,
        fault,
        holds: fault.is_none(),
    }
}

fn asked(draft: Draft) -> KneeQuestion {
    let draft = Draft { seed: Some(1), nodes: Some(20), transport: Some(TransportKind::Simulated), ..draft };
    KneeQuestion { draft, limit: Nanos::from_millis(1), span: None, least: None, most: None, precision_percent: 5 }
}

fn search(start: u64, most: u64) -> Search {
    let draft = Draft { rate: Some(Rate::per_second(start)), ..Draft::default() };
    let (least, most) = (Some(Rate::per_second(1)), Some(Rate::per_second(most)));
    KneeQuestion { least, most, ..asked(draft) }.prepare().unwrap()
}

/// Searches in a network where every rate up to `knee` holds; returns the bounds and the number of rates tried.
fn searched(start: u64, most: u64, knee: u64) -> (Bounds, u32) {
    let (bounds, rates) = tried(&search(start, most), 1, |rate, _| rate <= Rate::per_second(knee));
    (bounds, rates.len() as u32)
}

/// Makes up to `at_once` runs at a time, each of which holds as `holds` says; returns the bounds and the rates tried.
fn tried(search: &Search, at_once: usize, holds: impl Fn(Rate, u32) -> bool) -> (Bounds, Vec<Rate>) {
    let (mut trials, mut rates) = (Trials::<(Rate, u32)>::of(search), Vec::new());
    let holds = |&(rate, seed): &(Rate, u32)| holds(rate, seed);
    loop {
        let mut runs = trials.wanted();
        if runs.is_empty() {
            assert_eq!(trials.interrupted(holds), Bounds { interrupted: true, ..trials.bounds() });
            return (trials.bounds(), rates);
        }
        runs.truncate(at_once);
        trials.add(search, runs, holds, |results| {
            assert!(results.iter().zip(0..SEEDS).all(|(result, seed)| *result == (results[0].0, seed)));
            assert_eq!(results.len(), SEEDS as usize);
            rates.push(results[0].0);
        });
    }
}

#[test]
fn what_is_made_at_once_changes_neither_the_rates_nor_the_bounds() {
    for knee in [3, 90, 777, 4_000] {
        // The seeds have knees of their own, one of them far from the others.
        let holds = |rate: Rate, seed: u32| rate <= Rate::per_second([knee, knee + knee / 9, 60][seed as usize]);
        let alone = tried(&search(100, 5_000), 1, holds);
        for at_once in 2..=6 {
            assert_eq!(tried(&search(100, 5_000), at_once, holds), alone, "{knee} {at_once}");
        }
    }
}

#[test]
fn the_last_run_of_a_rate_goes_beside_the_first_of_the_next() {
    let search = search(100, 5_000);
    let mut trials = Trials::of(&search);
    let [first, second] = [100, 200].map(Rate::per_second);
    assert_eq!(trials.wanted(), [(first, 0), (first, 1), (first, 2)]);
    trials.add(&search, vec![true, true], |&holds| holds, |_| panic!("a run is still to come"));
    assert_eq!(trials.wanted(), [(first, 2), (second, 0), (second, 1), (second, 2)]);
    let mut told = Vec::new();
    trials.add(&search, vec![false, true], |&holds| holds, |results| told.push(results.to_vec()));
    assert_eq!(told, [[true, true, false]]);
    // An interrupt leaves the rate of which a run is missing out of the bounds.
    trials.add(&search, vec![true], |&holds| holds, |_| panic!("a run is still to come"));
    assert_eq!((trials.bounds().holds, trials.interrupted(|&holds| holds).holds), (Some(second), Some(first)));
}

#[test]
fn a_knee_is_found_from_below_and_from_above() {
    for (start, knee) in [(100, 12_345), (100, 7), (100_000, 3_000), (5, 5)] {
        let (Bounds { holds, fails, .. }, tried) = searched(start, 100_000, knee);
        let (holds, fails) = (holds.unwrap().as_f64(), fails.unwrap().as_f64());
        assert!(holds <= knee as f64 && fails > knee as f64, "{knee}: {holds} to {fails}");
        assert!(fails / holds <= 1.051 && tried < 20, "{knee}: {holds} to {fails}, {tried} tried");
    }
}

#[test]
fn a_search_ends_if_every_rate_holds_and_if_none_does() {
    let (bounds, _) = searched(100, 5_000, 100_000);
    assert_eq!((bounds.holds, bounds.fails), (Some(Rate::per_second(5_000)), None));
    let (bounds, tried) = searched(100, 5_000, 0);
    assert_eq!((bounds.holds, bounds.fails, tried), (None, Some(Rate::per_second(1)), 2));
}

#[test]
fn each_seed_has_a_knee_of_its_own() {
    let of = |seed: u64, rate: u64, missed: u64| Probe { seed, ..probe(rate, 1, missed) };
    let probes = [
        [of(1, 100, 0), of(2, 100, 0), of(3, 100, 0)],
        [of(1, 200, 0), of(2, 200, 1), of(3, 200, 0)],
        [of(1, 400, 1), of(2, 400, 0), of(3, 400, 0)],
    ];
    let rates = [Some(Rate::per_second(100)), Some(Rate::per_second(400))];
    assert_eq!(over_seeds(probes.as_flattened()), rates, "what holds above a rate that fails is luck");
    assert_eq!(over_seeds(&[of(1, 100, 1), of(2, 100, 0)]), [None, Some(Rate::per_second(100))]);
    assert_eq!(over_seeds(&[]), [None; 2]);
}

#[track_caller]
fn assert_refused(asked: KneeQuestion, said: &str) {
    let error = asked.prepare().map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with(said), "{error}");
}

#[test]
fn given_values_are_honoured_or_rejected() {
    let rate = |rate| Some(Rate::per_second(rate));
    let plain = || asked(Draft::default());
    let rated = |of| asked(Draft { rate: rate(of), ..Draft::default() });
    let span = |seconds| Some(Nanos::from_secs(seconds));
    assert_refused(
        asked(Draft { orders: Some(7), ..Draft::default() }),
        "--orders with knee: how many there are follows",
    );
    assert_refused(asked(Draft { runs: Some(7), ..Draft::default() }), "--runs with knee: each rate has three");
    assert_refused(asked(Draft { same_seed: Some(true), ..Draft::default() }), "--same-seed with knee: ");
    assert_refused(
        KneeQuestion { span: span(9), ..plain() },
        "--span 9s with --limit 1ms: a queue that grows shows only",
    );
    assert_refused(
        KneeQuestion { most: rate(200_000), ..plain() },
        "--most 200000/s: a rate is tried for 10s, and a run takes",
    );
    assert_refused(KneeQuestion { least: rate(50), ..rated(20) }, "--rate 20/s with --least 50/s: the search begins");
    assert_refused(KneeQuestion { most: rate(50), ..rated(80) }, "--rate 80/s with --most 50/s: the search begins");
    assert_refused(
        KneeQuestion { least: rate(9), most: rate(8), ..plain() },
        "--least 9/s with --most 8/s: no rate lies between",
    );
    let short_timeout = asked(Draft { timeout: Some(Nanos(1_000_000)), ..Draft::default() });
    assert_refused(short_timeout, "--timeout 1ms with --limit 1ms: an order would be given up before it is late");
    let late_seed = KneeQuestion { draft: Draft { seed: Some(u64::MAX - 1), ..plain().draft }, ..plain() };
    assert_refused(late_seed, "--seed 18446744073709551614 with --runs 3");

    // Defaults adapt to the given values.
    let rates = |asked: KneeQuestion| asked.prepare().map(|search| [search.least, search.start, search.most]).unwrap();
    let [ten, hundred, greatest] = [10, 100, 100_000].map(Rate::per_second);
    assert_eq!(rates(plain()), [ten, hundred, greatest]);
    assert_eq!(rates(rated(5)), [Rate::per_second(5), Rate::per_second(5), greatest]);
    assert_eq!(rates(KneeQuestion { least: rate(500), ..plain() })[..2], [Rate::per_second(500); 2]);
    assert_eq!(rates(KneeQuestion { most: rate(4), ..plain() }), [Rate::per_second(4); 3]);
    let long = KneeQuestion { limit: Nanos::from_secs(90), ..plain() }.prepare().unwrap();
    assert_eq!((long.span, long.scenario.run.timeout), (Nanos::from_secs(900), span(180)));
}

fn found(draft: &str, limit: &str) -> Knee {
    let draft = Draft::from_toml(draft).unwrap();
    let draft = Draft { seed: Some(7), threads: Some(2), transport: Some(TransportKind::Simulated), ..draft };
    let limit = limit.parse().unwrap();
    let search =
        KneeQuestion { draft, limit, span: None, least: None, most: None, precision_percent: 5 }.prepare().unwrap();
    let program = Program { path: "none".into(), arguments: Vec::new() };
    find_knee(&search, &Interrupt::new(), &program, |_| ()).unwrap()
}

/// A node with an uplink of 200 kbit/s sends eight copies of 84 bytes at most 37.2 times a second, whatever the limit.
#[test]
fn no_knee_exceeds_the_uplinks_capacity() {
    let line = "nodes = 40\nlatency = '20ms'\nbandwidth = 'up=200kbit,queue=4GiB'\nrate = '20/s'\n";
    for limit in ["200ms", "2s"] {
        let knee = found(line, limit);
        let [rate, fails] = [knee.rate, knee.fails_at].map(|rate| rate.unwrap().as_f64());
        assert!(rate > 20.0 && rate <= 37.2 && fails / rate < 1.06, "{limit}: {rate} to {fails}");
        assert!(
            knee.over_seeds.iter().all(|rate| rate.is_some_and(|rate| rate.as_f64() <= 37.2)),
            "{:?}",
            knee.over_seeds
        );
        assert!(!knee.busy && knee.others_share.is_none() && knee.notices.is_empty());
    }
}

#[test]
fn a_limit_that_no_rate_can_meet_is_reported_at_once() {
    let knee = found("nodes = 40\nlatency = '50ms'", "90ms");
    assert!(knee.probes.is_empty() && knee.rate.is_none() && knee.unloaded_p50_ns >= Some(100_000_000));
    assert!(
        knee.notices[0].starts_with("No rate can hold: at 10/s, where nothing queues, half of the orders take"),
        "{knee}"
    );
    let lossy = found("nodes = 40\nlatency = '1ms'\nloss = 0.95", "90ms");
    assert!(lossy.notices[0].contains("orders missed their target"), "{lossy}");
    assert_eq!(lossy.probes.len(), 0);
}

#[test]
fn a_busy_machine_is_reported() {
    let search = search(100, 1_000);
    let shared = |share| Probe { others_share: Some(share), ..probe(100, 1, 0) };
    let mut knee = Knee { rate: Some(Rate::per_second(100)), ..knee(5, vec![shared(0.02), shared(0.4), shared(0.2)]) };
    diagnosis::conclude(&search, &mut knee);
    assert_eq!((knee.busy, knee.others_share), (true, Some(0.4)));
    assert!(knee.notices[0].contains("during 2 of 3 runs, 40% at most"), "{:?}", knee.notices);
}

#[test]
fn the_fault_of_the_least_rate_is_named() {
    let search = search(100, 1_000);
    let at_least = |fault| Probe { fault: Some(fault), holds: false, ..probe(1, 3_000_000, 0) };
    for (fault, said) in [
        (Fault::Missed, "No rate holds: at 1/s 0 of 800 orders missed"),
        (Fault::Late, "No rate holds: at 1/s half of the orders take 1.500 ms, but one in a hundred 3.000 ms or more"),
        (Fault::Grows, "No rate holds: at 1/s the orders' times grow"),
    ] {
        let mut knee = knee(1_000_000, vec![at_least(fault)]);
        diagnosis::conclude(&search, &mut knee);
        assert!(knee.notices.len() == 1 && knee.notices[0].starts_with(said), "{:?}", knee.notices);
    }
}

#[test]
fn every_field_and_column_is_documented() {
    const DOCUMENT: &str = include_str!("../../../docs/KNEE.md");
    let growth = Some(Growth { ratio: 1.0, chance: 0.2 });
    let knee = knee(5, vec![Probe { growth, ..probe(100, 1, 0) }]);
    let documented: Vec<&str> =
        DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let json = serde_json::to_value(&knee).unwrap();
    let mut written = Vec::new();
    for (name, field) in json.as_object().unwrap() {
        match (name.as_str(), field) {
            ("probes", probes) => {
                written.extend(probes[0].as_object().unwrap().iter().flat_map(|(name, field)| match name.as_str() {
                    "growth" => field.as_object().unwrap().keys().map(|key| format!("probes[].growth.{key}")).collect(),
                    name => vec![format!("probes[].{name}")],
                }))
            }
            (name, _) => written.push(name.to_owned()),
        }
    }
    written.sort_unstable();
    let mut listed: Vec<String> = documented.iter().map(|name| (*name).to_owned()).collect();
    listed.sort_unstable();
    assert_eq!(written, listed);
    let mut csv = Vec::new();
    knee.write_csv(&mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    let widths: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(widths, [17, 17], "{csv}");
}
