//! Tests that a protocol with its knobs reads as it is written, and that what it is not is refused.

use super::super::{Choice, Draft, ProtocolKind, ProtocolMismatch, ProtocolSpec, ScenarioError};
use super::{draft, scenario};
use crate::protocol::{LazyKnobs, PushFanout, PushKnobs};
use crate::time::Nanos;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Texts of which every knob accepts some, whatever it counts.
const VALUES: [&str; 18] = [
    "0", "1", "2", "7", "12", "1k", "0.25", "20%", "1", "0s", "35ms", "2s", "1min", "true", "false", "default",
    "8/4/2", "auto",
];

/// Membership protocols behind a protocol: mostly none.
const MEMBERSHIPS: [&str; 6] =
    ["", "", "", "@hyparview", "@hyparview:iroh,settle-time=0.5s", "@hyparview,active-view-capacity=7"];

/// Draws a text for any protocol: perhaps a preset, and knobs of it with values that they may or may not accept.
fn texts() -> impl Strategy<Value = String> {
    let kinds = select(ProtocolKind::ALL);
    kinds.prop_flat_map(|kind| {
        let sheet = kind.sheet();
        let presets: Vec<String> = sheet.presets.iter().map(|(name, _)| format!(":{name}")).collect();
        let presets = select([presets, vec![String::new()]].concat());
        let settings: Vec<(String, Vec<String>)> = sheet
            .knobs
            .iter()
            .map(|knob| {
                let own = knob.values.iter().cloned();
                (knob.name.to_owned(), VALUES.iter().map(|&value| value.to_owned()).chain(own).collect())
            })
            .collect();
        let count = settings.len();
        let settings = subsequence(settings, 0..=count.min(3));
        let values = proptest::collection::vec(any::<prop::sample::Index>(), 3);
        let memberships = select(MEMBERSHIPS.to_vec());
        (presets, settings, values, memberships).prop_map(move |(preset, settings, values, membership)| {
            let settings = settings.iter().zip(values);
            let settings = settings.map(|((name, known), value)| format!(",{name}={}", value.get(known)));
            format!("{}{preset}{}{membership}", kind.name(), settings.collect::<String>())
        })
    })
}

proptest! {
    /// What is read is written in no more knobs, and reads back to the same value.
    #[test]
    fn a_protocol_reads_back_as_it_is_written(text in texts()) {
        let Ok(spec) = text.parse::<ProtocolSpec>() else { return Ok(()) };
        let written = spec.to_string();
        prop_assert_eq!(written.parse::<ProtocolSpec>(), Ok(spec), "{} from {}", written, text);
        let knobs = |text: &str| text.matches(',').count();
        prop_assert!(knobs(&written) <= knobs(&text), "{} from {}", written, text);
        prop_assert_eq!(&written.parse::<ProtocolSpec>().unwrap().to_string(), &written);
        let draft = Draft { protocol: Some(spec), ..Draft::default() };
        prop_assert_eq!(Draft::from_toml(&draft.to_toml()).unwrap().protocol, Some(spec));
        prop_assert_eq!(serde_json::to_value(spec).unwrap(), serde_json::Value::from(written));
    }

    /// No text of any kind panics, and each is refused with a sentence or reads back.
    #[test]
    fn any_text_is_refused_or_reads_back(text in "(push|lazy|flood|[a-z]{0,4})([:,=@/.a-z0-9]|\\PC){0,20}") {
        match text.parse::<ProtocolSpec>() {
            Ok(spec) => prop_assert_eq!(spec.to_string().parse::<ProtocolSpec>(), Ok(spec)),
            Err(error) => prop_assert!(error.to_string().starts_with("--protocol "), "{}", error),
        }
    }
}

/// Each protocol by its name, its presets, and its defaults written out; every preset has values of its own.
#[test]
fn every_name_preset_and_default_is_read() {
    for &kind in ProtocolKind::ALL {
        let sheet = kind.sheet();
        let plain = ProtocolSpec::from(kind);
        assert_eq!(sheet.name.parse::<ProtocolSpec>().as_ref(), Ok(&plain));
        assert_eq!(plain.to_string(), sheet.name);
        for (place, (preset, source)) in sheet.presets.iter().enumerate() {
            let spec: ProtocolSpec = format!("{}:{preset}", sheet.name).parse().unwrap();
            let written = if place == 0 { sheet.name.to_owned() } else { format!("{}:{preset}", sheet.name) };
            assert_eq!(spec.to_string(), written);
            assert!(!source.is_empty());
        }
        for knob in &sheet.knobs {
            assert!(!knob.help.is_empty() && knob.values.len() == sheet.presets.len().max(1), "{knob:?}");
            for value in &knob.values {
                let text = format!("{},{}={value}", sheet.name, knob.name);
                let read = text.parse::<ProtocolSpec>();
                assert!(read.is_ok(), "{read:?}");
            }
        }
    }
}

#[test]
fn knobs_that_are_options_are_the_options() {
    for (knobs, options) in [
        ("--protocol push,fanout=4", "--fanout 4"),
        ("--protocol lazy,fanout=4,retry=2s", "--protocol lazy --fanout 4 --retry 2000ms"),
        ("--protocol lazy,announce-interval=10ms", "--protocol lazy --announce-interval 10ms"),
        ("--protocol lazy,retry=default", "--protocol lazy"),
    ] {
        let (knobs, options) = (scenario(&format!("--seed 7 {knobs}")), scenario(&format!("--seed 7 {options}")));
        assert_eq!(knobs, options);
        assert_eq!(knobs.replay(), options.replay());
        assert_eq!(serde_json::to_value(&knobs).unwrap(), serde_json::to_value(&options).unwrap());
        assert_eq!(knobs.protocol.effective(), options.protocol.effective());
    }
    let lazy = scenario("--protocol lazy --retry 2s");
    assert_eq!(lazy.protocol.effective().to_string(), "lazy,fanout=8,retry=2s,announce-interval=0s");
    assert!(lazy.to_toml().contains("protocol = \"lazy\"\n"), "{}", lazy.to_toml());
    assert_eq!(scenario("--protocol push,fanout=4").protocol.fanout, 4);
}

#[test]
fn a_knob_is_given_once() {
    for (line, option) in [
        ("--protocol push,fanout=8 --fanout 8", "fanout"),
        ("--protocol lazy,retry=1s,fanout=8 --retry 2s", "retry"),
        ("--protocol lazy,announce-interval=1s --announce-interval 1s", "announce-interval"),
    ] {
        let error = draft(line).unwrap().build().unwrap_err();
        let ScenarioError::Protocol(ProtocolMismatch::KnobTwice { option: twice, .. }) = error else {
            panic!("{error}");
        };
        assert_eq!(twice, option);
    }
    let error = draft("--protocol lazy,retry=1s --retry 2s").unwrap().build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "--retry with --protocol 'lazy,retry=1s': both set the knob retry of lazy; leave one of the two out"
    );
}

#[test]
fn what_is_no_protocol_is_refused() {
    let names = ProtocolKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>();
    let names = format!("choose one of {}", names.join(", "));
    for (text, rule) in [
        ("", names.as_str()),
        ("zz9", names.as_str()),
        ("gossip", "no protocol is called gossip; did you mean gossipsub?"),
        ("gossipsub:etherium", "gossipsub has no preset called `etherium`; did you mean gossipsub:ethereum?"),
        ("gossipsub,d=3", "d-low=4, d=3, d-high=12: give three in ascending order"),
        ("gossipsub,d-out=4", "d-out=4 with d-low=4, d=6: it is below d-low, and at most half of d"),
        ("gossipsub,idontwant-bytes=9TB", "idontwant-bytes=`9TB`: it is a length from 0 to 4GB, as 1KiB, or off"),
        ("puhs", "no protocol is called puhs; did you mean push?"),
        ("lazy,rety=2s", "lazy has no knob called `rety`; did you mean retry?"),
        ("flood,fanout=2", "flood has no knob called `fanout`; it has none; leave it out"),
        ("flood:fast", "flood has no preset called `fast`; it has none; leave the preset out"),
        ("push,fanout=0", "fanout=`0`: a node forwards to 1 to 4294967295 peers; write it in digits, as 8"),
        ("lazy,retry=0", "retry=`0`: a time to ask again is above 0 and below 584 years; write 500ms, 2s or 40us"),
        ("push,8", "`8` is no knob with a value; write knob=value, as in fanout=default"),
        ("push@hyperview", "no membership protocol is called hyperview; did you mean @hyparview?"),
        (
            "push@",
            "no membership protocol is called ''; write @hyparview, or leave it out and choose an overlay with \
             --topology",
        ),
        ("push@hyparview:x", "hyparview has no preset called `x`; choose one of paper, iroh"),
        ("push@hyparview,settle-tme=1s", "hyparview has no knob called `settle-tme`; did you mean settle-time?"),
        ("push@hyparview,active-view-capacity=65", "active-view-capacity=`65`: a view has 2 to 64 members"),
    ] {
        let error = text.parse::<ProtocolSpec>().unwrap_err();
        assert_eq!((error.option.as_str(), error.rule.as_str()), ("protocol", rule), "{text}");
        assert_eq!(error.value, text);
    }
}

/// A program may set what no text gives.
#[test]
fn knobs_that_a_program_sets_are_checked() {
    let of = |spec: ProtocolSpec| Draft { protocol: Some(spec), ..Draft::default() }.build();
    let error = of(PushKnobs { fanout: Some(PushFanout::Same(0)) }.into()).unwrap_err();
    assert!(error.to_string().starts_with("--protocol 'push,fanout=0': fanout=`0`: a node forwards to"), "{error}");
    let error = of(LazyKnobs { retry: Some(Nanos::ZERO), ..LazyKnobs::default() }.into()).unwrap_err();
    assert!(error.to_string().starts_with("--protocol 'lazy,retry=0s': retry=`0s`: a time to ask again"), "{error}");
}
