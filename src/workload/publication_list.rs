//! Publications from a file: orders that were recorded or made elsewhere, with their times, origins and sizes.
//!
//! A line is an order: `time,origin,bytes` and perhaps `symbol`. Times ascend, and orders with equal times are
//! published in the order of the file. The schedule begins with the first line, so that a file may count its times from
//! any instant.

use super::{Publication, Workload};
use crate::ids::{NodeId, OrderIndex};
use crate::order::{ParseSymbolError, Symbol};
use crate::quantity::{self, QuantityError};
use crate::table::{self, TableColumn, TableError, TableRow, shown};
use crate::time::Nanos;
use std::sync::Arc;

/// The option that names the file.
const OPTION: &str = "publications";

/// The columns, as [`TableRow::cell`] numbers them.
const COLUMNS: [TableColumn; 4] = [
    TableColumn { name: "time", is_required: true },
    TableColumn { name: "origin", is_required: true },
    TableColumn { name: "bytes", is_required: true },
    TableColumn { name: "symbol", is_required: false },
];

/// The greatest values that a list may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    /// Number of orders.
    pub orders: u32,
    /// Time from the first publication to the last.
    pub span: Nanos,
    /// Bytes of payload in an order.
    pub payload_bytes: u32,
}

/// A line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedPublication {
    /// The time at which it is due, since the first line's.
    pub due: Nanos,
    /// Id of the node at which it enters.
    pub origin: u64,
    /// The symbol of the order; `None` if it is drawn.
    pub symbol: Option<Symbol>,
    /// Bytes of payload.
    pub payload_bytes: u32,
    /// Number of the line, counted from 1.
    line: u32,
}

/// A list of publications after reading, with at least one of them. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicationList {
    path: Arc<str>,
    listed: Arc<[ListedPublication]>,
}

/// The fault of a line of publications.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicationFault {
    /// The time is not a span.
    #[error(
        "`{found}` is no time{}",
        quantity::refusal(quantity::span_ns(found), "write 0, 250ms or 1.5s, below 584 years")
    )]
    NoTime {
        /// The text as written.
        found: String,
    },
    /// The time is before that of the line above.
    #[error(
        "{} is before {}, the time of the line above; sort the lines by their times",
        time.written(),
        before.written()
    )]
    OutOfOrder {
        /// The time.
        time: Nanos,
        /// The time of the line above.
        before: Nanos,
    },
    /// The list spans more time than a schedule.
    #[error(
        "{} after the first line: a schedule lasts at most {}; count all times from one instant, or take a part of \
         the list",
        after.written(),
        most.written()
    )]
    SpanTooLong {
        /// Time since the first line's.
        after: Nanos,
        /// The limit.
        most: Nanos,
    },
    /// The origin is not the id of a node.
    #[error("`{found}` is no node; write its id in digits")]
    NoId {
        /// The text as written.
        found: String,
    },
    /// No node has this id.
    #[error("there is no node {id} to publish at: {advice}")]
    UnknownOrigin {
        /// The id.
        id: u64,
        /// The ids that exist.
        advice: String,
    },
    /// The size is not one that an order can have.
    #[error(
        "`{found}` is no size of a payload{}",
        quantity::refusal(quantity::bytes(found), &format!("write 0 to {most} bytes, in digits, as 1000 or 1kB"))
    )]
    NoSize {
        /// The text as written.
        found: String,
        /// The limit, in bytes.
        most: u32,
    },
    /// The carrier does not carry an order of this size.
    #[error("a payload of {bytes} bytes: {advice}")]
    SizeNotCarried {
        /// The size, in bytes.
        bytes: u32,
        /// The carrier's limit, and the carriers that have none.
        advice: String,
    },
    /// The symbol is malformed.
    #[error(transparent)]
    Symbol(#[from] ParseSymbolError),
    /// There are more lines than a run publishes orders.
    #[error("a run publishes at most {most} orders; take a part of the list")]
    TooMany {
        /// The limit.
        most: u32,
    },
}

impl PublicationList {
    /// Reads the list at `path`.
    ///
    /// # Errors
    ///
    /// [`TableError`] with the line of the first fault.
    #[doc(hidden)]
    pub fn read(path: &str, limits: ListLimits) -> Result<PublicationList, TableError<PublicationFault>> {
        let mut listed = Vec::new();
        let (mut first, mut before) = (None, Nanos::ZERO);
        table::read(OPTION, path, &COLUMNS, |row| {
            if listed.len() as u64 >= u64::from(limits.orders) {
                return Err(PublicationFault::TooMany { most: limits.orders });
            }
            let time = quantity::span_ns(row.cell(0)).map(Nanos);
            let time = time.map_err(|_| PublicationFault::NoTime { found: shown(row.cell(0)) })?;
            if time < before {
                return Err(PublicationFault::OutOfOrder { time, before });
            }
            before = time;
            let due = time.since(*first.get_or_insert(time));
            if due > limits.span {
                return Err(PublicationFault::SpanTooLong { after: due, most: limits.span });
            }
            listed.push(publication(row, due, limits)?);
            Ok(())
        })?;
        Ok(PublicationList { path: path.into(), listed: listed.into() })
    }

    /// Checks that every origin is the id of a node; `find` returns the node of an id, and `advice` lists the ids.
    ///
    /// # Errors
    ///
    /// [`TableError`] with the first line whose origin does not exist.
    #[doc(hidden)]
    pub fn check_origins(
        &self,
        find: impl Fn(u64) -> Option<NodeId>,
        advice: impl Fn() -> String,
    ) -> Result<(), TableError<PublicationFault>> {
        self.check(|listed| {
            let id = listed.origin;
            find(id).is_none().then(|| PublicationFault::UnknownOrigin { id, advice: advice() })
        })
    }

    /// Checks that every payload has at most `most` bytes; `advice` says why a payload of this size is too long.
    ///
    /// # Errors
    ///
    /// [`TableError`] with the first line whose payload is too long.
    pub fn check_sizes(&self, most: u32, advice: impl Fn(u32) -> String) -> Result<(), TableError<PublicationFault>> {
        self.check(|listed| {
            let bytes = listed.payload_bytes;
            (bytes > most).then(|| PublicationFault::SizeNotCarried { bytes, advice: advice(bytes) })
        })
    }

    /// Returns the error of the first line in which `fault` finds one.
    fn check(
        &self,
        fault: impl Fn(&ListedPublication) -> Option<PublicationFault>,
    ) -> Result<(), TableError<PublicationFault>> {
        let mut faults = self.listed.iter().filter_map(|listed| Some((listed.line, fault(listed)?)));
        faults.next().map_or(Ok(()), |(line, fault)| Err(TableError::at_line(OPTION, &self.path, line.into(), fault)))
    }

    /// Returns the path that the list was read from.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the publications in the order of the file.
    pub fn listed(&self) -> &[ListedPublication] {
        &self.listed
    }

    /// Returns the list of the first `orders` publications, at least one.
    pub fn first(&self, orders: u32) -> PublicationList {
        let orders = (orders.max(1) as usize).min(self.listed.len());
        PublicationList { path: Arc::clone(&self.path), listed: self.listed[..orders].into() }
    }

    /// Returns the number of orders, at least 1.
    pub fn orders(&self) -> u32 {
        self.listed.len() as u32
    }

    /// Returns the time from the first publication to the last.
    pub fn span(&self) -> Nanos {
        self.listed.last().map_or(Nanos::ZERO, |listed| listed.due)
    }

    /// Returns the node at which all orders enter, if there is only one.
    pub fn only_origin(&self) -> Option<u64> {
        let first = self.listed.first()?.origin;
        self.listed.iter().all(|listed| listed.origin == first).then_some(first)
    }

    /// Returns the greatest number of orders that are due within any such span of time.
    pub fn most_within(&self, span: Nanos) -> u64 {
        let mut first = 0;
        let within = self.listed.iter().enumerate().map(|(last, listed)| {
            while listed.due.since(self.listed[first].due) > span {
                first += 1;
            }
            (last - first + 1) as u64
        });
        within.max().unwrap_or(0)
    }

    /// Returns the bytes of memory that the list takes.
    pub fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.listed) as u64
    }

    /// Returns the schedule of the list; `find` returns the node of an id, which was checked before.
    #[doc(hidden)]
    pub fn workload(&self, find: impl Fn(u64) -> Option<NodeId>) -> Workload {
        let publications = (0..).zip(&*self.listed).map(|(order, listed)| Publication {
            order: OrderIndex(order),
            // `check_origins` has found every id.
            origin: find(listed.origin).unwrap_or(NodeId(0)),
            due: listed.due,
        });
        Workload { publications: publications.collect() }
    }
}

/// Reads a line that is due at this time.
fn publication(row: TableRow<'_>, due: Nanos, limits: ListLimits) -> Result<ListedPublication, PublicationFault> {
    let [origin, bytes, symbol] = [1, 2, 3].map(|column| row.cell(column));
    let origin = row.id(1).ok_or_else(|| PublicationFault::NoId { found: shown(origin) })?;
    let no_size = |_: QuantityError| PublicationFault::NoSize { found: shown(bytes), most: limits.payload_bytes };
    let size = u32::try_from(quantity::bytes(bytes).map_err(no_size)?).map_err(|_| QuantityError::TooLarge);
    let size = size.and_then(|size| if size > limits.payload_bytes { Err(QuantityError::TooLarge) } else { Ok(size) });
    Ok(ListedPublication {
        due,
        origin,
        symbol: if symbol.is_empty() { None } else { Some(symbol.parse()?) },
        payload_bytes: size.map_err(no_size)?,
        line: u32::try_from(row.line).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    const LIMITS: ListLimits = ListLimits { orders: 5, span: Nanos::from_secs(100), payload_bytes: 1_000 };

    /// Reads a list of this text: its path in errors is PATH.
    fn read(text: &str) -> Result<PublicationList, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap();
        PublicationList::read(path, LIMITS).map_err(|error| error.to_string().replace(path, "PATH"))
    }

    #[test]
    fn times_count_from_the_first_line_and_equal_ones_keep_their_order() {
        let lines = "BTC-EUR,1700000000.5s,7,100\n,1700000000.5s,3,0\nX,1700000001s,7,1kB\n";
        let list = read(&format!("symbol,time,origin,bytes\n{lines}")).unwrap();
        let shown: Vec<_> = list.listed().iter().map(|one| (one.due.0, one.origin, one.payload_bytes)).collect();
        assert_eq!(shown, [(0, 7, 100), (0, 3, 0), (500_000_000, 7, 1_000)]);
        let symbols = list.listed().iter().map(|one| one.symbol.map(|symbol| symbol.to_string()));
        assert_eq!(symbols.collect::<Vec<_>>(), [Some("BTC-EUR".to_owned()), None, Some("X".to_owned())]);
        assert_eq!((list.orders(), list.span(), list.only_origin()), (3, Nanos::from_millis(500), None));
        let workload = list.workload(|id| Some(NodeId(id as u32 * 2)));
        let origins: Vec<u32> = workload.publications().iter().map(|one| one.origin.0).collect();
        assert_eq!((origins, workload.publications()[2].order), (vec![14, 6, 14], OrderIndex(2)));
        assert_eq!(size_of::<ListedPublication>(), 40);
    }

    #[test]
    fn a_faulty_line_is_named() {
        for (lines, said) in [
            ("1,0,0", "line 2: `1` is no time, write 0, 250ms or 1.5s, below 584 years"),
            ("5m,0,0", "line 2: `5m` is no time: is that 5 minutes or 5 milliseconds? Write 5min or 5ms"),
            ("2s,0,0\n1s,0,0", "line 3: 1s is before 2s, the time of the line above; sort the lines by their times"),
            ("1s,x,0", "line 2: `x` is no node; write its id in digits"),
            ("1s,+1,0", "line 2: `+1` is no node; write its id in digits"),
            ("1s,0,1001", "line 2: `1001` is no size of a payload, write 0 to 1000 bytes, in digits, as 1000 or 1kB"),
            ("1s,0,-1", "line 2: `-1` is no size of a payload, write 0 to 1000 bytes, in digits, as 1000 or 1kB"),
            (
                "1s,0,0\n102s,0,0",
                "line 3: 101s after the first line: a schedule lasts at most 100s; count all times from one instant, \
                 or take a part of the list",
            ),
            (
                "0,0,0\n0,0,0\n0,0,0\n0,0,0\n0,0,0\n0,0,0",
                "line 7: a run publishes at most 5 orders; take a part of the list",
            ),
        ] {
            let error = read(&format!("time,origin,bytes\n{lines}\n")).unwrap_err();
            assert_eq!(error, format!("--publications PATH, {said}"), "{lines}");
        }
        let error = read("time,origin,bytes,symbol\n0,0,0,much too long\n").unwrap_err();
        assert!(error.contains("line 2: `much too long` is not a symbol"), "{error}");
        let list = read("time,origin,bytes\n0,0,0\n0,9,0\n").unwrap();
        let error = list.check_origins(|id| (id < 9).then_some(NodeId(0)), || "ask for less".to_owned()).unwrap_err();
        assert!(error.to_string().ends_with(", line 3: there is no node 9 to publish at: ask for less"), "{error}");
        let list = read("time,origin,bytes\n0,0,9\n0,0,1kB\n").unwrap();
        assert!(list.check_sizes(1_000, |_| String::new()).is_ok());
        let error = list.check_sizes(999, |bytes| format!("{bytes} are too many")).unwrap_err().to_string();
        assert!(error.ends_with(", line 3: a payload of 1000 bytes: 1000 are too many"), "{error}");
    }

    proptest! {
        #[test]
        fn no_span_has_more_orders_than_the_one_counted(
            gaps in proptest::collection::vec(0..20_u64, 1..40),
            span in 0..60_u64,
        ) {
            let mut due = 0;
            let listed: Vec<_> = gaps.iter().map(|gap| {
                due += gap;
                ListedPublication { due: Nanos(due), origin: 0, symbol: None, payload_bytes: 0, line: 1 }
            }).collect();
            let list = PublicationList { path: "".into(), listed: listed.clone().into() };
            let counted = listed.iter().map(|first| {
                listed.iter().filter(|one| one.due >= first.due && one.due.0 <= first.due.0 + span).count() as u64
            });
            prop_assert_eq!(list.most_within(Nanos(span)), counted.max().unwrap());
        }
    }
}
