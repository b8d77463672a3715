//! Words that processes tell each other before their run, over the connections that the run will use.
//!
//! Every two processes send pieces in turn, each of which fits the buffers of a connection: none waits to write while
//! the other does the same.

use crate::topology::PartExchange;
use std::io::{self, Read, Write};

/// The most words of a piece: with its head 32 KB, of the 128 KB that a system keeps for a reader.
const PIECE_WORDS: usize = 8_000;

/// Bytes of a word.
const WORD: usize = size_of::<u32>();

/// Set in the head of a piece that another follows. The rest of the head is the number of its words.
const GOES_ON: u32 = 1 << 31;

/// The connections of this process with all others, before the run.
pub struct WordExchange<S> {
    /// By process; `None` for this one.
    streams: Vec<Option<S>>,
}

/// One connection during an exchange.
struct WordTalk<'a, S> {
    stream: &'a mut S,
    rest: &'a [u32],
    /// Words that have come.
    told: Vec<u32>,
    /// True until neither end has more to say.
    is_open: bool,
}

impl<S: Read + Write> WordExchange<S> {
    /// Takes the connections, by process, and `None` for this one.
    pub fn new(streams: Vec<Option<S>>) -> WordExchange<S> {
        WordExchange { streams }
    }

    /// Returns the connections.
    pub fn into_streams(self) -> Vec<Option<S>> {
        self.streams
    }
}

impl<S: Read + Write> PartExchange for WordExchange<S> {
    fn process(&self) -> usize {
        self.streams.iter().position(Option::is_none).unwrap_or(0)
    }

    fn processes(&self) -> usize {
        self.streams.len()
    }

    fn exchange(&mut self, words: &[Vec<u32>]) -> io::Result<Vec<Vec<u32>>> {
        let talks = self.streams.iter_mut().zip(words).map(|(stream, words)| {
            let stream = stream.as_mut()?;
            Some(WordTalk { stream, rest: words, told: Vec::new(), is_open: true })
        });
        let mut talks: Vec<Option<WordTalk<'_, S>>> = talks.collect();
        while talks.iter().flatten().any(|talk| talk.is_open) {
            let open = talks.iter_mut().flatten().filter(|talk| talk.is_open);
            let written = open.map(|talk| Ok((talk.write()?, talk))).collect::<io::Result<Vec<_>>>()?;
            for (writes_on, talk) in written {
                let reads_on = talk.read()?;
                talk.is_open = writes_on || reads_on;
            }
        }
        Ok(talks.into_iter().map(|talk| talk.map_or_else(Vec::new, |talk| talk.told)).collect())
    }
}

impl<S: Read + Write> WordTalk<'_, S> {
    /// Writes the next piece; returns true if another follows.
    fn write(&mut self) -> io::Result<bool> {
        let (piece, rest) = self.rest.split_at(self.rest.len().min(PIECE_WORDS));
        self.rest = rest;
        let goes_on = !rest.is_empty();
        let head = piece.len() as u32 | if goes_on { GOES_ON } else { 0 };
        let bytes: Vec<u8> = [head].iter().chain(piece).flat_map(|word| word.to_le_bytes()).collect();
        self.stream.write_all(&bytes)?;
        Ok(goes_on)
    }

    /// Reads a piece; returns true if another follows.
    fn read(&mut self) -> io::Result<bool> {
        let mut head = [0; WORD];
        self.stream.read_exact(&mut head)?;
        let head = u32::from_le_bytes(head);
        let count = (head & !GOES_ON) as usize;
        if count > PIECE_WORDS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = vec![0; count * WORD];
        self.stream.read_exact(&mut bytes)?;
        self.told.extend(bytes.as_chunks::<WORD>().0.iter().map(|&word| u32::from_le_bytes(word)));
        Ok(head & GOES_ON != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::WorkerThreads;
    use std::convert::Infallible;
    use std::net::{TcpListener, TcpStream};

    /// Connects three processes; returns the sockets of each.
    fn three() -> [Vec<Option<TcpStream>>; 3] {
        let mut sockets = [(); 3].map(|()| vec![None, None, None]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let dialled = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (sockets[one][other], sockets[other][one]) = (Some(dialled), Some(listener.accept().unwrap().0));
        }
        sockets
    }

    #[test]
    fn every_process_hears_what_each_has_told_it() {
        // Lists that are empty, of one piece, of one word more, and longer than all buffers together, either way.
        let length = |from: usize, to: usize, round: usize| match (from + 2 * to + round) % 4 {
            0 => 0,
            1 => PIECE_WORDS,
            2 => PIECE_WORDS + 1,
            _ => 3_000_000,
        };
        let words = |from, to, round| -> Vec<u32> {
            (0..length(from, to, round)).map(|place| (place * 7 + from + 10 * to) as u32).collect()
        };
        let life = |process: usize, sockets: Vec<Option<TcpStream>>| {
            let mut exchange = WordExchange::new(sockets);
            assert_eq!((exchange.process(), exchange.processes()), (process, 3));
            for round in 0..4 {
                let told = exchange.exchange(&[0, 1, 2].map(|to| words(process, to, round))).unwrap();
                let expected =
                    [0, 1, 2].map(|from| if from == process { Vec::new() } else { words(from, process, round) });
                assert!(told == expected, "process {process} in round {round}");
            }
            Ok::<_, Infallible>(exchange.into_streams().len())
        };
        let all = WorkerThreads { first: 0, cores: &[], give_up: &|| () };
        assert_eq!(all.run_together(three(), life).unwrap(), [3, 3, 3]);
    }

    #[test]
    fn what_is_no_piece_is_refused() {
        let [mut one, _, mut last] = three();
        let bytes = ((PIECE_WORDS + 1) as u32).to_le_bytes();
        last[0].as_mut().unwrap().write_all(&bytes).unwrap();
        last[1] = None;
        one[1] = None;
        let mut exchange = WordExchange::new(one);
        let error = exchange.exchange(&[Vec::new(), Vec::new(), Vec::new()]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
