//! Tests that no worker allocates between the start barrier and the stop. In a binary of its own, because it replaces
//! the allocator.

use bulk_order_propagation::scenario::{Choice, Draft, TransportKind, Ttl, Until};
use bulk_order_propagation::simulation;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::threads::Observer;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, which counts the requests of threads inside their loops.
struct Counting;

/// Requests made inside loops.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static IN_LOOP: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    if IN_LOOP.with(Cell::get) {
        // Ordering: Relaxed; read after the threads were joined.
        REQUESTS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator unchanged.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as our caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as our caller promised.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count();
        // SAFETY: as our caller promised.
        unsafe { System.realloc(place, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// An observer that marks the time between the start barrier and the stop; with `waste`, each worker allocates once.
struct Watch {
    waste: bool,
}

impl Observer for Watch {
    fn loop_entered(&self, _: usize) {
        IN_LOOP.with(|inside| inside.set(true));
        if self.waste {
            drop(std::hint::black_box(vec![0u8; 100]));
        }
    }

    fn loop_left(&self, _: usize) {
        IN_LOOP.with(|inside| inside.set(false));
    }
}

fn requests(draft: Draft, waste: bool) -> u64 {
    // Ordering: Relaxed; one test thread reads and writes while no worker lives.
    REQUESTS.store(0, Ordering::Relaxed);
    let scenario = draft.build().unwrap();
    let record = simulation::run_observed(&scenario, &Interrupt::new(), &Watch { waste }).unwrap();
    assert!(record.reached() > 1);
    REQUESTS.load(Ordering::Relaxed)
}

#[test]
fn no_worker_allocates_in_its_loop() {
    let base = Draft {
        nodes: Some(500),
        seed: Some(1),
        until: Some(Until::Quiescent),
        ttl: Some(Ttl::Auto),
        ..Draft::default()
    };
    assert_eq!(requests(Draft { threads: Some(3), ..base.clone() }, true), 3, "the watch sees what it should");
    let real = |transport: &TransportKind| transport.is_available() && !transport.is_virtual();
    for transport in TransportKind::ALL.iter().copied().filter(real) {
        for (threads, fanout) in [1, 2, 8].into_iter().flat_map(|threads| [3, 8, 400].map(|fanout| (threads, fanout))) {
            for family in ["erdos-renyi", "star", "complete"] {
                let topology = Some(family.parse().unwrap());
                let draft = Draft {
                    transport: Some(transport),
                    threads: Some(threads),
                    fanout: Some(fanout),
                    topology,
                    ..base.clone()
                };
                assert_eq!(requests(draft, false), 0, "{transport:?}, {threads} threads, fanout {fanout}, {family}");
            }
        }
    }
}
