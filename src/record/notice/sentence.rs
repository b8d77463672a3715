//! The sentence of each notice: what happened, with its figures, and what to do.

use super::{Notice, UnmetCause};
use crate::quantity::{counted, grouped, rounded_bytes};
use std::fmt::{self, Display, Formatter};

impl Display for Notice {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Notice::SeriesFailed { .. } | Notice::SeriesInterrupted { .. } | Notice::LedgerUnbalanced { .. } => {
                self.write_series(out)
            }
            Notice::MemoryUsedUp { .. }
            | Notice::WindowNarrow { .. }
            | Notice::Overload { .. }
            | Notice::LinksOverloaded { .. }
            | Notice::QueuesOverflowed { .. }
            | Notice::DeparturesLate { .. }
            | Notice::TtlBinds { .. } => self.write_doubt(out),
            Notice::RetryEarly { .. } | Notice::SizeUnmet { .. } => self.write_size(out),
            Notice::OverlayDisconnected { .. }
            | Notice::OverlayNotSearched
            | Notice::TargetBeyondTtl { .. }
            | Notice::TargetTooLate { .. }
            | Notice::TargetBeyondUplinks { .. }
            | Notice::TargetUnlikely { .. }
            | Notice::EdgeListRead { .. } => self.write_forecast(out),
            Notice::FaultUnmet { .. } | Notice::LossUnmet { .. } | Notice::DuplicateUnmet { .. } => {
                self.write_unmet(out)
            }
            Notice::LatencyWithoutFloor
            | Notice::NodeTrafficNotKept { .. }
            | Notice::NodeTrafficCutShort { .. }
            | Notice::NodesFileWithoutTimes
            | Notice::NodesFileWithoutColumns { .. }
            | Notice::OrdersFileEmpty => self.write_left_out(out),
            Notice::TrainsApart
            | Notice::ReceiveBufferNotSet { .. }
            | Notice::ReceiveBufferGranted { .. }
            | Notice::CoresShared { .. }
            | Notice::WorkersNotPinned { .. } => self.write_machine(out),
        }
    }
}

impl Notice {
    fn write_series(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Notice::SeriesFailed { measured, asked, failure } => {
                write!(out, "The series ended early, with {measured} of {asked} runs: {failure}.")
            }
            Notice::SeriesInterrupted { measured, asked } => {
                write!(out, "The series was interrupted: {measured} of {asked} runs were measured.")
            }
            Notice::LedgerUnbalanced { of_runs: None, .. } => {
                write!(out, "The ledger does not balance; its figures below say where.")
            }
            Notice::LedgerUnbalanced { unbalanced, of_runs: Some(runs) } => {
                write!(out, "The ledger of {unbalanced} of {runs} runs does not balance.")
            }
            _ => Ok(()),
        }
    }

    fn write_doubt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Notice::MemoryUsedUp { left_bytes } => write!(
                out,
                "The memory that was left for messages under way was used up ({}), and the run was ended: the \
                 figures are those up to then. Ask for a lower --rate, fewer --nodes or a smaller --fanout, or use a \
                 machine with more memory.",
                rounded_bytes(*left_bytes)
            ),
            Notice::WindowNarrow { window, expired, new_to_node, is_exact, behind, remedy } => {
                let up_to = if *is_exact { "" } else { "up to " };
                write!(
                    out,
                    "The window of {} discarded {} as too old, {up_to}{} of them of orders new to their node; the \
                     oldest was {} behind the newest that its node had seen. {remedy}.",
                    counted((*window).into(), "order"),
                    if *expired == 1 { "1 copy".to_owned() } else { format!("{} copies", grouped(*expired)) },
                    grouped(*new_to_node),
                    counted((*behind).into(), "order"),
                )
            }
            Notice::Overload { .. } => self.write_overload(out),
            Notice::QueuesOverflowed { .. } => self.write_overflow(out),
            Notice::LinksOverloaded { .. } => self.write_overloaded_links(out),
            Notice::DeparturesLate { late, latency } => write!(
                out,
                "Messages left the modelled network late: one in a hundred by {late} or more, where their mean latency \
                 is {latency}. Times include that. Leave the cores to this run alone, or ask for less at a time; in \
                 virtual time no message is late."
            ),
            Notice::TtlBinds { permille, ttl, raise_to } => {
                let advice = match raise_to {
                    None => format!("No TTL exceeds {ttl}; an overlay with shorter paths needs fewer hops."),
                    Some(more) => format!("Ask for more, as --ttl {more}, to see whether it does."),
                };
                let (whole, tenth) = (permille / 10, permille % 10);
                write!(
                    out,
                    "The TTL may bind: {whole}.{tenth} % of the first receipts came with hop {ttl}, the last that it \
                     allows, and were not forwarded. {advice}"
                )
            }
            _ => Ok(()),
        }
    }

    fn write_overflow(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Notice::QueuesOverflowed { uplink_dropped, downlink_dropped, busiest_percent, queue_bytes, has_rate } =
            self
        else {
            return Ok(());
        };
        let dropped = uplink_dropped + downlink_dropped;
        let messages = if dropped == 1 { "message was" } else { "messages were" };
        let raise = queue_bytes.map_or_else(String::new, |bytes| format!(", or raise it to queue={bytes}B or more"));
        let slower = if *has_rate { ", or lower --rate" } else { "" };
        write!(
            out,
            "The queues overflowed: {} {messages} dropped, {} of them on uplinks, unsent, and {} on downlinks; the \
             busiest link was used {busiest_percent:.1} % of the time. Leave queue= out, so that bytes \
             wait{raise}{slower}.",
            grouped(dropped),
            grouped(*uplink_dropped),
            grouped(*downlink_dropped)
        )
    }

    fn write_overloaded_links(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Notice::LinksOverloaded { is_up, overloaded, links, load, rate } = self else { return Ok(()) };
        let (noun, option) = if *is_up { ("uplink", "up=") } else { ("downlink", "down=") };
        let slower = rate.as_ref().map_or_else(String::new, |rate| format!("Lower --rate to {rate}, or raise"));
        let raise = if rate.is_some() { slower } else { "Raise".to_owned() };
        write!(
            out,
            "Orders came faster than the access links carried them: while they were published, {} of {} were offered \
             more than their rate, the busiest at least {load:.2} times as much. Messages wait longer with each order, \
             so the delays depend on the number of orders. {raise} --bandwidth {option} that many times.",
            grouped(*overloaded),
            counted(*links, noun)
        )
    }

    fn write_overload(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Notice::Overload { published_late, under_way, orders, timeout, queued, threads } = self else {
            return Ok(());
        };
        let mut shown = vec![format!("they were published up to {published_late} late (p99)")];
        if let Some(timeout) = timeout.filter(|_| *under_way > 0) {
            shown.push(format!(
                "{} of {} were still under way when their time limit of {timeout} had passed",
                grouped(*under_way),
                grouped(*orders)
            ));
        }
        if *queued > 0 {
            shown.push(format!("{} waited to be sent at the end", counted(*queued, "message")));
        }
        let threads = threads.map_or_else(String::new, |threads| {
            format!(", or give it more --threads, of which {threads} would have a core each")
        });
        let shown = enumeration(&shown);
        write!(out, "Overload: orders came faster than this machine carried them. {shown}. Lower --rate{threads}.")
    }

    fn write_forecast(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Notice::OverlayDisconnected { reachable, nodes, origin } => write!(
                out,
                "The overlay is not connected: {} of {} nodes can be reached from node {origin} at all.",
                grouped((*reachable).into()),
                grouped((*nodes).into())
            ),
            Notice::OverlayNotSearched => write!(
                out,
                "This overlay is computed and not searched. With 2 peers it consists of rings of all lengths, and an \
                 order stays in its own ring."
            ),
            Notice::TargetBeyondTtl { near, nodes, ttl, entrance, goal, target, farthest, advice } => {
                let farthest = farthest
                    .map_or_else(String::new, |depth| format!("the farthest node is {} away: ", hops_text(depth)));
                let (hops, target) = (hops_text(u32::from(*ttl)), share_text(*target));
                write!(
                    out,
                    "The target cannot be reached: {} of {} nodes lie within {hops} of {entrance}, and {} make \
                     {target}; {farthest}{advice}.",
                    grouped(*near),
                    grouped((*nodes).into()),
                    grouped(*goal)
                )
            }
            Notice::TargetTooLate { hop, near, nodes, hops, entrance, timeout, goal, target, needed } => {
                let (hops, target) = (hops_text(*hops), share_text(*target));
                write!(
                    out,
                    "The target cannot be reached in time: a hop takes {hop} at least, and {} of {} nodes lie within \
                     the {hops} of {entrance} that {timeout} leave room for, where {} make {target}; ask for more than \
                     {needed}.",
                    grouped(*near),
                    grouped((*nodes).into()),
                    grouped(*goal)
                )
            }
            Notice::TargetBeyondUplinks { copy_takes, most, timeout, goal, target, needed } => {
                let longer = needed.as_ref().map_or_else(String::new, |needed| format!("more than {needed}, "));
                write!(
                    out,
                    "The target cannot be reached in time: a copy takes an uplink {copy_takes} at least, and nodes \
                     that send one after the other give an order to at most {} within {timeout}, where {} make {}; \
                     ask for {longer}a greater --bandwidth or smaller orders.",
                    counted(*most, "node"),
                    grouped(*goal),
                    share_text(*target)
                )
            }
            Notice::TargetUnlikely { .. } => self.write_unlikely(out),
            Notice::EdgeListRead { sentence } => out.write_str(sentence),
            _ => Ok(()),
        }
    }

    fn write_unlikely(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Notice::TargetUnlikely { fanout, ttl, has_faults, loss, expected, nodes, dying, target, advice } = self
        else {
            return Ok(());
        };
        let even = if *has_faults { "even without the faults and adversaries asked for, " } else { "" };
        let lossy = if *loss > 0.0 { format!(" under a loss of {}", share_text(*loss)) } else { String::new() };
        let dying = dying.map_or_else(String::new, |share| {
            format!(" where the order does not die out at once, as it does in {} of all runs", share_text(share))
        });
        let (expected, target) = (share_text(*expected), share_text(*target));
        write!(
            out,
            "The target is not expected: {even}fanout {fanout} and TTL {ttl}{lossy} reach about {expected} of {} \
             nodes (mean field){dying}, short of {target}; {advice}.",
            grouped((*nodes).into())
        )
    }

    fn write_unmet(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let of_all = |sent: u64| format!("none of {}", counted(sent, "message"));
        match self {
            Notice::FaultUnmet { option, of_messages, cause, ended_at } => {
                let what = if *of_messages { "no message" } else { "nothing" };
                let advice = match cause {
                    UnmetCause::BeginsLate(_) => " Let it begin sooner, or publish for longer with --orders.",
                    UnmetCause::Other(_) => "",
                };
                write!(out, "{option} met {what}: {cause}, and the run was over at {ended_at}.{advice}")
            }
            Notice::LossUnmet { loss, sent } => write!(out, "--loss {loss} lost {}.", of_all(*sent)),
            Notice::DuplicateUnmet { share, sent } => {
                write!(out, "--duplicate {share} made a second copy of {}.", of_all(*sent))
            }
            _ => Ok(()),
        }
    }

    fn write_left_out(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Notice::LatencyWithoutFloor => write!(
                out,
                "The least latency is 0, so no two nodes can be computed independently: one worker handled all \
                 messages one by one. The figures are just as exact; a least latency above 0 makes the run faster."
            ),
            Notice::NodeTrafficNotKept { from_nodes } => write!(
                out,
                "From {} nodes on the traffic of each node is not kept: duplicates and bytes per node are left out \
                 below. Sums are whole; --engine general keeps all.",
                grouped((*from_nodes).into())
            ),
            Notice::NodeTrafficCutShort { is_rough } => {
                let rough = if *is_rough {
                    " Duplicates are counted as received when they are sent, and in flight are all others that have \
                     not arrived."
                } else {
                    ""
                };
                write!(
                    out,
                    "The run was cut short, and its messages were not recounted by node, because that takes long: \
                     duplicates and bytes per node are left out.{rough}"
                )
            }
            Notice::NodesFileWithoutTimes => write!(
                out,
                "The file of nodes leaves time_ns, hop and sender empty, because of a bulk a node has one of each for \
                 every order. --orders-csv has times by order."
            ),
            Notice::NodesFileWithoutColumns { columns } => write!(
                out,
                "The file of nodes leaves these columns empty, because a run of so many nodes does not keep them by \
                 node: {columns}."
            ),
            Notice::OrdersFileEmpty => write!(
                out,
                "The file of orders has its header alone, because one order is no bulk: its figures are in the report."
            ),
            _ => Ok(()),
        }
    }

    fn write_machine(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Notice::TrainsApart => write!(
                out,
                "The kernel does not take many datagrams as one packet (UDP_SEGMENT, UDP_GRO): messages for the same \
                 worker share system calls only, and kernel datagrams are counted one by one."
            ),
            Notice::ReceiveBufferNotSet { asked } => {
                write!(out, "--receive-buffer {asked} was not set: this platform has no portable way to.")
            }
            Notice::ReceiveBufferGranted { asked, usable } => write!(
                out,
                "--receive-buffer {asked}: the kernel granted {} bytes (and as much for its own bookkeeping); its \
                 limits are in net.core.rmem_max and SO_RCVBUF's minimum.",
                grouped(*usable as u64)
            ),
            Notice::CoresShared { workers, cores, is_pinned } => {
                let pinned = if *is_pinned { "pinned round robin" } else { "not pinned" };
                let noun = if *cores == 1 { "core" } else { "cores" };
                write!(
                    out,
                    "{workers} workers share {cores} {noun}, {pinned}: they take turns, and times include the waiting."
                )
            }
            Notice::WorkersNotPinned { unpinned, workers } => write!(
                out,
                "{unpinned} of {workers} workers could not be pinned, for lack of permission or of the core; the \
                 kernel places them."
            ),
            _ => Ok(()),
        }
    }
}

/// Writes a number of hops: `1 hop`, `2 hops`.
fn hops_text(count: u32) -> String {
    format!("{count} {}", if count == 1 { "hop" } else { "hops" })
}

/// Writes a share in percent, `95 %` or `99.95 %`, with enough digits that only 0 reads as nothing and only 1 as all.
pub(crate) fn share_text(share: f64) -> String {
    let written = |digits: usize| {
        let digits = format!("{:.digits$}", share * 100.0);
        digits.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let is_rounded_off = |text: &String| (text == "0" || text == "100") && !(share <= 0.0 || share == 1.0);
    let text = (2..=9).map(written).find(|text| !is_rounded_off(text)).unwrap_or_else(|| written(2));
    format!("{text} %")
}

/// Joins the parts of a sentence, without its full stop.
fn enumeration(parts: &[String]) -> String {
    let said = match parts {
        [others @ .., last] if !others.is_empty() => format!("{}, and {last}", others.join(", ")),
        parts => parts.concat(),
    };
    let mut letters = said.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Nanos;

    #[test]
    fn parts_make_a_sentence() {
        let parts = |count: usize| enumeration(&["one", "two", "three"].map(str::to_owned)[..count]);
        assert_eq!([parts(1), parts(2), parts(3)], ["One", "One, and two", "One, two, and three"]);
    }

    #[test]
    fn notices_of_one_kind_differ_in_their_figures_alone() {
        let unmet = |option: &str, ended_at| Notice::FaultUnmet {
            option: option.to_owned(),
            of_messages: false,
            cause: UnmetCause::BeginsLate(Nanos(9)),
            ended_at: Nanos(ended_at),
        };
        assert!(unmet("--churn 1s", 3).is_same_kind(&unmet("--churn 1s", 4)));
        assert!(!unmet("--churn 1s", 3).is_same_kind(&unmet("--churn 2s", 3)));
        assert!(!Notice::TrainsApart.is_same_kind(&Notice::OverlayNotSearched));
        assert_eq!((Notice::TrainsApart.code(), unmet("", 0).code()), ("trains-apart", "fault-unmet"));
    }
}
