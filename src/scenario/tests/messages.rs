//! Tests of every error message, in the form in which a user reads it.

use super::super::{Draft, PayloadBytes};
use super::{draft, scenario};

/// Returns the error message for a command line that must be refused.
fn refusal(line: &str) -> String {
    match draft(line) {
        Err(bad) => bad.to_string(),
        Ok(draft) => draft.build().expect_err(line).to_string(),
    }
}

#[track_caller]
fn assert_refused(cases: &[(&str, &str)]) {
    for (line, message) in cases {
        assert_eq!(refusal(line), *message, "{line}");
    }
}

#[test]
fn whole_numbers_have_limits() {
    assert_refused(&[
        ("--nodes 0", "--nodes 0: a network needs 1 to 4294967295 nodes; ask for at least 1"),
        ("--nodes=-5", "--nodes -5: a network needs 1 to 4294967295 nodes; ask for at least 1"),
        (
            "--nodes abc",
            "--nodes abc: a network needs 1 to 4294967295 nodes; write it in digits, as 10000, 10_000, 10k or 1e4",
        ),
        (
            "--nodes ''",
            "--nodes '': a network needs 1 to 4294967295 nodes; write it in digits, as 10000, 10_000, 10k or 1e4",
        ),
        (
            "--nodes=-",
            "--nodes -: a network needs 1 to 4294967295 nodes; write it in digits, as 10000, 10_000, 10k or 1e4",
        ),
        ("--nodes 0.5", "--nodes 0.5: a network needs 1 to 4294967295 nodes; ask for a whole number"),
        ("--nodes 4294967296", "--nodes 4294967296: a network needs 1 to 4294967295 nodes; ask for at most 4294967295"),
        (
            "--nodes 99999999999999999999999",
            "--nodes 99999999999999999999999: a network needs 1 to 4294967295 nodes; ask for at most 4294967295",
        ),
        ("--threads 0", "--threads 0: a run takes 1 to 1024 worker threads; ask for at least 1"),
        ("--threads 1025", "--threads 1025: a run takes 1 to 1024 worker threads; ask for at most 1024"),
        ("--processes 0", "--processes 0: a run is spread over 1 to 64 processes; ask for at least 1"),
        ("--processes 65", "--processes 65: a run is spread over 1 to 64 processes; ask for at most 64"),
        ("--peers=-1", "--peers -1: a node knows 0 to 4294967294 peers; ask for at least 0"),
        ("--fanout 0", "--fanout 0: a node forwards to 1 to 4294967295 peers; ask for at least 1"),
        ("--ttl 0", "--ttl 0: an order travels 1 to 255 hops, or `auto`; ask for at least 1"),
        ("--ttl 256", "--ttl 256: an order travels 1 to 255 hops, or `auto`; ask for at most 255"),
        (
            "--ttl far",
            "--ttl far: an order travels 1 to 255 hops, or `auto`; write it in digits, as 10000, 10_000, 10k or 1e4",
        ),
        (
            "--origin x",
            "--origin x: nodes have ids from 0 to 18446744073709551615; write it in digits, as 10000, 10_000, 10k or \
             1e4",
        ),
        (
            "--payload-bytes 16777217",
            "--payload-bytes 16777217: an order carries 0 to 16777216 bytes of payload; ask for at most 16777216",
        ),
        ("--receive-buffer 1", "--receive-buffer 1: a socket buffers 1152 to 1073741823 bytes; ask for at least 1152"),
        ("--runs 10001", "--runs 10001: a scenario is measured in 1 to 10000 runs; ask for at most 10000"),
        (
            "--seed 18446744073709551616",
            "--seed 18446744073709551616: a seed is a whole number from 0 to 18446744073709551615; \
             ask for at most 18446744073709551615",
        ),
    ]);
}

#[test]
fn a_name_is_short_and_visible() {
    let rule = "a name has 1 to 64 characters, all of them visible; shorten it, and leave out line ends and other \
                control characters";
    let long = "ä".repeat(65);
    for (name, shown) in [(long.as_str(), format!("'{long}'")), ("", "''".to_owned()), ("a\nb", r"'a\nb'".to_owned())] {
        assert_eq!(refusal(&format!("--name '{name}'")), format!("--name {shown}: {rule}"));
        let draft = Draft { name: Some(name.to_owned()), ..Draft::default() };
        assert_eq!(draft.build().unwrap_err().to_string(), format!("--name {shown}: {rule}"));
    }
    let hidden = format!("--name 'a\u{202e}b': {rule}",);
    assert_eq!(refusal("--name 'a\u{202e}b'"), hidden.replace('\u{202e}', r"\u{202e}"));
    let longest = "ä".repeat(64);
    assert_eq!(draft(&format!("--name {longest}")).unwrap().build().unwrap().run.name, Some(longest));
}

#[test]
fn an_ambiguous_quantity_is_asked_about() {
    assert_refused(&[
        (
            "--nodes 5m",
            "--nodes 5m: a network needs 1 to 4294967295 nodes; is that 5 million or 5 thousandths? Write 5M",
        ),
        ("--timeout 5m", "--timeout 5m: is that 5 minutes or 5 milliseconds? Write 5min or 5ms"),
        ("--orders 5 --rate 10m/s", "--rate 10m/s: is that 10 million or 10 thousandths? Write 10M/s"),
        (
            "--transport simulated --latency 50m",
            "--latency 50m: the time is `50m`: is that 50 minutes or 50 milliseconds? Write 50min or 50ms",
        ),
        (
            "--transport simulated --bandwidth up=10MB/s",
            "--bandwidth 'up=10MB/s': up is `10MB/s`: is that 10 megabits or 10 megabytes a second? Write 10Mbit or \
             80Mbit",
        ),
        (
            "--transport simulated --bandwidth up=1Mbit,queue=64K",
            "--bandwidth 'up=1Mbit,queue=64K': the queue is `64K`: is that 64 times 1000 or times 1024? Write 64kB or \
             64KiB",
        ),
        (
            "--receive-buffer 64k",
            "--receive-buffer 64k: a socket buffers 1152 to 1073741823 bytes; is that 64 times 1000 or times 1024? \
             Write 64kB or 64KiB",
        ),
    ]);
}

#[test]
fn shares_times_and_names_have_a_form() {
    let target = "a target is a share above 0 and at most 1; write it as 0.95, 95% or 19/20, with at most 15 decimals";
    for text in ["0", "1.5", "-1", "NaN", "1e400", "''", "inf", "0.0000000000000001"] {
        assert_eq!(refusal(&format!("--target={text}")), format!("--target {text}: {target}"));
    }
    let timeout = "a time limit is a number with its unit, below 584 years; write 3s, 250ms or 40us, or 0 for no limit";
    for text in ["3", "-1s", "''", "soon", "1e11s", "99999999999999s"] {
        assert_eq!(refusal(&format!("--timeout={text}")), format!("--timeout {text}: {timeout}"));
    }
    assert_refused(&[
        ("--transport tcp", "--transport tcp: choose one of udp, udp-shard, unix, memory, simulated"),
        (
            "--latency constant:-1ms",
            "--latency constant:-1ms: the time is -1ms: a message cannot arrive before it is sent; write a time of 0 \
             or more",
        ),
        (
            "--latency uniform:9ms..5ms",
            "--latency uniform:9ms..5ms: the least of 9ms is above the greatest of 5ms; make the first smaller or the \
             second greater",
        ),
        ("--network aws34", "--network aws34: choose one of aws33, ethereum8, bitcoin6, exchange-sites, FILE.csv"),
        ("--network 'a\0.csv'", r"--network 'a\u{0}.csv': a path holds no NUL; take that byte out"),
        ("--loss 1.5", "--loss 1.5: the loss is `1.5`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10"),
        ("--duplicate=-1", "--duplicate -1: it is a share from 0 to 1; write it as 0.1, 10% or 1/10"),
        (
            "--bandwidth up=0mbit",
            "--bandwidth 'up=0mbit': up is `0mbit`, which is no rate; write a number above 0 with bit, kbit, mbit or \
             gbit, at most 1000gbit",
        ),
        (
            "--processing 25h",
            "--processing 25h: a node is busy with a message for at most a day; write a time such as 10us or 1ms",
        ),
        (
            "--down 10%,by=luck",
            "--down '10%,by=luck': by is `luck`; choose random or degree, or leave it out and name a region",
        ),
        ("--churn up=1s", "--churn 'up=1s': down= is missing; write up=TIME,down=TIME"),
        (
            "--detect 8s..2s",
            "--detect 8s..2s: a failure is detected after 8s to 2s; write the lesser time first, and at most 86400s",
        ),
        (
            "--transport simulated --detect 2s",
            "--detect without --down or --churn: no node fails; leave --detect out or say which nodes do",
        ),
        ("--nat 2", "--nat 2: it is a share from 0 to 1; write it as 0.1, 10% or 1/10"),
        (
            "--adversary flood:1,times=0",
            "--adversary 'flood:1,times=0': times is `0`; write how often each message is sent, from 1 to 1000",
        ),
        (
            "--until end",
            "--until end: choose target, quiescent, or the time from the first publication to the end of the run, \
             above 0 and below 584 years, such as 20s or 250ms",
        ),
        ("--pin all", "--pin all: choose one of spread, compact, none"),
        ("--spin Auto", "--spin Auto: choose one of auto, always, never"),
        ("--exclude-sender=no", "--exclude-sender no: it is true or false; leave the value out for true"),
        (
            "--topology mesh",
            "--topology mesh: choose one of erdos-renyi, random-regular, regular-implicit, watts-strogatz[:SHARE], \
             barabasi-albert, dials[:reachable=SHARE], ring, grid, star, complete, file:PATH",
        ),
        ("--topology file:", "--topology file:: `file:`: the path of an edge list must follow, as in file:links.txt"),
    ]);
}

#[test]
fn contradictions_are_not_settled_in_silence() {
    assert_refused(&[
        (
            "--seed 18446744073709551610 --runs 7",
            "--seed 18446744073709551610 with --runs 7: run i has the seed 18446744073709551610 + i, and no seed is \
             above 18446744073709551615; ask for at most --seed 18446744073709551609, for fewer --runs, or for \
             --same-seed",
        ),
        (
            "--same-seed",
            "--same-seed with --runs 1: it repeats one seed over many runs; ask for 2 --runs or more, or leave it out",
        ),
        (
            "--peers 20 --nodes 10",
            "--peers 20 with --nodes 10: a node has at most 9 others to know; ask for fewer --peers or more --nodes",
        ),
        (
            "--topology ring --peers 20",
            "--peers 20 with --topology ring: its shape decides how many peers a node has; leave --peers out or choose \
             a topology that takes it, such as erdos-renyi or random-regular",
        ),
        ("--origin 10", "--origin 10 with --nodes 10: nodes are numbered from 0; ask for at most --origin 9"),
        ("--threads 11", "--threads 11 with --nodes 10: each worker needs a node; ask for at most --threads 10"),
        (
            "--nodes 9 --topology random-regular --peers 3",
            "--nodes 9 with --peers 3 and --topology random-regular: nodes times peers must be even, since each link \
             has two ends; make one of them even",
        ),
        (
            "--transport memory --receive-buffer 5000",
            "--receive-buffer 5000 with --transport memory: it has no sockets, and so no receive buffer; leave \
             --receive-buffer out or choose --transport udp",
        ),
        (
            "--transport simulated --charge-serialization",
            "--charge-serialization with --transport simulated: what it costs takes no virtual time; leave \
             --charge-serialization out or choose --transport memory",
        ),
        (
            "--engine fast",
            "--engine with --transport udp: only virtual time has it, and of the model a real carrier takes --network, \
             --place, --latency, --loss, --links and --duplicate; leave --engine out or choose --transport simulated",
        ),
        (
            "--processing 1ms --transport udp-shard --latency 1ms",
            "--processing with --transport udp-shard: only virtual time has it, and of the model a real carrier takes \
             --network, --place, --latency, --loss, --links and --duplicate; leave --processing out or choose \
             --transport simulated",
        ),
        (
            "--down 10%",
            "--down with --transport udp: only virtual time has it, and of the model a real carrier takes --network, \
             --place, --latency, --loss, --links and --duplicate; leave --down out or choose --transport simulated",
        ),
        (
            "--transport simulated --network aws33 --latency 5ms",
            "--latency constant:5ms with --network aws33: the regions have latencies of their own; leave one of them \
             out",
        ),
        (
            "--charge-serialization",
            "--charge-serialization with --transport udp: every datagram is encoded and decoded anyway; leave \
             --charge-serialization out or choose --transport memory",
        ),
        ("--peers 0", "--peers 0 with --topology erdos-renyi: no node would know another; ask for at least 1"),
    ]);
}

#[test]
fn a_membership_protocol_takes_no_overlay() {
    let with = |options: &str, reason: &str| {
        let line = format!("--transport simulated --protocol push@hyparview {options}");
        let option = options.split(['=', ':']).next().unwrap().rsplit_once(' ').map_or(options, |(option, _)| option);
        let start = format!(" with --protocol push@hyparview: {reason}, and with a membership protocol none is drawn");
        let said = refusal(&line);
        assert!(said.starts_with(option) && said.contains(&start), "{said}");
    };
    with("--topology ring", "it names an overlay");
    with("--peers 4", "it is a number of peers in an overlay");
    with("--down 10%,by=degree", "it goes by the number of peers in an overlay");
    with("--adversary flood:10%,times=2", "such a node sends to all peers that an overlay gives it");
    with("--adversary eclipse:1,victim=2", "it takes the peers in an overlay");
    assert_refused(&[
        (
            "--contact 1",
            "--contact without a membership protocol: nobody joins an overlay that is drawn; leave --contact out or \
             write @hyparview behind the protocol, as in --protocol plumtree@hyparview",
        ),
        (
            "--join-time 1s --protocol flood",
            "--join-time without a membership protocol: nobody joins an overlay that is drawn; leave --join-time out \
             or write @hyparview behind the protocol, as in --protocol plumtree@hyparview",
        ),
        (
            "--protocol turbine@hyparview",
            "--protocol turbine@hyparview: its trees are over all nodes, and the views of a membership protocol hold a \
             few; leave @hyparview out, or choose another protocol",
        ),
        (
            "--protocol flood@hyparview --contact 10",
            "--contact 10 with --nodes 10: nodes are numbered from 0; ask for at most --contact 9",
        ),
        (
            "--protocol flood@hyparview --join-time 25h",
            "--join-time 25h: nodes join within 0 to 24h; write 5s or 200ms",
        ),
        (
            "--transport simulated --engine fast --protocol push@hyparview",
            "--engine fast or hops with --protocol push@hyparview: what its nodes do hangs on more than first \
             messages; leave --engine out or choose --protocol push or flood",
        ),
    ]);
}

/// A message time for each node, and on a real carrier little enough to wait for.
#[test]
fn nodes_join_one_after_the_other() {
    for (line, join_time) in [
        ("", "5s"),
        ("--transport simulated", "5s"),
        ("--transport simulated --nodes 1000", "50s"),
        ("--transport simulated --nodes 1000 --latency uniform:10ms..30ms", "20s"),
        ("--transport simulated --nodes 1000 --latency lognormal:p50=40ms,p90=90ms", "50s"),
        ("--transport simulated --nodes 1000 --latency 1s", "100s"),
        ("--transport simulated --nodes 1000000", "3600s"),
        ("--transport memory --nodes 1000 --latency 50ms", "5s"),
    ] {
        let scenario = scenario(&format!("--protocol flood@hyparview {line}"));
        let membership = scenario.membership.clone().unwrap();
        assert_eq!((membership.join_time.written().as_str(), membership.contact.0), (join_time, 0), "{line}");
        let again = Draft::from(&scenario).build().unwrap();
        assert_eq!((&again, again.replay()), (&scenario, scenario.replay()), "{line}");
        assert!(!scenario.replay().contains("join-time") && !scenario.to_toml().contains("topology"), "{line}");
    }
}

#[test]
fn an_order_fits_what_carries_it() {
    assert_refused(&[
        (
            "--payload-bytes 1400",
            "--payload-bytes 1400 with --transport udp: there push sends an order in one datagram, which leaves 1399 \
             bytes to its payload; ask for at most --payload-bytes 1399, or choose --protocol turbine, which cuts \
             orders into parts, or --transport memory or simulated",
        ),
        (
            "--payload-bytes 0..2MiB --transport udp-shard",
            "--payload-bytes 0..2097152 with --transport udp-shard: there push sends an order in one datagram, which \
             leaves 1399 bytes to its payload; ask for at most --payload-bytes 1399, or choose --transport memory or \
             simulated",
        ),
        (
            "--payload-bytes 2MiB --protocol turbine",
            "--payload-bytes 2097152 with --transport udp: there the parts of an order carry at most 1048576 bytes of \
             payload; ask for at most --payload-bytes 1048576, or choose --transport memory or simulated",
        ),
        (
            "--stakes stakes.csv",
            "--stakes with --protocol push: its nodes have no stakes; leave --stakes out or choose --protocol turbine",
        ),
        (
            "--protocol turbine,stake=pareto:1.2 --stakes stakes.csv",
            "--stakes with the knob stake=pareto:1.2: both say what stakes nodes have; leave one of the two out",
        ),
        (
            "--protocol turbine --peers 8",
            "--topology erdos-renyi with --protocol turbine: its nodes know everybody, and its trees are of all nodes; \
             leave --topology and --peers out",
        ),
    ]);
}

#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn processes_have_sockets_and_a_node_for_each_worker() {
    assert_refused(&[
        (
            "--processes 2 --transport memory",
            "--processes 2 with --transport memory: this carrier stays within one process; leave --processes out or \
             choose --transport udp, udp-shard or unix",
        ),
        ("--processes 11", "--processes 11 with --nodes 10: each process needs a node; ask for at most --processes 10"),
        (
            "--processes 11 --threads 1",
            "--processes 11 with --nodes 10: each process needs a node; ask for at most --processes 10",
        ),
        (
            "--processes 4 --threads 3",
            "--processes 4 with --threads 3 and --nodes 10: each of the 12 workers needs a node; ask for at most \
             --threads 2",
        ),
        (
            "--processes 64 --threads 17 --nodes 5000",
            "--processes 64 with --threads 17: a run takes at most 1024 worker threads, and these are 1088; ask for at \
             most --threads 16",
        ),
    ]);
}

#[cfg(not(all(target_os = "linux", not(portable))))]
#[test]
fn several_processes_are_refused_where_there_are_none() {
    assert_refused(&[(
        "--processes 2",
        "--processes 2: several processes share memory as Linux lets them, and this is another system, or a portable \
         build; leave --processes out",
    )]);
}

#[test]
fn values_of_a_program_meet_the_same_limits() {
    for (draft, message) in [
        (Draft { nodes: Some(0), ..Draft::default() }, "--nodes 0: a network needs 1 to 4294967295 nodes"),
        (Draft { fanout: Some(0), ..Draft::default() }, "--fanout 0: a node forwards to 1 to"),
        (
            Draft { payload_bytes: Some(PayloadBytes::exactly((16 << 20) + 1)), ..Draft::default() },
            "--payload-bytes 16777217: an order carries 0 to 16777216 bytes of payload; ask for at most 16777216",
        ),
        (Draft { receive_buffer: Some(0), ..Draft::default() }, "--receive-buffer 0: a socket buffers"),
        (Draft { runs: Some(0), ..Draft::default() }, "--runs 0: a scenario is measured in"),
        (Draft { threads: Some(0), ..Draft::default() }, "--threads 0: a run takes 1 to 1024"),
    ] {
        let error = draft.build().unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn a_terminal_is_safe_from_what_was_asked() {
    assert_eq!(refusal("--pin 'a\n\u{1b}[31m'"), r"--pin 'a\n\u{1b}[31m': choose one of spread, compact, none");
    let long = refusal(&format!("--pin {}", "x".repeat(100_000)));
    assert!(long.len() < 200, "{long}");
}

#[test]
fn a_file_is_refused_by_line_and_key() {
    for (text, message) in [
        ("nodes = 0", "line 1: nodes = 0: a network needs 1 to 4294967295 nodes; ask for at least 1"),
        (
            "\nnodes = \"abc\"",
            "line 2: nodes = abc: a network needs 1 to 4294967295 nodes; write it in digits, as 10000, 10_000, 10k or \
             1e4",
        ),
        ("# why\n\npin = 'x'", "line 3: pin = x: choose one of spread, compact, none"),
        ("pin = 'x'\nnodes = 0", "line 1: pin = x: choose one of spread, compact, none"),
        ("node = 3", "line 1: no option is called node; did you mean `nodes`?"),
        ("zzz = 3", "line 1: no option is called zzz; `bulkprop --help` lists them all"),
        ("'nodes=5' = 3", "line 1: no option is called 'nodes=5'; `bulkprop --help` lists them all"),
        ("'' = 3", "line 1: no option is called ''; `bulkprop --help` lists them all"),
        ("help = true", "line 1: no option is called help; `bulkprop --help` lists them all"),
        ("nodes = [1]", "line 1: `nodes` is given a list; give it one number, text or truth value"),
        ("[nodes]\na = 1", "line 1: `nodes` is given a table; give it one number, text or truth value"),
        ("seed = 1979-05-27", "line 1: `seed` is given a date; give it one number, text or truth value"),
        (
            "[network]\nloss = 2",
            "line 2: loss = 2: the loss is `2`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10",
        ),
        (
            "[network]\n\nnodes = 2",
            "line 3: `[network]` has no option called nodes; it takes name, place, latency, loss, links, duplicate, \
             bandwidth, processing, down, churn, partition, nat, detect, adversary",
        ),
        (
            "loss = 0.1\n[network]\nloss = 0.2",
            "line 3: `loss` is given inside of `[network]` and outside; leave one of them out",
        ),
        ("nodes = 1\nnodes = 2", "line 2: this is not TOML: duplicate key; write one `option = value` a line"),
        ("topology = \"file:\\u0000\"", "line 1: topology = 'file:\\u{0}': a path holds no NUL; take that byte out"),
    ] {
        assert_eq!(Draft::from_toml(text).expect_err(text).to_string(), message, "{text}");
    }
}

#[test]
fn a_bulk_is_spread_over_time_and_one_order_is_not() {
    assert_refused(&[
        ("--orders 0", "--orders 0: a run publishes 1 to 1000000 orders; ask for at least 1"),
        ("--orders 1000001", "--orders 1000001: a run publishes 1 to 1000000 orders; ask for at most 1000000"),
        (
            "--rate 5/s",
            "--rate with one order: there is nothing to spread over time or tell apart; ask for at least --orders 2",
        ),
        (
            "--orders 5 --rate 0",
            "--rate 0: a rate is 0.000001/s to 1000000000/s orders per second, with at most 6 decimals; write 200/s or \
             0.5/s",
        ),
        ("--orders 5 --arrivals soon", "--arrivals soon: choose one of constant, poisson, burst"),
        (
            "--origins random --origin 3",
            "--origin 3 with --origins random: each order has an origin of its own; leave one of them out",
        ),
        ("--window 0 --orders 5", "--window 0: a node tells apart 1 to 1000000 orders, or `auto`; ask for at least 1"),
        ("--payload-bytes 9..3", "--payload-bytes 9..3: a range leads from the lesser to the greater; write 0..1000"),
        (
            "--nodes 100000000 --orders 1000 --window 500",
            "--nodes 100000000 with --orders 1000 and --window 500: telling orders apart takes more than 2 GiB; ask \
             for a --window of at most 64, or fewer nodes",
        ),
    ]);
}
