//! The ledger with its verdict: every entry, a flag that says if they balance, and a sentence that explains it.

use crate::quantity::grouped;
use crate::record::Ledger;
use serde::Serialize;

/// A run's ledger with its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerFigures {
    /// The entries.
    #[serde(flatten)]
    pub ledger: Ledger,
    /// Messages sent, but neither received nor found nor lost by a model; negative if more arrived than were sent.
    pub lost: i64,
    /// Lost messages that no counter explains.
    pub unaccounted: u64,
    /// True if every message is accounted for.
    pub balanced: bool,
    /// The verdict as a sentence, with the figures that disagree if any do.
    pub verdict: String,
}

impl LedgerFigures {
    /// Judges a ledger.
    pub(crate) fn of(ledger: &Ledger) -> LedgerFigures {
        LedgerFigures {
            lost: i64::try_from(ledger.lost()).unwrap_or(i64::MAX),
            unaccounted: ledger.unaccounted(),
            balanced: ledger.is_balanced(),
            verdict: verdict(ledger, json_digits),
            ledger: ledger.clone(),
        }
    }

    /// Writes the verdict for people, with digits in groups as everywhere in the text.
    pub fn verdict_text(&self) -> String {
        verdict(&self.ledger, grouped)
    }
}

/// Mirrors [`Ledger::is_balanced`] and names the first condition that does not hold.
fn verdict(ledger: &Ledger, digits: fn(u64) -> String) -> String {
    let counted = |count, noun| counted_in(digits, count, noun);
    let lost = ledger.lost();
    let missing = u64::try_from(lost).unwrap_or(0);
    let explained = ledger.explained();
    if ledger.is_balanced() {
        return match missing {
            0 if ledger.model_lost + ledger.model_dropped > 0 => {
                let lost = counted(ledger.model_lost + ledger.model_dropped, "message");
                format!("Balanced: every message sent is accounted for, and the model lost {lost}.")
            }
            0 => "Balanced: every message sent is accounted for, and none was lost.".to_owned(),
            _ => format!("Balanced: {} lost, and {}.", counted(missing, "message"), found(ledger)),
        };
    }
    let under_way = ledger.in_flight_at_stop + ledger.queued_unsent;
    let fault = if ledger.ended_quiet && under_way > 0 {
        format!("the run ended as if nothing were under way, but {} still under way.", counted(under_way, "message"))
    } else if lost < 0 {
        format!(
            "received and found together are {} more than was sent.",
            counted(lost.unsigned_abs() as u64, "message")
        )
    } else if ledger.unaccounted() > 0 {
        let unaccounted = digits(ledger.unaccounted());
        format!(
            "{} lost, {}, {unaccounted} unaccounted for.",
            counted(missing, "message"),
            counted_drops(ledger, digits)
        )
    } else if missing < explained && ledger.strays.total() == 0 {
        format!("{} lost, but {}.", counted(missing, "message"), counted_drops(ledger, digits))
    } else if let (Some(gaps), Some(_)) = (ledger.missing, ledger.kernel_dropped)
        && i128::from(ledger.received) == i128::from(ledger.explained_receipts)
    {
        let drops = digits(ledger.kernel_dropped.unwrap_or(0));
        format!("{} missing by their numbers, but {drops} dropped by the kernel.", counted(gaps.packets, "packet"))
    } else if let Some(parts) = ledger.parts.filter(|parts| parts.received != parts.useful + parts.late) {
        let received = counted(parts.received, "part");
        format!("{received} received, but {} useful and {} late.", digits(parts.useful), digits(parts.late))
    } else {
        let sign = if ledger.explained_receipts < 0 { "-" } else { "" };
        let explained = format!("{sign}{}", digits(ledger.explained_receipts.unsigned_abs()));
        format!("{} received, but first receipts and duplicates are {explained}.", counted(ledger.received, "message"))
    };
    format!("NOT BALANCED: {fault}")
}

/// Names the counter that found a loss.
fn found(ledger: &Ledger) -> &'static str {
    match ledger.missing {
        Some(_) => "the numbers on the trains say which",
        None => "the kernel counted the drops",
    }
}

fn counted_drops(ledger: &Ledger, digits: fn(u64) -> String) -> String {
    let counted = |count, noun| counted_in(digits, count, noun);
    match (ledger.missing, ledger.kernel_dropped) {
        (Some(missing), _) => format!("{} found missing by number", counted(missing.messages, "message")),
        (None, Some(dropped)) => format!("{} counted by the kernel", counted(dropped, "drop")),
        (None, None) => "drops not counted on this system".to_owned(),
    }
}

/// Writes a count with these digits, and its noun.
fn counted_in(digits: fn(u64) -> String, count: u64, noun: &str) -> String {
    format!("{} {noun}{}", digits(count), if count == 1 { "" } else { "s" })
}

/// Writes digits as the JSON report always has: up to four stand together, more are in groups. Programs may compare
/// them.
fn json_digits(count: u64) -> String {
    if count < 10_000 { count.to_string() } else { grouped(count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::PartCounts;
    use crate::wire::{Stray, StrayCounts};

    fn ledger(sent: u64, received: u64, dropped: Option<u64>) -> Ledger {
        Ledger { sent, received, kernel_dropped: dropped, explained_receipts: received as i64, ..Ledger::default() }
    }

    #[test]
    fn each_fault_has_its_sentence() {
        for (ledger, said) in [
            (ledger(10, 10, None), "Balanced: every message sent is accounted for, and none was lost."),
            (ledger(10, 9, Some(1)), "Balanced: 1 message lost, and the kernel counted the drops."),
            (ledger(10, 11, Some(0)), "NOT BALANCED: received and found together are 1 message more than was sent."),
            (ledger(10, 7, Some(1)), "NOT BALANCED: 3 messages lost, 1 drop counted by the kernel, 2 unaccounted for."),
            (
                ledger(10, 7, None),
                "NOT BALANCED: 3 messages lost, drops not counted on this system, 3 unaccounted for.",
            ),
            (ledger(10, 9, Some(4)), "NOT BALANCED: 1 message lost, but 4 drops counted by the kernel."),
            (
                Ledger { explained_receipts: 8, ..ledger(10, 10, Some(0)) },
                "NOT BALANCED: 10 messages received, but first receipts and duplicates are 8.",
            ),
            (
                Ledger { explained_receipts: -2, ..ledger(0, 0, Some(0)) },
                "NOT BALANCED: 0 messages received, but first receipts and duplicates are -2.",
            ),
            (
                Ledger {
                    parts: Some(PartCounts { received: 9, useful: 5, late: 3, ..PartCounts::default() }),
                    ..ledger(10, 10, Some(0))
                },
                "NOT BALANCED: 9 parts received, but 5 useful and 3 late.",
            ),
            (
                Ledger { ended_quiet: true, in_flight_at_stop: 1, ..ledger(10, 9, Some(0)) },
                "NOT BALANCED: the run ended as if nothing were under way, but 1 message still under way.",
            ),
        ] {
            let figures = LedgerFigures::of(&ledger);
            assert_eq!(figures.verdict, said);
            assert_eq!(figures.balanced, said.starts_with("Balanced"));
        }
    }

    #[test]
    fn drops_may_be_those_of_strays() {
        let mut strays = StrayCounts::default();
        strays.add(Stray::WrongToken);
        let figures = LedgerFigures::of(&Ledger { strays, ..ledger(10, 9, Some(4)) });
        assert!(figures.balanced, "{}", figures.verdict);
    }
}
