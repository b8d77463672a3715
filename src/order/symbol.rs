//! The traded symbol, in eight bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A symbol of one to eight printable ASCII characters without spaces, padded with zero bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol([u8; Symbol::BYTES]);

impl Symbol {
    /// The length of a symbol, padding included, in bytes.
    pub const BYTES: usize = 8;

    /// Creates the symbol of these bytes, or returns `None` if they are not characters followed by zeros.
    #[inline]
    pub const fn from_bytes(bytes: [u8; Symbol::BYTES]) -> Option<Symbol> {
        if is_symbol(bytes) { Some(Symbol(bytes)) } else { None }
    }

    /// Returns the characters.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(Symbol::BYTES);
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }

    /// Creates a symbol in source code; invalid bytes do not compile.
    pub(super) const fn literal(bytes: &[u8; Symbol::BYTES]) -> Symbol {
        assert!(is_symbol(*bytes), "not a symbol");
        Symbol(*bytes)
    }
}

/// Returns true if every byte is a character or zero, and none follows a zero. Eight comparisons without a branch
/// between them.
#[inline]
const fn is_symbol(bytes: [u8; Symbol::BYTES]) -> bool {
    let mut good = bytes[0] != 0;
    let mut at = 0;
    while at < Symbol::BYTES {
        good &= bytes[at].is_ascii_graphic() | (bytes[at] == 0);
        good &= at == 0 || (bytes[at] == 0) | (bytes[at - 1] != 0);
        at += 1;
    }
    good
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({})", self.as_str())
    }
}

/// The reason why a text is not a symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a symbol; write one to eight ASCII letters, digits or signs without spaces, such as BTC-USDT")]
pub struct ParseSymbolError(String);

impl FromStr for Symbol {
    type Err = ParseSymbolError;

    fn from_str(text: &str) -> Result<Symbol, ParseSymbolError> {
        let mut bytes = [0; Symbol::BYTES];
        if let Some(room) = bytes.get_mut(..text.len()) {
            room.copy_from_slice(text.as_bytes());
        }
        // Compared with the text, because zero characters at its end would pass for padding.
        let exact = Symbol::from_bytes(bytes).filter(|symbol| symbol.as_str() == text);
        exact.ok_or_else(|| ParseSymbolError(text.to_owned()))
    }
}

impl Serialize for Symbol {
    /// Writes text in human-readable formats, else the eight bytes.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.as_str())
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Symbol, D::Error> {
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom);
        }
        let bytes = Deserialize::deserialize(deserializer)?;
        Symbol::from_bytes(bytes).ok_or_else(|| serde::de::Error::custom("not a symbol"))
    }
}
