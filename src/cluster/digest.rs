//! SHA-256, from the same crate as the ciphers.

use snow::params::HashChoice;
use snow::resolvers::{CryptoResolver, RingResolver};

/// Computes the digest of several parts. The same bytes divided into other parts have another digest.
pub(super) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = RingResolver.resolve_hash(&HashChoice::SHA256).expect("the crate is built with this hash");
    for part in parts {
        hash.input(&(part.len() as u64).to_le_bytes());
        hash.input(part);
    }
    let mut result = [0; 32];
    hash.result(&mut result);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        assert_eq!(digest(&[b"ab", b"c"]), digest(&[b"ab", b"c"]));
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_ne!(digest(&[b"abc"]), digest(&[b"abc", b""]));
    }

    #[test]
    fn the_digest_is_sha_256() {
        // FIPS 180-4 of eight zero bytes, which is one empty part.
        let expected = "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc";
        let found: String = digest(&[b""]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected);
    }
}
