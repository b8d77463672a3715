//! Starts a thread for each share of the work, and joins all of them on every path. A single share that is not pinned
//! is done on the caller's thread: nobody else could use the time, and thousands of small runs would each pay for a
//! stack, a heap and a thread's end.
//!
//! Workers wait for each other at barriers, so a worker that never starts, or that panics, would block the others for
//! ever. The caller therefore passes a function that makes workers give up; it is called when the system refuses a
//! thread, when a worker panics and when one fails.

use core_affinity::CoreId;
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// The reason why the threads of a run did not all finish their work.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// The system refused to start a thread.
    #[error("the system refuses thread {} of {threads} ({cause}); {}", .thread + 1, advice(*.threads))]
    Refused {
        /// The first thread that was refused, counted from 0.
        thread: usize,
        /// The number of threads requested.
        threads: usize,
        /// The system's error.
        #[source]
        cause: io::Error,
    },
    /// A worker panicked: a defect of this program.
    #[error("worker {worker} panicked: {message}; this is a defect, please report it with the command")]
    Panic {
        /// The worker's number.
        worker: usize,
        /// The message of the panic.
        message: String,
    },
}

/// Returns the advice for a refusal of one of `threads` threads.
fn advice(threads: usize) -> &'static str {
    match threads {
        1 => "raise the limit on processes (ulimit -u), or end some",
        _ => "ask for fewer --threads, or raise the limit on processes (ulimit -u)",
    }
}

/// The settings by which workers are started.
#[derive(Clone, Copy)]
pub struct WorkerThreads<'a> {
    /// The number of the first worker; earlier ones live in other processes.
    pub first: usize,
    /// The core of each worker, from worker `first` on. Workers past the end are not pinned.
    pub cores: &'a [Option<CoreId>],
    /// Tells the workers that one of them will not do its share: every wait of theirs must then end.
    pub give_up: &'a (dyn Fn() + Sync),
}

/// The number and the core of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerSeat {
    /// The worker's number.
    pub worker: usize,
    /// The core that it is pinned to, if any.
    pub core: Option<CoreId>,
}

impl WorkerThreads<'_> {
    /// Runs `life` for each of `shares` on a thread of its own, or on this one if it is alone and not pinned; returns
    /// their results in the order of the shares.
    ///
    /// # Errors
    ///
    /// [`ThreadError::Refused`] if the system refuses a thread, [`ThreadError::Panic`] if a worker panics. All other
    /// workers have given up and ended by then. Failures of `life` itself are among the results.
    pub fn run<S: Send, R: Send, E: Send>(
        &self,
        shares: impl IntoIterator<Item = S>,
        life: impl Fn(WorkerSeat, S) -> Result<R, E> + Sync,
    ) -> Result<Vec<Result<R, E>>, ThreadError> {
        let shares: Vec<S> = shares.into_iter().collect();
        let guarded = |thread, share| self.guarded(thread, |seat| life(seat, share));
        let is_pinned = self.cores.first().copied().flatten().is_some();
        let ends = match <[S; 1]>::try_from(shares) {
            Ok([alone]) if !is_pinned => vec![guarded(0, alone)],
            Ok(alone) => self.on_threads(alone.into(), &guarded)?,
            Err(several) => self.on_threads(several, &guarded)?,
        };
        let ends = (self.first..).zip(ends);
        let panicked = |worker, panic: Box<dyn Any + Send>| ThreadError::Panic { worker, message: said(&*panic) };
        ends.map(|(worker, end)| end.map_err(|panic| panicked(worker, panic))).collect()
    }

    /// Calls `guarded` for each share on a thread of its own.
    fn on_threads<S: Send, O: Send>(
        &self,
        shares: Vec<S>,
        guarded: &(impl Fn(usize, S) -> thread::Result<O> + Sync),
    ) -> Result<Vec<thread::Result<O>>, ThreadError> {
        let count = shares.len();
        let (ends, refused) = thread::scope(|scope| {
            let (mut threads, mut refused) = (Vec::with_capacity(count), None);
            for (thread, share) in shares.into_iter().enumerate() {
                let started = admit(thread)
                    .and_then(|()| thread::Builder::new().spawn_scoped(scope, move || guarded(thread, share)));
                match started {
                    Ok(started) => threads.push(started),
                    Err(cause) => {
                        // The workers already running wait for one that will never start.
                        (self.give_up)();
                        refused = Some(ThreadError::Refused { thread, threads: count, cause });
                        break;
                    }
                }
            }
            let ends: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or_else(Err)).collect();
            (ends, refused)
        });
        refused.map_or(Ok(ends), Err)
    }

    /// Runs workers that wait for each other: one of them fails only because another was refused its thread or
    /// panicked.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), and [`ThreadError::Panic`] for a worker that gave up without such a cause.
    pub fn run_together<S: Send, R: Send, E: Send>(
        &self,
        shares: impl IntoIterator<Item = S>,
        life: impl Fn(usize, S) -> Result<R, E> + Sync,
    ) -> Result<Vec<R>, ThreadError> {
        let ends = self.run(shares, |WorkerSeat { worker, .. }, share| life(worker, share))?;
        let alone =
            |worker| ThreadError::Panic { worker, message: "it gave up although no other worker failed".to_owned() };
        (self.first..).zip(ends).map(|(worker, end)| end.map_err(|_| alone(worker))).collect()
    }

    /// Pins the current thread and runs a worker on it; makes the others give up if it fails or panics.
    fn guarded<R, E>(
        &self,
        thread: usize,
        life: impl FnOnce(WorkerSeat) -> Result<R, E>,
    ) -> thread::Result<Result<R, E>> {
        let core = self.cores.get(thread).copied().flatten().filter(|&core| core_affinity::set_for_current(core));
        let seat = WorkerSeat { worker: self.first + thread, core };
        let end = catch_unwind(AssertUnwindSafe(|| life(seat)));
        if !matches!(end, Ok(Ok(_))) {
            (self.give_up)();
        }
        end
    }
}

/// Returns the message of a panic.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "nothing".to_owned())
}

/// Admits every thread, because a system that refuses one says so itself.
#[cfg(not(test))]
fn admit(_thread: usize) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
thread_local! {
    /// The first thread that is refused to workers started from this thread.
    static REFUSED_FROM: std::cell::Cell<usize> = const { std::cell::Cell::new(usize::MAX) };
}

#[cfg(test)]
fn admit(thread: usize) -> io::Result<()> {
    if thread < REFUSED_FROM.get() { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
}

/// Calls `act` on a simulated system that gives each set of workers `thread` threads and no more.
#[cfg(test)]
pub(crate) fn refusing_from<R>(thread: usize, act: impl FnOnce() -> R) -> R {
    let before = REFUSED_FROM.replace(thread);
    let result = act();
    REFUSED_FROM.set(before);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Arena, Barrier, BarrierBroken, Interrupt};

    /// Runs three workers that wait for each other after each has called `before`.
    fn meet(before: impl Fn(WorkerSeat) + Sync) -> Result<Vec<Result<usize, BarrierBroken>>, ThreadError> {
        let barrier = Barrier::new(&mut Arena::heap(), 3);
        let worker_threads = WorkerThreads { first: 4, cores: &[], give_up: &|| barrier.abort() };
        worker_threads.run(0..3, |seat, share: usize| {
            before(seat);
            barrier.wait()?;
            Ok(seat.worker * 10 + share)
        })
    }

    #[test]
    fn outcomes_come_in_the_order_of_the_workers() {
        let outcomes: Vec<usize> = meet(|_| ()).unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes, [40, 51, 62]);
    }

    #[test]
    fn a_refused_thread_ends_those_that_wait_for_it() {
        for refused in 0..3 {
            let error = refusing_from(refused, || meet(|_| ())).unwrap_err();
            assert!(matches!(error, ThreadError::Refused { thread, threads: 3, .. } if thread == refused), "{error}");
            let said = error.to_string();
            assert!(said.starts_with(&format!("the system refuses thread {} of 3 (", refused + 1)), "{said}");
            assert!(said.contains("fewer --threads") && said.contains("ulimit -u"), "{said}");
        }
    }

    #[test]
    fn a_single_thread_is_not_told_to_be_fewer() {
        let core = core_affinity::get_core_ids().unwrap()[0];
        let worker_threads = WorkerThreads { first: 0, cores: &[Some(core)], give_up: &|| () };
        let error =
            refusing_from(0, || worker_threads.run([()], |_, ()| Ok::<_, BarrierBroken>(()))).unwrap_err().to_string();
        assert!(!error.contains("--threads") && error.contains("ulimit -u"), "{error}");
    }

    #[test]
    fn a_worker_alone_takes_the_callers_thread_unless_it_is_pinned() {
        let here = thread::current().id();
        let core = core_affinity::get_core_ids().unwrap()[0];
        for (cores, is_here) in [(&[][..], true), (&[None], true), (&[Some(core)], false)] {
            let worker_threads = WorkerThreads { first: 2, cores, give_up: &|| () };
            let seen =
                worker_threads.run([()], |seat, ()| Ok::<_, BarrierBroken>((seat.worker, thread::current().id())));
            let (worker, thread) = seen.unwrap().remove(0).unwrap();
            assert_eq!((worker, thread == here), (2, is_here), "{cores:?}");
        }
        let gave_up = Interrupt::new();
        let worker_threads = WorkerThreads { first: 2, cores: &[], give_up: &|| gave_up.raise() };
        let error = worker_threads.run([()], |_, ()| -> Result<(), ()> { panic!("alone") }).unwrap_err();
        assert!(matches!(&error, ThreadError::Panic { worker: 2, message } if message == "alone"), "{error}");
        assert!(gave_up.is_raised());
    }

    #[test]
    fn a_panic_ends_those_that_wait_and_is_told() {
        let error = meet(|seat| assert_ne!(seat.worker, 5, "the middle one")).unwrap_err();
        let ThreadError::Panic { worker: 5, message } = error else { panic!("{error}") };
        assert!(message.contains("the middle one"), "{message}");
    }

    #[test]
    fn a_failure_ends_those_that_wait_and_is_among_the_results() {
        let barrier = Barrier::new(&mut Arena::heap(), 2);
        let worker_threads = WorkerThreads { first: 0, cores: &[], give_up: &|| barrier.abort() };
        let ends = worker_threads
            .run([false, true], |_, fails| if fails { Err("mine") } else { barrier.wait().map_err(|_| "left") });
        assert_eq!(ends.unwrap(), [Err("left"), Err("mine")]);
    }

    #[test]
    fn workers_are_pinned_where_they_are_told() {
        let allowed = core_affinity::get_core_ids().unwrap_or_default();
        let cores: Vec<Option<CoreId>> = allowed.iter().copied().map(Some).chain([None]).collect();
        let worker_threads = WorkerThreads { first: 0, cores: &cores, give_up: &|| () };
        let seen = worker_threads.run(cores.iter(), |seat, _| {
            Ok::<_, BarrierBroken>((seat.core, core_affinity::get_core_ids().unwrap_or_default()))
        });
        for (place, end) in seen.unwrap().into_iter().enumerate() {
            let (core, seen) = end.unwrap();
            assert_eq!(core, cores[place]);
            assert_eq!(seen, core.map_or(allowed.clone(), |core| vec![core]));
        }
    }
}
