//! The connection that timely is given for another process.
//!
//! Timely panics if a connection ends before it has shut it down, and a panic in one of its threads becomes an abort in
//! the destructor that joins them. Here a connection that fails tells the supervisor, which ends the process, and the
//! thread that waited for it sleeps until then.

use super::frame::FrameKind;
use super::frame_io::{ConnectionError, FrameReader, FrameWriter};
use super::supervisor::SupervisorEvent;
use super::traffic::ClusterTraffic;
use parking_lot::Mutex;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use timely::communication::allocator::zero_copy::stream::Stream;

/// The exchange with one other process: a byte stream in each direction that ends only when its sender says so.
pub struct ProcessStream(Arc<StreamEnds>);

/// Both directions. Timely reads on one thread and writes on another, so neither waits for a lock.
struct StreamEnds {
    /// The number of the other process.
    process: usize,
    reader: Mutex<FrameReader<TcpStream>>,
    writer: Mutex<FrameWriter<TcpStream>>,
    traffic: Arc<ClusterTraffic>,
    supervisor: Sender<SupervisorEvent>,
}

impl ProcessStream {
    pub(super) fn new(
        process: usize,
        ends: (FrameReader<TcpStream>, FrameWriter<TcpStream>),
        traffic: Arc<ClusterTraffic>,
        supervisor: Sender<SupervisorEvent>,
    ) -> ProcessStream {
        let (reader, writer) = (Mutex::new(ends.0), Mutex::new(ends.1));
        ProcessStream(Arc::new(StreamEnds { process, reader, writer, traffic, supervisor }))
    }
}

impl StreamEnds {
    /// Tells the supervisor that the connection has failed, and sleeps for the rest of the process.
    fn give_up(&self, error: ConnectionError) -> ! {
        // If the supervisor has ended, it has seen to the end of the process already.
        let _ = self.supervisor.send(SupervisorEvent::ExchangeLost(self.process, error));
        loop {
            thread::park();
        }
    }

    /// Returns the value of a write; gives up on an error.
    fn sent<T>(&self, result: io::Result<T>) -> T {
        result.unwrap_or_else(|error| {
            let is_closed = matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset);
            self.give_up(if is_closed { ConnectionError::Closed } else { error.into() })
        })
    }
}

impl Read for ProcessStream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let StreamEnds { process, reader, traffic, supervisor, .. } = &*self.0;
        traffic.begin_read(*process);
        let result = reader.lock().read_data(out);
        let size = result.unwrap_or_else(|error| self.0.give_up(error));
        if size == 0 {
            // As above.
            let _ = supervisor.send(SupervisorEvent::ExchangeFinished(*process));
        }
        traffic.end_read(*process, size);
        Ok(size)
    }
}

impl Write for ProcessStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let result = self.0.writer.lock().write_data(data);
        let size = self.0.sent(result);
        self.0.traffic.add_sent(self.0.process, size);
        Ok(size)
    }

    /// Does nothing, because nothing is held back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for ProcessStream {
    fn try_clone(&self) -> io::Result<ProcessStream> {
        Ok(ProcessStream(Arc::clone(&self.0)))
    }

    /// Accepts that reads and writes wait, which they always do.
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        if nonblocking { Err(io::ErrorKind::Unsupported.into()) } else { Ok(()) }
    }

    /// Tells the other process that no more data follow. The end of reading is the other's to tell.
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if how != Shutdown::Read {
            let result = self.0.writer.lock().write_bare(FrameKind::Finished);
            self.0.sent(result);
        }
        Ok(())
    }
}
