//! Permits for runs that several groups of cases make side by side: each run takes one, so that no more are under way
//! than there are cores, whoever makes them.

use parking_lot::{Condvar, Mutex};

/// A number of permits.
pub(super) struct RunPermits {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A permit that is taken, until this is dropped.
pub(super) struct RunPermit<'a>(&'a RunPermits);

impl RunPermits {
    /// Returns this many permits, at least one.
    pub(super) fn new(permits: usize) -> RunPermits {
        RunPermits { free: Mutex::new(permits.max(1)), freed: Condvar::new() }
    }

    /// Waits until a permit is free, and takes it. A thread that has one already must not take another: it might wait
    /// for itself.
    pub(super) fn take(&self) -> RunPermit<'_> {
        let mut free = self.free.lock();
        self.freed.wait_while(&mut free, |free| *free == 0);
        *free -= 1;
        RunPermit(self)
    }
}

impl Drop for RunPermit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Arena, Counters};
    use std::thread;

    #[test]
    fn no_more_are_taken_than_there_are() {
        let (permits, taken) = (RunPermits::new(2), Counters::new(&mut Arena::heap(), 1));
        thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let _permit = permits.take();
                        assert!(taken.add(0, 1) < 2);
                        taken.add(0, u64::MAX);
                    }
                });
            }
        });
        assert_eq!(*permits.free.lock(), 2);
    }
}
