//! Looks at an interrupt now and then while there is much to do, so that no work is longer than the user's patience.

use super::Interrupt;

/// How much is done between two looks. A unit is an element of an array or a draw, a few nanoseconds to a hundred: 26 ms at
/// most. Tests have little to do, and look more often.
const UNITS: u64 = if cfg!(test) { 1 << 10 } else { 1 << 18 };

/// The user wished to end before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted before the first order was published")]
pub struct Interrupted;

/// Counts work, and looks at an interrupt each time that enough has been done.
pub struct Lookout<'a> {
    interrupt: &'a Interrupt,
    left: u64,
}

impl<'a> Lookout<'a> {
    /// One that looks at the first work that it hears of.
    pub fn new(interrupt: &'a Interrupt) -> Lookout<'a> {
        Lookout { interrupt, left: 0 }
    }

    /// So many units of work are about to be done.
    ///
    /// # Errors
    ///
    /// [`Interrupted`] where the user does not wait for them.
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

    /// Hands over what there is to do in `0..count` piece by piece, with a look before each.
    ///
    /// # Errors
    ///
    /// [`Interrupted`] between two pieces; what `act` fails with.
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
    fn looks_are_as_far_apart_as_they_may_be_and_no_farther() {
        let interrupt = Interrupt::after(4);
        let mut lookout = Lookout::new(&interrupt);
        let done = (0_u64..).find(|_| lookout.work(2).is_err()).unwrap();
        assert_eq!((done, interrupt.is_raised()), (3 * (UNITS / 2 + 1), true));
        // What is longer than a piece is looked at before it begins.
        assert_eq!(Lookout::new(&interrupt).work(10 * UNITS), Err(Interrupted));
    }

    #[test]
    fn pieces_are_whole_and_none_is_begun_after_the_wish() {
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
