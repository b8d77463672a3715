//! Watches all other processes, and ends this one when the run has lost one of them.
//!
//! A thread of its own sends a heartbeat each second, takes in those of the others, and hears from the exchange when a
//! connection of it ends. When a process is lost the thread tells the others why and calls the function that it was
//! started with, which prints the loss and ends the process. Threads that wait for the lost process sleep meanwhile.
//!
//! A process that is killed closes its connections at the same time, so the loss is known within milliseconds. If only
//! one of them ends, the process may be giving up and its reason under way: it has half a second to come.

use super::frame::FrameError;
use super::frame_io::ConnectionError;
use super::heartbeat::{HeartbeatConnection, LifeSign};
use super::hosts::Hosts;
use super::liveness::Liveness;
use super::loss::{LossCause, ProcessLoss};
use super::traffic::ClusterTraffic;
use crate::sys::monotonic_ns;
use crate::threads::{ThreadError, spawn_background};
use crate::time::Nanos;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// Time between two heartbeats.
const BEAT_INTERVAL: Nanos = Nanos(1_000_000_000);

/// Time between two looks at the heartbeats while nothing happens.
const LOOK: Duration = Duration::from_millis(250);

/// Time between two looks while a process is suspected.
const CLOSE_LOOK: Duration = Duration::from_millis(5);

/// Time for which a process is suspected before it counts as lost.
const SUSPICION: Nanos = Nanos(500_000_000);

/// Longest wait of a caller for the supervisor to send its last words.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A message to the supervisor.
pub(super) enum SupervisorEvent {
    /// A process has sent all of its exchange.
    ExchangeFinished(usize),
    /// The exchange with a process has failed.
    ExchangeLost(usize, ConnectionError),
    /// This process has done its part, or gives up for a reason. The supervisor answers when it has told the others.
    Leave(LifeSign, Sender<()>),
}

/// The watch over all other processes of a run. Dropping it before the end tells them that this process gives up.
pub struct Supervisor {
    events: Sender<SupervisorEvent>,
}

/// All that the supervisor's thread holds.
struct Watch {
    hosts: Hosts,
    index: usize,
    peers: Vec<Option<WatchedProcess>>,
    liveness: Liveness,
    traffic: Arc<ClusterTraffic>,
    started_at: Nanos,
    /// The time at which the next heartbeat is due.
    beat_at: Nanos,
}

/// One other process, as far as its connections tell.
struct WatchedProcess {
    heartbeat: HeartbeatConnection,
    /// The reason for which no more heartbeats come.
    heartbeat_end: Option<LossCause>,
    is_exchange_finished: bool,
    /// The reason for which the exchange failed.
    exchange_end: Option<ConnectionError>,
    /// The time since which one of the two has ended and the other has not.
    suspected_at: Option<Nanos>,
}

/// The function that is called once, with the process that the run has lost.
pub(super) type OnLoss = Box<dyn FnOnce(&ProcessLoss) + Send>;

impl Supervisor {
    /// Starts to watch the processes to which there is a heartbeat connection.
    pub(super) fn start(
        hosts: &Hosts,
        index: usize,
        heartbeats: Vec<Option<HeartbeatConnection>>,
        traffic: Arc<ClusterTraffic>,
        on_loss: OnLoss,
    ) -> Result<Supervisor, ThreadError> {
        let (events, received) = mpsc::channel();
        let now = Nanos(monotonic_ns());
        let liveness = Liveness::new(hosts.len(), now);
        let peers = heartbeats.into_iter().map(|heartbeat| heartbeat.map(WatchedProcess::new)).collect();
        let watch = Watch { hosts: hosts.clone(), index, peers, liveness, traffic, started_at: now, beat_at: now };
        spawn_background("supervisor", move || watch.run(&received, on_loss))?;
        Ok(Supervisor { events })
    }

    /// Returns a handle by which a connection tells of its end.
    pub(super) fn events(&self) -> Sender<SupervisorEvent> {
        self.events.clone()
    }

    /// Tells the others that this process has done its part: from now on its end is no loss, nor is theirs.
    pub fn finish(&self) {
        self.leave(LifeSign::Finished);
    }

    /// Tells the others that this process gives up, and why. They end; this process must end itself. Call it for a
    /// worker that panics or fails, because the others would wait for it.
    pub fn fail(&self, reason: &str) {
        self.leave(LifeSign::Failed { said: reason.to_owned() });
    }

    fn leave(&self, sign: LifeSign) {
        let (answer, answered) = mpsc::channel();
        // A supervisor that has ended has told the others already.
        if self.events.send(SupervisorEvent::Leave(sign, answer)).is_ok() {
            let _ = answered.recv_timeout(LAST_WORDS);
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.leave(LifeSign::Failed { said: "it ended its run without a result".to_owned() });
    }
}

impl WatchedProcess {
    fn new(heartbeat: HeartbeatConnection) -> WatchedProcess {
        let (heartbeat_end, exchange_end) = (None, None);
        WatchedProcess { heartbeat, heartbeat_end, is_exchange_finished: false, exchange_end, suspected_at: None }
    }

    /// Takes in all signs that have come; returns the bytes that the last heartbeat announces.
    fn take_signs(&mut self) -> Option<u64> {
        let mut last = None;
        while self.heartbeat_end.is_none() {
            match self.heartbeat.next_sign() {
                Ok(None) => break,
                Ok(Some(LifeSign::Ready)) => {}
                Ok(Some(LifeSign::Beat { announced })) => last = Some(announced),
                Ok(Some(LifeSign::Finished)) => self.heartbeat_end = Some(LossCause::Left),
                Ok(Some(LifeSign::Failed { said })) => self.heartbeat_end = Some(LossCause::Failed { said }),
                Err(error) => self.heartbeat_end = Some(error.into()),
            }
        }
        last
    }

    /// Returns the cause for which the connections say that the process is lost. The end of either is suspicious, the
    /// end of both, a forgery and the process's own word are certain.
    fn loss(&mut self, now: Nanos) -> Option<LossCause> {
        if self.is_exchange_finished && self.exchange_end.is_none() {
            return None;
        }
        let is_forged =
            |end: &ConnectionError| matches!(end, ConnectionError::Frame(FrameError::Forged | FrameError::Malformed));
        let is_certain = match (&self.heartbeat_end, &self.exchange_end) {
            (None, None) => return None,
            (Some(LossCause::Failed { .. }), _) | (Some(_), Some(_)) => true,
            (Some(LossCause::Connection(end)), _) | (_, Some(end)) => is_forged(end),
            _ => false,
        };
        let suspected_at = *self.suspected_at.get_or_insert(now);
        if !is_certain && now.0.saturating_sub(suspected_at.0) < SUSPICION.0 {
            return None;
        }
        // The process's own word says most, and the exchange's end more than that of the heartbeat.
        match (self.heartbeat_end.take(), self.exchange_end.take()) {
            (Some(said @ (LossCause::Failed { .. } | LossCause::Left)), _) => Some(said),
            (_, Some(end)) => Some(end.into()),
            (end, None) => end,
        }
    }
}

impl Watch {
    /// Watches until this process leaves or one is lost.
    fn run(mut self, events: &Receiver<SupervisorEvent>, on_loss: OnLoss) {
        loop {
            let is_close = self.peers.iter().flatten().any(|peer| peer.suspected_at.is_some());
            match events.recv_timeout(if is_close { CLOSE_LOOK } else { LOOK }) {
                Ok(SupervisorEvent::ExchangeFinished(process)) => self.peer(process).is_exchange_finished = true,
                Ok(SupervisorEvent::ExchangeLost(process, error)) => {
                    self.peer(process).exchange_end.get_or_insert(error);
                }
                Ok(SupervisorEvent::Leave(sign, answer)) => {
                    self.tell(&sign, None);
                    // The caller waits for a limited time only.
                    let _ = answer.send(());
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if let Some(loss) = self.look(Nanos(monotonic_ns())) {
                self.tell(&LifeSign::Failed { said: loss.to_string() }, Some(loss.process));
                on_loss(&loss);
                return;
            }
        }
    }

    fn peer(&mut self, process: usize) -> &mut WatchedProcess {
        self.peers[process].as_mut().expect("a process has no connection to itself")
    }

    /// Sends this process's heartbeat and takes in those of the others; returns the process that is lost, if any.
    fn look(&mut self, now: Nanos) -> Option<ProcessLoss> {
        let own_stop = self.liveness.look(now);
        if own_stop.is_some() {
            return own_stop.map(|cause| self.lost(self.index, cause, now));
        }
        let is_due = now >= self.beat_at;
        if is_due {
            self.beat_at = Nanos(now.0 + BEAT_INTERVAL.0);
        }
        for process in 0..self.peers.len() {
            let Some(peer) = &mut self.peers[process] else { continue };
            if is_due {
                peer.heartbeat.send(&LifeSign::Beat { announced: self.traffic.sent(process) });
            }
            if let Some(announced) = peer.take_signs() {
                self.liveness.note_beat(process, announced, now);
            }
            let is_judged = !peer.is_exchange_finished && peer.heartbeat_end.is_none();
            let mut cause = peer.loss(now);
            if cause.is_none() && is_judged {
                let (received, is_waiting) = (self.traffic.received(process), self.traffic.is_reading(process));
                cause = self.liveness.judge(process, received, is_waiting, now);
            }
            if let Some(cause) = cause {
                return Some(self.lost(process, cause, now));
            }
        }
        None
    }

    fn lost(&self, process: usize, cause: LossCause, now: Nanos) -> ProcessLoss {
        ProcessLoss {
            process,
            address: self.hosts.address(process).clone(),
            cause,
            after: Nanos(now.0.saturating_sub(self.started_at.0)),
            sent: self.traffic.sent(process),
            received: self.traffic.received(process),
        }
    }

    /// Tells all other processes but one.
    fn tell(&mut self, sign: &LifeSign, but: Option<usize>) {
        let peers = self.peers.iter_mut().enumerate().filter(|&(process, _)| Some(process) != but);
        peers.filter_map(|(_, peer)| peer.as_mut()).for_each(|peer| peer.heartbeat.send(sign));
    }
}

#[cfg(test)]
mod tests;
