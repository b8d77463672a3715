//! Threads that are refused or panic: they end the run with their cause, wherever they are. A defect here would be a
//! hang.

use crate::engine::EngineError;
use crate::network::Latency;
use crate::runtime::RuntimeError;
use crate::scenario::{Choice, Draft, Engine, TransportKind, Ttl, Until};
use crate::simulation::{SimulationError, run_observed};
use crate::sync::Interrupt;
use crate::threads::{Observer, Progress, ThreadError, refusing_from};
use crate::time::Nanos;
use crate::workload::Rate;

/// Makes a run on each carrier and by each engine, on four threads.
fn drafts() -> Vec<Draft> {
    let base = Draft {
        nodes: Some(1_000),
        threads: Some(4),
        seed: Some(7),
        ttl: Some(Ttl::Hops(20)),
        until: Some(Until::Quiescent),
        ..Draft::default()
    };
    let simulated = Draft { transport: Some(TransportKind::Simulated), ..base.clone() };
    let varies = Latency::Uniform { least: Nanos::from_millis(10), greatest: Nanos::from_millis(90) };
    let varying = Draft { latency: Some(varies.into()), ..simulated.clone() };
    let on = |transport| Draft { transport: Some(transport), ..base.clone() };
    let real = |transport: &TransportKind| transport.is_available() && !transport.is_virtual();
    let mut drafts: Vec<Draft> = TransportKind::ALL.iter().copied().filter(real).map(on).collect();
    drafts.extend([
        Draft { orders: Some(20), rate: Some(Rate::per_second(100)), ..on(TransportKind::Memory) },
        Draft { engine: Some(Engine::Hops), ..simulated.clone() },
        Draft { engine: Some(Engine::General), ..simulated },
        Draft { engine: Some(Engine::Fast), ..varying.clone() },
        Draft { engine: Some(Engine::General), ..varying },
    ]);
    drafts
}

fn thread_error(draft: &Draft, observer: &dyn Observer) -> ThreadError {
    let scenario = draft.clone().build().unwrap();
    match run_observed(&scenario, &Interrupt::new(), observer).map(|_| ()) {
        Err(error) => {
            assert!(!error.is_usage());
            match error {
                SimulationError::Runtime(RuntimeError::Threads(error)) => error,
                SimulationError::Engine(EngineError::Threads(error)) => error,
                error => panic!("{error}"),
            }
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refused_thread_is_an_error_on_every_path() {
    for draft in drafts() {
        for refused in [0, 1, 3] {
            let error = refusing_from(refused, || thread_error(&draft, &()));
            assert!(
                matches!(error, ThreadError::Refused { thread, threads: 4, .. } if thread == refused),
                "{error} {draft:?}"
            );
        }
    }
}

/// An observer that panics in one worker.
struct Panics;

impl Observer for Panics {
    fn loop_entered(&self, worker: usize) {
        assert_ne!(worker, 2, "on purpose");
    }

    /// The engine by hops reports only progress, not the workers' loops.
    fn progressed(&self, _: &Progress) {
        panic!("on purpose");
    }
}

#[test]
fn a_panic_in_one_worker_ends_the_others_on_every_path() {
    for draft in drafts() {
        let error = thread_error(&draft, &Panics);
        assert!(matches!(&error, ThreadError::Panic { message, .. } if message.contains("on purpose")), "{error}");
    }
}
