//! Numbers as people write them: `10k`, `1e6`, `1_000`, `64KiB`, `25Mbit`, `100/s`, `1m30s`, `95%`. The command line,
//! TOML files and the specifications inside of options all read them here.
//!
//! Reading is exact. A number is its digits and a power of ten, never a double, so that `1e6` is 1,000,000 and `0.1s`
//! is 100,000,000 ns; what would have to be rounded is refused. What could mean two things is refused with both
//! readings, because a guess would be wrong by a factor of 8 or 1,024, or of 60,000 for a time in `m`.
//!
//! Rejected crates: humantime, which takes no fractions of a unit; bytesize, parse-size and byte-unit, which scale by
//! doubles or read `10mb` without a question. None of them has rates or shares.

mod grouping;

pub(crate) use grouping::{counted, grouped, rounded_bytes};

use std::fmt;

/// The reason why a text is not read as a quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuantityError {
    /// It is not a number with a unit that this quantity takes.
    NotANumber,
    /// It is finer than the unit that the quantity is counted in.
    TooFine,
    /// It is more than 2^64 - 1 units.
    TooLarge,
    /// It has two readings. The text asks which one is meant and says how to write each.
    Ambiguous(String),
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuantityError::NotANumber => f.write_str("this is not a number with its unit"),
            QuantityError::TooFine => f.write_str("this is finer than the unit that is counted in"),
            QuantityError::TooLarge => f.write_str("this is more than can be counted"),
            QuantityError::Ambiguous(question) => f.write_str(question),
        }
    }
}

impl QuantityError {
    /// Returns the question to ask about a text with two readings, and `advice` about any other.
    pub fn question_or(self, advice: impl Into<String>) -> String {
        match self {
            QuantityError::Ambiguous(question) => question,
            _ => advice.into(),
        }
    }
}

/// Ends a sentence about a text that was refused: with the question which of two readings is meant, or else with
/// `advice`.
pub fn refusal(read: Result<u64, QuantityError>, advice: &str) -> String {
    match read {
        Err(QuantityError::Ambiguous(question)) => format!(": {question}"),
        _ => format!(", {advice}"),
    }
}

/// A number as it is written, exactly: `digits * 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    digits: u128,
    exponent: i32,
}

/// Reads a count: `1000`, `1_000`, `10k`, `1.5M`, `2G`, `64Ki`, `1e6`.
///
/// # Errors
///
/// [`QuantityError`]: a count is whole and below 2^64; `m` is a million to some and a thousandth to others.
pub fn count(text: &str) -> Result<u64, QuantityError> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "m" => return Err(ambiguous(number, "million", "thousandths", &format!("{number}M"))),
        _ => return Err(QuantityError::NotANumber),
    };
    Decimal::read(number)?.times(factor)
}

/// Reads a number of bytes: `1500`, `1500B`, `64kB`, `64KiB`, `1MB`, `1e6`.
///
/// # Errors
///
/// [`QuantityError`]: the bytes are whole and below 2^64; `64K` is 64,000 to some and 65,536 to others, and `64kb` may
/// be bits.
pub fn bytes(text: &str) -> Result<u64, QuantityError> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "k" | "K" | "KB" => return Err(decimal_or_binary(number, (1_000, 1 << 10), "kB", "KiB")),
        "M" => return Err(decimal_or_binary(number, (1_000_000, 1 << 20), "MB", "MiB")),
        "G" => return Err(decimal_or_binary(number, (1_000_000_000, 1 << 30), "GB", "GiB")),
        "kb" | "Kb" => return Err(bytes_or_bits(number, "kilo", "kB", "B")),
        "mb" | "Mb" => return Err(bytes_or_bits(number, "mega", "MB", "kB")),
        "gb" | "Gb" => return Err(bytes_or_bits(number, "giga", "GB", "MB")),
        "m" => return Err(ambiguous(number, "megabytes", "thousandths", &format!("{number}MB"))),
        _ => return Err(QuantityError::NotANumber),
    };
    Decimal::read(number)?.times(factor)
}

/// Reads a rate in bits a second: `25Mbit`, `25mbit`, `25Mbps`, `25Mbit/s`, `1.5gbit`, `300bit`.
///
/// # Errors
///
/// [`QuantityError`]: the bits are whole and below 2^64; `10mb`, `10MB/s` and `10M` may be megabits or megabytes.
pub fn bits_per_second(text: &str) -> Result<u64, QuantityError> {
    let (number, unit) = split(text)?;
    let plain = unit.strip_suffix("/s").unwrap_or(unit);
    let factor = match (plain, unit) {
        ("bit", _) | (_, "bps") => 1,
        ("kbit" | "Kbit", _) | (_, "kbps" | "Kbps") => 1_000,
        ("mbit" | "Mbit", _) | (_, "mbps" | "Mbps") => 1_000_000,
        ("gbit" | "Gbit", _) | (_, "gbps" | "Gbps") => 1_000_000_000,
        ("k" | "K" | "kb" | "Kb" | "kB" | "KB", _) => return Err(bits_or_bytes(number, "kilo", "kbit")),
        ("m" | "M" | "mb" | "Mb" | "mB" | "MB", _) => return Err(bits_or_bytes(number, "mega", "Mbit")),
        ("g" | "G" | "gb" | "Gb" | "gB" | "GB", _) => return Err(bits_or_bytes(number, "giga", "Gbit")),
        _ => return Err(QuantityError::NotANumber),
    };
    Decimal::read(number)?.times(factor)
}

/// Reads a number of events a second in millionths: `100/s`, `10k/s`, `0.5/s`, `1e5/s`, or the number alone.
///
/// # Errors
///
/// [`QuantityError`]: at most six decimals and below 2^64 millionths; `m` may be a million or a thousandth.
pub fn rate_millionths(text: &str) -> Result<u64, QuantityError> {
    let text = text.trim();
    let (number, unit) = split(text.strip_suffix("/s").unwrap_or(text))?;
    let factor = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "m" => return Err(ambiguous(number, "million", "thousandths", &format!("{number}M/s"))),
        _ => return Err(QuantityError::NotANumber),
    };
    Decimal::read(number)?.times(factor * 1_000_000)
}

/// Reads a span of time in nanoseconds: `3s`, `1.5ms`, `40us`, `1m30s`, `1h`, `2d`, or `0`. The parts of a compound one
/// come with falling units.
///
/// # Errors
///
/// [`QuantityError`]: nanoseconds are whole and below 2^64; `m` alone may be minutes or milliseconds.
pub fn span_ns(text: &str) -> Result<u64, QuantityError> {
    let mut rest = text.trim();
    let (mut total, mut above) = (0u64, u64::MAX);
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(number_end(rest));
        let behind = behind.trim_start();
        let unit_end = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at(unit_end);
        let unit_ns: u64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" | "sec" => 1_000_000_000,
            "m" if above == u64::MAX && next.trim().is_empty() => {
                let written = format!("{number}min or {number}ms");
                return Err(ambiguous(number, "minutes", "milliseconds", &written));
            }
            "m" | "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            // No time at all needs no unit.
            "" if number == "0" && text.trim() == "0" => 1,
            _ => return Err(QuantityError::NotANumber),
        };
        if unit_ns >= above {
            return Err(QuantityError::NotANumber);
        }
        above = unit_ns;
        let part = Decimal::read(number)?.times(unit_ns)?;
        total = total.checked_add(part).ok_or(QuantityError::TooLarge)?;
        rest = next.trim_start();
    }
    if above == u64::MAX { Err(QuantityError::NotANumber) } else { Ok(total) }
}

/// Reads a share as a numerator and a denominator: `0.95`, `.95`, `95%`, `19/20`, `1e-3`. The caller checks that it is
/// at most 1.
///
/// # Errors
///
/// [`QuantityError`]: at most 15 decimals, or 17 with those of `%`.
pub fn share(text: &str) -> Result<(u64, u64), QuantityError> {
    let text = text.trim();
    if let Some((numerator, denominator)) = text.split_once('/') {
        return Ok((count(numerator)?, count(denominator)?));
    }
    let (number, hundred) = text.strip_suffix('%').map_or((text, 1), |number| (number.trim_end(), 100));
    let decimal = match number.strip_prefix('.') {
        Some(_) => Decimal::read(&format!("0{number}"))?,
        None => Decimal::read(number)?,
    };
    let places = u32::try_from(-decimal.exponent.min(0)).unwrap_or(u32::MAX);
    if places > SHARE_DECIMALS_MAX {
        return Err(QuantityError::TooFine);
    }
    let denominator = 10u64.pow(places);
    Ok((decimal.times(denominator)?, denominator * hundred))
}

/// Reads a plain number with at most `places` decimals, as a whole number of its last place.
///
/// # Errors
///
/// [`QuantityError`]: it has no unit, is no finer than its places, and below 2^64 of them.
pub fn scaled(text: &str, places: u32) -> Result<u64, QuantityError> {
    let (number, unit) = split(text)?;
    if unit.is_empty() { Decimal::read(number)?.times(10u64.pow(places)) } else { Err(QuantityError::NotANumber) }
}

/// The most decimals of a share: a double holds as many exactly enough to name them again.
const SHARE_DECIMALS_MAX: u32 = 15;

impl Decimal {
    /// Reads digits with single underscores between them, a fraction and an exponent.
    fn read(text: &str) -> Result<Decimal, QuantityError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (digits_of(whole)?, digits_of(fraction)?),
            None => (digits_of(mantissa)?, String::new()),
        };
        let all = whole + &fraction;
        // Zeros at either end say nothing but where the point is, and a text may have any number of them.
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        let trailing = all.len() - all.trim_end_matches('0').len();
        if digits.is_empty() {
            return Ok(Decimal { digits: 0, exponent: 0 });
        }
        let places = |length: usize| i32::try_from(length).map_err(|_| QuantityError::TooLarge);
        let exponent = exponent + places(trailing)? - places(fraction.len())?;
        match digits.parse() {
            Ok(digits) => Ok(Decimal { digits, exponent }),
            Err(_) if exponent < 0 => Err(QuantityError::TooFine),
            Err(_) => Err(QuantityError::TooLarge),
        }
    }

    /// Multiplies by a factor; the product must be whole.
    fn times(self, factor: u64) -> Result<u64, QuantityError> {
        let mut product = self.digits.checked_mul(u128::from(factor)).ok_or(QuantityError::TooLarge)?;
        if product == 0 {
            return Ok(0);
        }
        // 10^39 is above 2^128: after so many steps either way the answer is known.
        for _ in 0..self.exponent.unsigned_abs().min(40) {
            product = match self.exponent {
                0.. => product.checked_mul(10).ok_or(QuantityError::TooLarge)?,
                _ if product.is_multiple_of(10) => product / 10,
                _ => return Err(QuantityError::TooFine),
            };
        }
        u64::try_from(product).map_err(|_| QuantityError::TooLarge)
    }
}

/// Reads an exponent of up to three digits; more are beyond any quantity.
fn exponent_of(text: &str) -> Result<i32, QuantityError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match (is_number, text.starts_with('-')) {
        (false, _) => Err(QuantityError::NotANumber),
        (true, is_negative) if digits.len() <= 3 => {
            let exponent: i32 = digits.parse().map_err(|_| QuantityError::NotANumber)?;
            Ok(if is_negative { -exponent } else { exponent })
        }
        (true, false) => Err(QuantityError::TooLarge),
        (true, true) => Err(QuantityError::TooFine),
    }
}

/// Returns the digits of a text in which single underscores may stand between digits.
fn digits_of(text: &str) -> Result<String, QuantityError> {
    let groups_are_digits =
        text.split('_').all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    if groups_are_digits { Ok(text.replace('_', "")) } else { Err(QuantityError::NotANumber) }
}

/// Splits a text into its number and its unit.
fn split(text: &str) -> Result<(&str, &str), QuantityError> {
    let text = text.trim();
    let (number, unit) = text.split_at(number_end(text));
    if number.is_empty() { Err(QuantityError::NotANumber) } else { Ok((number, unit.trim_start())) }
}

/// Returns the length of the number that a text begins with.
fn number_end(text: &str) -> usize {
    let mantissa = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let Some(exponent) = text[mantissa..].strip_prefix(['e', 'E']) else { return mantissa };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    match digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len()) {
        0 => mantissa,
        length => text.len() - digits.len() + length,
    }
}

/// Asks which of two readings is meant, and says how to write each that can be written.
fn ambiguous(number: &str, first: &str, second: &str, written: &str) -> QuantityError {
    question_if_number(number, format!("is that {number} {first} or {number} {second}? Write {written}"))
}

/// Asks whether a size is in bytes or in bits.
fn bytes_or_bits(number: &str, prefix: &str, unit: &str, thousandth: &str) -> QuantityError {
    // An eighth of the number, in a unit a thousandth as large: 10mb as bits is 1250kB.
    let as_bits = match scaled(number, 3) {
        Ok(thousandths) if thousandths.is_multiple_of(8) => format!("{}{thousandth}", thousandths / 8),
        _ => "an eighth of that".to_owned(),
    };
    ambiguous(number, &format!("{prefix}bytes"), &format!("{prefix}bits"), &format!("{number}{unit} or {as_bits}"))
}

/// Asks whether a prefix counts by powers of 1,000 or of 1,024.
fn decimal_or_binary(number: &str, powers: (u64, u64), decimal: &str, binary: &str) -> QuantityError {
    let (of_1000, of_1024) = powers;
    let question =
        format!("is that {number} times {of_1000} or times {of_1024}? Write {number}{decimal} or {number}{binary}");
    question_if_number(number, question)
}

/// Asks whether a line's rate is in bits or in bytes.
fn bits_or_bytes(number: &str, prefix: &str, unit: &str) -> QuantityError {
    let as_bytes = match scaled(number, 3).ok().and_then(|thousandths| thousandths.checked_mul(8)) {
        Some(bits) if bits.is_multiple_of(1_000) => format!("{}{unit}", bits / 1_000),
        _ => "eight times as much".to_owned(),
    };
    let question =
        format!("is that {number} {prefix}bits or {number} {prefix}bytes a second? Write {number}{unit} or {as_bytes}");
    question_if_number(number, question)
}

/// Asks about an ambiguous text only if its number is one.
fn question_if_number(number: &str, question: String) -> QuantityError {
    Decimal::read(number).map_or_else(|error| error, |_| QuantityError::Ambiguous(question))
}

#[cfg(test)]
mod tests;
