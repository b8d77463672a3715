//! Polls an interrupt at intervals of work, so that no computation outlasts the user's patience.

use super::Interrupt;

/// Units of work between two polls. A unit is an array element or a draw and takes from a few nanoseconds to a hundred,
/// so the interval is 26 ms at most. Tests do little work, and poll more often.
const UNITS: u64 = if cfg!(test) { 1 << 10 } else { 1 << 18 };

/// The user interrupted the run before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted before the first order was published")]
pub struct Interrupted;

/// A counter of work that polls an interrupt after each `UNITS`.
pub struct Lookout<'a> {
    interrupt: &'a Interrupt,
    left: u64,
}

impl<'a> Lookout<'a> {
    /// Creates a lookout that polls at the first call of [`work`](Self::work).
    pub fn new(interrupt: &'a Interrupt) -> Lookout<'a> {
        Lookout { interrupt, left: 0 }
    }

    /// Counts `units` of work that are about to be done.
    ///
    /// # Errors
    ///
    /// [`Interrupted`] if the user has interrupted the run.
    #[inline(always)]
    pub fn work(&mut self, units: u64) -> Result<(), Interrupted> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => self.look(),
        }
    }

    /// Calls `act` with `0..count` piece by piece, polling before each piece.
    ///
    /// # Errors
    ///
    /// [`Interrupted`] between two pieces; any error of `act`.
    pub fn pieces<E: From<Interrupted>>(
        &mut self,
        count: usize,
        mut act: impl FnMut(std::ops::Range<usize>) -> Result<(), E>,
    ) -> Result<(), E> {
        const PIECE: usize = UNITS as usize;
        for begin in (0..count).step_by(PIECE) {
            let end = count.min(begin + PIECE);
            self.work((end - begin) as u64)?;
            act(begin..end)?;
        }
        Ok(())
    }

    #[cold]
    fn look(&mut self) -> Result<(), Interrupted> {
        self.left = UNITS;
        if self.interrupt.is_raised() { Err(Interrupted) } else { Ok(()) }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn polls_are_a_fixed_amount_of_work_apart() {
        let interrupt = Interrupt::after(4);
        let mut lookout = Lookout::new(&interrupt);
        let done = (0_u64..).find(|_| lookout.work(2).is_err()).unwrap();
        assert_eq!((done, interrupt.is_raised()), (3 * (UNITS / 2 + 1), true));
        // Work longer than a piece is polled before it begins.
        assert_eq!(Lookout::new(&interrupt).work(10 * UNITS), Err(Interrupted));
    }

    #[test]
    fn pieces_are_whole_and_none_begins_after_the_interrupt() {
        let count = 3 * UNITS as usize + 5;
        let pieces = |interrupt: &Interrupt| {
            let mut seen = Vec::new();
            let end = Lookout::new(interrupt).pieces(count, |piece| {
                seen.push(piece);
                Ok::<(), Interrupted>(())
            });
            (end, seen)
        };
        let (end, seen) = pieces(&Interrupt::new());
        assert_eq!((end, seen.len(), seen[0].start, seen[3].end), (Ok(()), 4, 0, count));
        assert!(seen.windows(2).all(|pair| pair[0].end == pair[1].start));
        let (end, seen) = pieces(&Interrupt::after(2));
        assert!(end == Err(Interrupted) && seen.len() < 4, "{seen:?}");
    }
}
