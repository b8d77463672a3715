//! The handshake by which two processes show each other that they know the secret, and agree on keys.
//!
//! Noise NNpsk0 with X25519, AES-256-GCM and SHA-256: two messages of 48 bytes, both with a fresh key of their sender,
//! so that a secret that leaks later opens no recorded run. The prologue binds the keys to the run and to both ends
//! (`ClusterIdentity::prologue`).

use super::frame::Protection;
use super::secret::ClusterSecret;
use snow::resolvers::{DefaultResolver, FallbackResolver, RingResolver};
use snow::{Builder, HandshakeState};
use std::sync::Arc;

/// The pattern and the algorithms, by their names in the Noise specification.
const NOISE: &str = "Noise_NNpsk0_25519_AESGCM_SHA256";

/// Size of each of the two messages: a public key and the tag of an empty payload.
pub(super) const HANDSHAKE_BYTES: usize = 48;

/// A message of the handshake that does not come from a holder of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAuthentic;

/// One end of a handshake.
pub(super) struct NoiseHandshake(HandshakeState);

impl NoiseHandshake {
    /// Begins a handshake, as its dialler or as its acceptor.
    pub(super) fn new(secret: &ClusterSecret, prologue: &[u8; 32], is_dialler: bool) -> NoiseHandshake {
        let resolver = FallbackResolver::new(Box::new(RingResolver), Box::<DefaultResolver>::default());
        let pattern = NOISE.parse().expect("the name is one of the specification");
        let builder = Builder::with_resolver(pattern, Box::new(resolver)).prologue(prologue);
        let builder = builder.and_then(|builder| builder.psk(0, secret.key()));
        let state = builder.and_then(|it| if is_dialler { it.build_initiator() } else { it.build_responder() });
        NoiseHandshake(state.expect("the crate is built with these algorithms, and NNpsk0 needs one key"))
    }

    /// Writes this end's message.
    pub(super) fn write(&mut self) -> [u8; HANDSHAKE_BYTES] {
        let mut message = [0; HANDSHAKE_BYTES];
        let written = self.0.write_message(&[], &mut message);
        // The dialler writes before it reads, the acceptor afterwards.
        assert_eq!(written.ok(), Some(HANDSHAKE_BYTES), "a handshake has one sequence of messages");
        message
    }

    /// Reads the other end's message.
    pub(super) fn read(&mut self, message: &[u8; HANDSHAKE_BYTES]) -> Result<(), NotAuthentic> {
        self.0.read_message(message, &mut []).map(|_| ()).map_err(|_| NotAuthentic)
    }

    /// Returns the keys of a handshake whose messages have both passed.
    pub(super) fn protection(self) -> Protection {
        let keys = self.0.into_stateless_transport_mode();
        Protection::Sealed(Arc::new(keys.expect("both messages have passed")))
    }
}

#[cfg(test)]
pub(super) mod fixtures {
    //! Keys for tests.

    use super::*;

    /// Makes a handshake between two ends, with these secrets and prologues.
    pub(in crate::cluster) fn shake(
        secrets: [&ClusterSecret; 2],
        prologues: [[u8; 32]; 2],
    ) -> Result<(Protection, Protection), NotAuthentic> {
        let mut dialler = NoiseHandshake::new(secrets[0], &prologues[0], true);
        let mut acceptor = NoiseHandshake::new(secrets[1], &prologues[1], false);
        acceptor.read(&dialler.write())?;
        dialler.read(&acceptor.write())?;
        Ok((dialler.protection(), acceptor.protection()))
    }

    /// Returns the keys of both ends of a connection of its own.
    pub(in crate::cluster) fn sealed_pair() -> (Protection, Protection) {
        let secret = ClusterSecret::of(&[3; 32]);
        shake([&secret, &secret], [[7; 32]; 2]).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::shake;
    use super::*;

    #[test]
    fn only_equal_secrets_and_prologues_make_keys() {
        let [one, other] = [1, 2].map(|byte| ClusterSecret::of(&[byte; 32]));
        assert!(shake([&one, &one], [[7; 32]; 2]).is_ok());
        assert!(shake([&one, &other], [[7; 32]; 2]).is_err());
        assert!(shake([&one, &one], [[7; 32], [8; 32]]).is_err());
    }

    #[test]
    fn a_changed_bit_of_either_message_is_refused() {
        let secret = ClusterSecret::of(&[1; 32]);
        for bit in 0..HANDSHAKE_BYTES * 8 {
            let mut dialler = NoiseHandshake::new(&secret, &[7; 32], true);
            let mut acceptor = NoiseHandshake::new(&secret, &[7; 32], false);
            let first = dialler.write();
            let mut altered = first;
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(NoiseHandshake::new(&secret, &[7; 32], false).read(&altered), Err(NotAuthentic), "bit {bit}");
            acceptor.read(&first).unwrap();
            let mut altered = acceptor.write();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(dialler.read(&altered), Err(NotAuthentic), "bit {bit}");
        }
    }

    #[test]
    fn random_bytes_are_refused() {
        let secret = ClusterSecret::of(&[1; 32]);
        for byte in 0..=255 {
            let mut acceptor = NoiseHandshake::new(&secret, &[7; 32], false);
            assert_eq!(acceptor.read(&[byte; HANDSHAKE_BYTES]), Err(NotAuthentic));
        }
    }
}
