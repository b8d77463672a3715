//! Texts that are read as numbers, texts that have two readings, and texts that are refused.

use super::*;
use proptest::prelude::*;

type Reader = fn(&str) -> Result<u64, QuantityError>;

#[track_caller]
fn assert_reads(read: Reader, cases: &[(&str, u64)]) {
    for &(text, value) in cases {
        assert_eq!(read(text), Ok(value), "{text}");
    }
}

#[track_caller]
fn assert_refuses(read: Reader, error: QuantityError, cases: &[&str]) {
    for &text in cases {
        assert_eq!(read(text), Err(error.clone()), "{text}");
    }
}

#[track_caller]
fn assert_asks(read: Reader, cases: &[(&str, &str)]) {
    for &(text, question) in cases {
        assert_eq!(read(text), Err(QuantityError::Ambiguous(question.to_owned())), "{text}");
    }
}

#[test]
fn counts_have_groups_exponents_and_prefixes() {
    assert_reads(
        count,
        &[
            ("0", 0),
            ("1000", 1_000),
            ("1_000_000", 1_000_000),
            ("10k", 10_000),
            ("10K", 10_000),
            (" 10 k ", 10_000),
            ("1M", 1_000_000),
            ("1.5M", 1_500_000),
            ("2G", 2_000_000_000),
            ("64Ki", 65_536),
            ("1Mi", 1_048_576),
            ("1e6", 1_000_000),
            ("1E6", 1_000_000),
            ("1e+6", 1_000_000),
            ("2.5e3", 2_500),
            ("1500e-2", 15),
            ("1.0", 1),
            ("0e999", 0),
            ("18446744073709551615", u64::MAX),
            ("000000000000000000000000000000000000000000000000012", 12),
        ],
    );
    let nothing = QuantityError::NotANumber;
    assert_refuses(
        count,
        nothing,
        &[
            "", "k", "-1", "+1", "1x", "1 000", "1,000", "_1", "1_", "1__0", "1.", ".5k", "1e", "1e6e6", "0x10", "1kB",
            "nan", "inf", "1T",
        ],
    );
    assert_refuses(count, QuantityError::TooFine, &["0.5", "1e-1", "1.0005k", "1e-999", "1e-1000"]);
    assert_refuses(
        count,
        QuantityError::TooLarge,
        &["18446744073709551616", "1e20", "1e999", "1e1000", "99999999999G"],
    );
    assert_asks(count, &[("5m", "is that 5 million or 5 thousandths? Write 5M")]);
}

#[test]
fn bytes_have_decimal_and_binary_units() {
    assert_reads(
        bytes,
        &[
            ("1500", 1_500),
            ("1500B", 1_500),
            ("1kB", 1_000),
            ("1KiB", 1_024),
            ("64 KiB", 65_536),
            ("1.5MiB", 1_572_864),
            ("1MB", 1_000_000),
            ("2GiB", 2_147_483_648),
            ("1GB", 1_000_000_000),
            ("1e6", 1_000_000),
            ("0.5kB", 500),
        ],
    );
    assert_refuses(bytes, QuantityError::NotANumber, &["", "B", "1Bytes", "1kbit", "1kib", "1TB"]);
    assert_refuses(bytes, QuantityError::TooFine, &["0.5B", "0.5", "1.0001kB"]);
    assert_asks(
        bytes,
        &[
            ("64k", "is that 64 times 1000 or times 1024? Write 64kB or 64KiB"),
            ("64KB", "is that 64 times 1000 or times 1024? Write 64kB or 64KiB"),
            ("1M", "is that 1 times 1000000 or times 1048576? Write 1MB or 1MiB"),
            ("10mb", "is that 10 megabytes or 10 megabits? Write 10MB or 1250kB"),
            ("64kb", "is that 64 kilobytes or 64 kilobits? Write 64kB or 8000B"),
            ("1e30Gb", "is that 1e30 gigabytes or 1e30 gigabits? Write 1e30GB or an eighth of that"),
            ("10m", "is that 10 megabytes or 10 thousandths? Write 10MB"),
        ],
    );
}

#[test]
fn lines_have_bits_and_never_bytes() {
    assert_reads(
        bits_per_second,
        &[
            ("300bit", 300),
            ("300bps", 300),
            ("25Mbit", 25_000_000),
            ("25mbit", 25_000_000),
            ("25Mbps", 25_000_000),
            ("25mbps", 25_000_000),
            ("25Mbit/s", 25_000_000),
            ("1.5gbit", 1_500_000_000),
            ("10 kbit", 10_000),
            ("1e3Gbit", 1_000_000_000_000),
        ],
    );
    assert_refuses(
        bits_per_second,
        QuantityError::NotANumber,
        &["", "10", "mbit", "-1mbit", "10mbits", "10Mbps/s", "10 Mi", "10B/s"],
    );
    assert_refuses(bits_per_second, QuantityError::TooFine, &["0.1bit", "1.0001kbit"]);
    assert_asks(
        bits_per_second,
        &[
            ("10mb", "is that 10 megabits or 10 megabytes a second? Write 10Mbit or 80Mbit"),
            ("10MB/s", "is that 10 megabits or 10 megabytes a second? Write 10Mbit or 80Mbit"),
            ("10M", "is that 10 megabits or 10 megabytes a second? Write 10Mbit or 80Mbit"),
            ("1.5GB", "is that 1.5 gigabits or 1.5 gigabytes a second? Write 1.5Gbit or 12Gbit"),
            ("0.3kB/s", "is that 0.3 kilobits or 0.3 kilobytes a second? Write 0.3kbit or eight times as much"),
            ("1e30mb", "is that 1e30 megabits or 1e30 megabytes a second? Write 1e30Mbit or eight times as much"),
        ],
    );
}

#[test]
fn rates_are_exact_to_a_millionth() {
    assert_reads(
        rate_millionths,
        &[
            ("100/s", 100_000_000),
            ("100", 100_000_000),
            ("10k/s", 10_000_000_000),
            ("1.5M/s", 1_500_000_000_000),
            ("1e5/s", 100_000_000_000),
            ("0.5 /s", 500_000),
            ("0.000001", 1),
            ("1e-6/s", 1),
        ],
    );
    assert_refuses(rate_millionths, QuantityError::NotANumber, &["", "/s", "1/m", "100/min", "1.", ".5", "x/s"]);
    assert_refuses(rate_millionths, QuantityError::TooFine, &["0.0000001"]);
    assert_asks(rate_millionths, &[("10m/s", "is that 10 million or 10 thousandths? Write 10M/s")]);
}

#[test]
fn times_are_exact_and_may_be_compound() {
    assert_reads(
        span_ns,
        &[
            ("3s", 3_000_000_000),
            ("0.1s", 100_000_000),
            ("1.5s", 1_500_000_000),
            ("250us", 250_000),
            ("250\u{b5}s", 250_000),
            ("250\u{3bc}s", 250_000),
            ("900ns", 900),
            ("2min", 120_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1m 30s", 90_000_000_000),
            ("1m30sec", 90_000_000_000),
            ("1h", 3_600_000_000_000),
            ("1h5m", 3_900_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("2d12h", 216_000_000_000_000),
            ("1s500ms", 1_500_000_000),
            ("1e3s", 1_000_000_000_000),
            ("1_000ms", 1_000_000_000),
            ("0", 0),
            ("0s", 0),
        ],
    );
    assert_refuses(
        span_ns,
        QuantityError::NotANumber,
        &["", "3", "s", "-1s", "1.s", ".5s", "nan", "00", "1s1m", "1s2s", "1s5", "5M", "1week", "1m-30s"],
    );
    assert_refuses(span_ns, QuantityError::TooFine, &["1.5ns", "0.0000000001s", "1e-10s"]);
    assert_refuses(span_ns, QuantityError::TooLarge, &["9999999999999s", "1e30s", "213503d9999h"]);
    assert_asks(
        span_ns,
        &[
            ("5m", "is that 5 minutes or 5 milliseconds? Write 5min or 5ms"),
            ("0.5 m", "is that 0.5 minutes or 0.5 milliseconds? Write 0.5min or 0.5ms"),
        ],
    );
}

#[test]
fn shares_keep_their_digits() {
    for (text, parts) in [
        ("0.95", (95, 100)),
        (".95", (95, 100)),
        ("0.950", (95, 100)),
        ("95%", (95, 100)),
        ("99.9%", (999, 1_000)),
        ("19/20", (19, 20)),
        ("1_9 / 2_0", (19, 20)),
        ("1e-3", (1, 1_000)),
        ("1", (1, 1)),
        ("2", (2, 1)),
        ("0.00", (0, 1)),
    ] {
        let (numerator, denominator) = share(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(u128::from(numerator) * parts.1, u128::from(denominator) * parts.0, "{text}");
    }
    for text in ["", ".", "%", "-0.5", "nan", "1%%", "0,5", "1/"] {
        assert_eq!(share(text), Err(QuantityError::NotANumber), "{text}");
    }
    assert_eq!(share("0.0000000000000001"), Err(QuantityError::TooFine));
}

/// Writes a number below 2^64 in some form that [`count`] reads.
fn counts() -> impl Strategy<Value = (u64, String)> {
    (any::<u64>(), 0..4u8, 0..20u32).prop_map(|(value, form, places)| match form {
        0 => (value, value.to_string()),
        1 => (value, format!("{value}e0")),
        2 => {
            let (value, thousands) = (value / 1_000 * 1_000, value / 1_000);
            (value, format!("{thousands}k"))
        }
        _ => {
            let (places, unit) = (places.max(1), 10u64.pow(places.max(1)));
            (value, format!("{}.{:0width$}e{places}", value / unit, value % unit, width = places as usize))
        }
    })
}

proptest! {
    #[test]
    fn a_count_reads_back((value, text) in counts()) {
        prop_assert_eq!(count(&text), Ok(value), "{}", text);
    }

    #[test]
    fn a_compound_time_is_the_sum_of_its_parts(hours in 0..10_000u64, minutes in 0..60u64, millis in 0..60_000u64) {
        let text = format!("{hours}h{minutes}m{}.{:03}s", millis / 1_000, millis % 1_000);
        prop_assert_eq!(span_ns(&text), Ok(((hours * 60 + minutes) * 60_000 + millis) * 1_000_000), "{}", text);
    }

    #[test]
    fn any_text_is_a_number_or_an_error(text in "[0-9._eE+/% kKmMGibBsd-]{0,24}") {
        let readers: [Reader; 5] = [count, bytes, bits_per_second, rate_millionths, span_ns];
        readers.iter().for_each(|read| drop(read(&text)));
        let _ = (share(&text), scaled(&text, 9));
    }
}
