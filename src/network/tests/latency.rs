//! Latencies: moments and quantiles compared with their closed forms, minima, the two directions of a link, and the
//! notation.

use super::super::*;

const DRAWS: u32 = 200_000;

/// Draws one latency for each of many messages, in milliseconds, ascending.
fn draws(text: &str) -> Vec<f64> {
    let network = Network::new(7, text.parse::<LatencySpec>().unwrap());
    let links = network.outgoing_links(OrderIndex(0), NodeId(3));
    let mut draws: Vec<f64> = (0..DRAWS)
        .map(|to| match links.fate(NodeId(to), 0) {
            Fate::Arrives(time) => {
                assert!(network.floor() <= time, "{text}: {time} under the floor");
                assert!(network.ceiling().is_none_or(|ceiling| time <= ceiling), "{text}: {time} above the ceiling");
                time.0 as f64 / 1e6
            }
            Fate::Lost => panic!("{text}: nothing is lost here"),
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    draws
}

/// Asserts that `share` of the draws lies below `value`, within five standard deviations of the binomial.
#[track_caller]
fn assert_quantile(text: &str, draws: &[f64], share: f64, value: f64) {
    let below = draws.partition_point(|&draw| draw <= value) as f64 / draws.len() as f64;
    let deviation = (share * (1.0 - share) / draws.len() as f64).sqrt();
    assert!((below - share).abs() <= 5.0 * deviation, "{text}: {below} below {value} ms, not {share}");
}

/// Asserts that the mean is `mean`, within five standard errors of draws with this standard deviation.
#[track_caller]
fn assert_mean(text: &str, draws: &[f64], mean: f64, deviation: f64) {
    let measured = draws.iter().sum::<f64>() / draws.len() as f64;
    let error = deviation / (draws.len() as f64).sqrt();
    assert!((measured - mean).abs() <= 5.0 * error, "{text}: mean {measured}, not {mean}");
}

#[test]
fn means_are_those_of_the_closed_forms() {
    for (text, mean, deviation) in [
        ("50ms", 50.0, 0.001),
        ("uniform:10ms..100ms", 55.0, 90.0 / 12f64.sqrt()),
        ("normal:50ms,10ms", 50.0, 10.0),
        ("exponential:30ms", 30.0, 30.0),
        ("exponential:30ms,min=5ms", 30.0, 25.0),
        // Without clamping the median times exp(s^2 / 2), where s is ln(p90 / p50) / 1.28155; s = 0.632766 here.
        ("lognormal:p50=40ms,p90=90ms", 40.0 * (0.632_766f64.powi(2) / 2.0).exp(), 34.2),
        ("lognormal:p50=50ms,p90=100ms,min=10ms", 10.0 + 40.0 * (0.632_766f64.powi(2) / 2.0).exp(), 34.2),
        // shape * least / (shape - 1), and least^2 shape / ((shape - 1)^2 (shape - 2)) for the variance.
        ("pareto:10ms,4", 40.0 / 3.0, (400.0f64 / 18.0).sqrt()),
        ("link:uniform:10ms..20ms+exponential:5ms", 20.0, (100.0 / 12.0 + 25.0f64).sqrt()),
    ] {
        assert_mean(text, &draws(text), mean, deviation);
    }
}

#[test]
fn quantiles_are_those_of_the_closed_forms() {
    let exponential = |share: f64| 5.0 - 25.0 * (1.0 - share).ln();
    let pareto = |share: f64| 10.0 * (1.0 - share).powf(-1.0 / 1.5);
    for share in [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999] {
        assert_quantile("uniform", &draws("uniform:10ms..100ms"), share, 10.0 + 90.0 * share);
        assert_quantile("exponential", &draws("exponential:30ms,min=5ms"), share, exponential(share));
        assert_quantile("pareto", &draws("pareto:10ms,1.5"), share, pareto(share));
    }
    // Standard normal quantiles from tables.
    for (share, quantile) in
        [(0.01, -2.326_347_87), (0.1, -1.281_551_57), (0.5, 0.0), (0.9, 1.281_551_57), (0.999, 3.090_232_31)]
    {
        let s: f64 = (90.0f64 / 40.0).ln() / 1.281_551_565_5;
        assert_quantile("normal", &draws("normal:50ms,10ms"), share, 50.0 + 10.0 * quantile);
        assert_quantile("log-normal", &draws("lognormal:p50=40ms,p90=90ms"), share, 40.0 * (s * quantile).exp());
        assert_quantile(
            "least",
            &draws("lognormal:p50=50ms,p90=100ms,min=10ms"),
            share,
            10.0 + 40.0 * (s * quantile).exp(),
        );
    }
}

#[test]
fn clamping_gathers_the_draws_beyond_it() {
    // 15.866 % of the draws lie below the mean minus one standard deviation, so this share is clamped at either end.
    let normal = draws("normal:50ms,10ms,min=40ms,max=60ms");
    assert_quantile("min", &normal, 0.158_655, 40.0);
    assert_quantile("max", &normal, 1.0 - 0.158_655, 59.999_999);
    assert_eq!((normal[0], normal[normal.len() - 1]), (40.0, 60.0));
    let pareto = draws("pareto:10ms,1,max=1s");
    assert_quantile("pareto", &pareto, 0.99, 999.999_999);
}

#[test]
fn a_link_keeps_its_own_latency() {
    let fate = |network: &Network, order, from, to, attempt| {
        network.outgoing_links(OrderIndex(order), NodeId(from)).fate(NodeId(to), attempt)
    };
    let link = Network::new(7, "link:uniform:10ms..100ms".parse::<LatencySpec>().unwrap());
    let direction = Network::new(7, "direction:uniform:10ms..100ms".parse::<LatencySpec>().unwrap());
    let message = Network::new(7, "uniform:10ms..100ms".parse::<LatencySpec>().unwrap());
    for (from, to) in [(0, 1), (8, 3), (5, 1_000_000)] {
        let first = fate(&link, 0, from, to, 0);
        assert_eq!(fate(&link, 9, from, to, 3), first);
        assert_eq!(fate(&link, 0, to, from, 0), first);
        assert_ne!(fate(&link, 0, from, to + 1, 0), first);
        assert_eq!(fate(&direction, 9, from, to, 3), fate(&direction, 0, from, to, 0));
        assert_ne!(fate(&direction, 0, to, from, 0), fate(&direction, 0, from, to, 0));
        let first = fate(&message, 0, from, to, 0);
        for other in [fate(&message, 1, from, to, 0), fate(&message, 0, to, from, 0), fate(&message, 0, from, to, 1)] {
            assert_ne!(other, first);
        }
    }
}

#[test]
fn floors_and_ceilings_are_sums_of_their_parts() {
    for (text, floor, ceiling) in [
        ("50ms", 50, Some(50)),
        ("uniform:10ms..100ms", 10, Some(100)),
        ("normal:50ms,10ms", 0, None),
        ("normal:50ms,10ms,min=20ms,max=80ms", 20, Some(80)),
        ("lognormal:p50=40ms,p90=90ms,min=5ms", 5, None),
        ("exponential:30ms,min=5ms,max=1s", 5, Some(1_000)),
        ("pareto:10ms,1.5", 10, None),
        ("link:uniform:10ms..100ms+exponential:5ms,min=1ms", 11, None),
        ("exponential:5ms,min=1ms,max=9ms+direction:20ms", 21, Some(29)),
    ] {
        let spec: LatencySpec = text.parse().unwrap();
        assert_eq!(
            (spec.floor(), spec.ceiling()),
            (Nanos::from_millis(floor), ceiling.map(Nanos::from_millis)),
            "{text}"
        );
    }
}

#[test]
fn text_round_trips() {
    for (text, written) in [
        ("50ms", "constant:50ms"),
        ("constant:0", "constant:0s"),
        ("uniform:10ms..100ms", "uniform:10ms..100ms"),
        ("normal:50ms, 10ms, max=1s, min=20ms", "normal:50ms,10ms,min=20ms,max=1s"),
        ("lognormal:p90=90ms,p50=40ms", "lognormal:p50=40ms,p90=90ms"),
        ("exponential:1.5ms,min=0", "exponential:1500us"),
        ("pareto:10ms,1.50", "pareto:10ms,1.5"),
        ("pareto:10ms,2,max=3s", "pareto:10ms,2,max=3s"),
        ("exponential:5ms+link:uniform:1ms..2ms", "link:uniform:1ms..2ms+exponential:5ms"),
        ("direction:7ms", "direction:constant:7ms"),
        ("ordered", "ordered"),
        ("7ms,ordered", "constant:7ms,ordered"),
        ("exponential:5ms, ordered, max=1s", "exponential:5ms,max=1s,ordered"),
        ("link:uniform:1ms..2ms,ordered+exponential:5ms", "link:uniform:1ms..2ms+exponential:5ms,ordered"),
        ("exponential:5ms+link:uniform:1ms..2ms , ordered", "link:uniform:1ms..2ms+exponential:5ms,ordered"),
    ] {
        let spec: LatencySpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(spec.to_string(), written);
        assert_eq!(written.parse::<LatencySpec>().unwrap(), spec);
        assert_eq!(serde_json::to_value(spec).unwrap(), written);
    }
}

#[test]
fn a_bad_latency_is_refused_by_name() {
    for (text, said) in [
        ("", "`` is no latency; choose one of constant:TIME, "),
        ("gauss:5ms", "`gauss:5ms` is no latency"),
        ("-5ms", "the time is -5ms: a message cannot arrive before it is sent"),
        ("constant:-5ms", "the time is -5ms: a message cannot"),
        ("uniform:-1ms..5ms", "the least is -1ms: a message cannot"),
        ("exponential:30ms,min=-5ms", "min is -5ms: a message cannot"),
        ("constant:", "the time is missing"),
        ("constant:5", "the time is `5`, which is no time; write a number and a unit"),
        ("uniform:10ms", "LEAST..GREATEST is missing"),
        ("uniform:100ms..10ms", "the least of 100ms is above the greatest of 10ms"),
        ("normal:50ms", "the deviation is missing"),
        ("normal:50ms,10ms,min=60ms", "min of 60ms is above the mean of 50ms"),
        ("normal:50ms,10ms,max=40ms", "the mean of 50ms is above max of 40ms"),
        ("normal:50ms,10ms,5ms", "`5ms` is one figure too many"),
        ("normal:50ms,10ms,least=5ms", "`least=5ms` is one figure too many"),
        ("normal:50ms,10ms,min=5ms,min=6ms", "`min=6ms` is one figure too many"),
        ("lognormal:p50=40ms", "p90=TIME is missing"),
        ("lognormal:p50=90ms,p90=40ms", "p50 of 90ms is above p90 of 40ms"),
        ("lognormal:p50=40ms,p90=90ms,min=40ms", "min of 40ms leaves nothing below p50 of 40ms"),
        ("lognormal:p50=1ns,p90=1s", "lies more than a million times as far"),
        ("exponential:30ms,min=31ms", "min of 31ms is above the mean of 30ms"),
        ("pareto:10ms,0", "the shape is `0`; write a decimal from 0.1 to 1000"),
        ("pareto:10ms,-1", "the shape is `-1`"),
        ("pareto:10ms,nan", "the shape is `nan`"),
        ("pareto:0s,1", "the least is 0, and every draw"),
        ("pareto:10ms,1,max=9ms", "the least of 10ms is above the greatest of 9ms"),
        ("constant:2000min", "the greatest of 120000s is above the longest latency of 86400s"),
        ("link:5ms+link:6ms", "has two parts of one kind"),
        ("5ms+6ms", "has two parts of one kind"),
        ("5ms+", "`` is no latency"),
        ("ordered,5ms", "`ordered,5ms` is no latency"),
        ("ordered+5ms", "`ordered` is no latency"),
        ("5ms,ordered,ordered", "`ordered` is one figure too many"),
        ("exponential:5ms,ordered,ordered", "`ordered` is one figure too many"),
        ("exponential:5ms,order", "`order` is one figure too many"),
    ] {
        let error = text.parse::<LatencySpec>().expect_err(text).to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
}
