//! Messages of iroh-gossip as messages of this project, and back.
//!
//! iroh-gossip keeps the fields of its messages to itself. They are therefore read from the encoding in which it sends
//! them (postcard): the topic, the layer, the kind, then the fields. A message travels here as the few words that it is
//! rebuilt from, so that no shard has to look into another:
//!
//! | iroh-gossip | here | words |
//! |---|---|---|
//! | `Gossip` | payload | none: the hop is its round plus 1, the order gives content and id |
//! | `IHave` | IHAVE | the further orders, each with its hop |
//! | `Graft` with an id, without one | GRAFT, `graft-link` | none: order and hop |
//! | `Prune` | PRUNE | none |
//! | all of HyParView | upkeep | the fields as they are encoded, behind their length |

use bulk_order_propagation::{Kind, Message, NodeId, OrderHop, OrderIndex};
use bytes::Bytes;
use iroh_gossip::proto;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Asks for an order, and makes its sender eager.
pub(crate) const GRAFT: Kind = Kind(4);
/// Makes its sender lazy.
pub(crate) const PRUNE: Kind = Kind(5);
/// Makes its sender eager, and asks for nothing.
pub(crate) const LINK_GRAFT: Kind = Kind(6);

/// The kind of the first message of HyParView; the others follow in the order in which iroh-gossip declares them.
const FIRST_MEMBERSHIP: u8 = 192;
/// Tells a node that the connection to the sender is closed.
pub(crate) const CLOSE: Kind = Kind(FIRST_MEMBERSHIP + 6);
/// The kind of HyParView's DISCONNECT.
pub(crate) const DISCONNECT: Kind = Kind(FIRST_MEMBERSHIP + 5);

/// The kinds by name; the names are those of `plumtree@hyparview`.
pub(crate) const KINDS: &[(Kind, &str)] = &[
    (Kind::HAVE, "ihave"),
    (GRAFT, "graft"),
    (PRUNE, "prune"),
    (LINK_GRAFT, "graft-link"),
    (Kind(FIRST_MEMBERSHIP), "join"),
    (Kind(FIRST_MEMBERSHIP + 1), "forward-join"),
    (Kind(FIRST_MEMBERSHIP + 2), "shuffle"),
    (Kind(FIRST_MEMBERSHIP + 3), "shuffle-reply"),
    (Kind(FIRST_MEMBERSHIP + 4), "neighbor"),
    (DISCONNECT, "disconnect"),
    (CLOSE, "close"),
];

/// The topic that all nodes are members of.
pub(crate) const TOPIC: [u8; 32] = [7; 32];

/// The layers of a message, by their place in its encoding.
const SWARM: u8 = 0;
const GOSSIP: u8 = 1;

/// The greatest number of hops that an order has here.
const HOPS_MAX: u8 = 255;

/// A message of iroh-gossip.
pub(crate) type GuestMessage = proto::Message<PeerId>;

/// The identifier of a node, as long as the public key by which iroh knows it.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct PeerId([u8; 32]);

impl PeerId {
    /// Returns the identifier of a node.
    pub(crate) fn of(node: NodeId) -> PeerId {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&node.0.to_be_bytes());
        PeerId(bytes)
    }

    /// Returns the node.
    pub(crate) fn node(self) -> NodeId {
        let [a, b, c, d, ..] = self.0;
        NodeId(u32::from_be_bytes([a, b, c, d]))
    }
}

/// A message of Plumtree as iroh-gossip encodes it.
#[derive(Serialize, Deserialize)]
enum BroadcastFields<'a> {
    Gossip {
        id: [u8; 32],
        #[serde(borrow)]
        content: &'a [u8],
        scope: ScopeFields,
    },
    Prune,
    Graft {
        id: Option<[u8; 32]>,
        round: u16,
    },
    IHave(Vec<([u8; 32], u16)>),
}

/// The scope of a message with content: the swarm, with the round, or the neighbours alone.
#[derive(Serialize, Deserialize)]
enum ScopeFields {
    Swarm(u16),
    Neighbors,
}

/// A translated message; the words of its tail are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TranslatedMessage {
    pub(crate) kind: Kind,
    pub(crate) order_hop: OrderHop,
    /// Bytes of the message as iroh-gossip encodes it.
    pub(crate) bytes: u32,
}

/// The contents of orders: their number, with zeros up to their length. Each is unique, because iroh-gossip knows an
/// order by the hash of its content.
#[derive(Debug, Default)]
pub(crate) struct OrderContents {
    by_order: Vec<Option<([u8; 32], Bytes)>>,
    by_id: BTreeMap<[u8; 32], OrderIndex>,
}

impl OrderContents {
    /// Returns the content of an order of this many bytes, at least four, with its id.
    pub(crate) fn of(&mut self, order: OrderIndex, bytes: u32) -> ([u8; 32], Bytes) {
        if self.by_order.len() <= order.index() {
            self.by_order.resize(order.index() + 1, None);
        }
        let known = &mut self.by_order[order.index()];
        let (id, content) = known.get_or_insert_with(|| {
            let mut content = order.0.to_le_bytes().to_vec();
            content.resize(content.len().max(bytes as usize), 0);
            (blake3::hash(&content).into(), content.into())
        });
        self.by_id.insert(*id, order);
        (*id, content.clone())
    }

    /// Returns the order with this content.
    pub(crate) fn order_of(content: &[u8]) -> Option<OrderIndex> {
        content.first_chunk().map(|number| OrderIndex(u32::from_le_bytes(*number)))
    }
}

/// Translates a message, and puts its tail into `words`. `about` is the order of the event that led to it, which stands
/// in messages that name none. `None` if the message says something that a message of this project cannot.
pub(crate) fn translate(
    message: &GuestMessage,
    about: OrderIndex,
    contents: &OrderContents,
    words: &mut Vec<u64>,
) -> Option<TranslatedMessage> {
    words.clear();
    let encoded = postcard::to_stdvec(message).ok()?;
    let translated = |kind, order_hop| Some(TranslatedMessage { kind, order_hop, bytes: encoded.len() as u32 });
    let hop_of = |id: &[u8; 32], round: u16| order_hop(*contents.by_id.get(id)?, round);
    match encoded.get(TOPIC.len()..)? {
        [SWARM, variant, fields @ ..] => {
            words.push(fields.len() as u64);
            words.extend(fields.chunks(8).map(|chunk| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                u64::from_le_bytes(word)
            }));
            translated(Kind(FIRST_MEMBERSHIP + variant), OrderHop::NO_ORDER)
        }
        [GOSSIP, fields @ ..] => match postcard::from_bytes(fields).ok()? {
            BroadcastFields::Gossip { id, scope: ScopeFields::Swarm(round), .. } => {
                translated(Kind::PAYLOAD, hop_of(&id, round)?)
            }
            BroadcastFields::Prune => translated(PRUNE, order_hop(about, 0)?),
            BroadcastFields::Graft { id: Some(id), round } => translated(GRAFT, hop_of(&id, round)?),
            BroadcastFields::Graft { id: None, round } => translated(LINK_GRAFT, order_hop(about, round)?),
            BroadcastFields::IHave(list) => {
                let ((id, round), others) = list.split_first()?;
                for (id, round) in others {
                    words.push(hop_of(id, *round)?.to_word());
                }
                translated(Kind::HAVE, hop_of(id, *round)?)
            }
            BroadcastFields::Gossip { scope: ScopeFields::Neighbors, .. } => None,
        },
        _ => None,
    }
}

/// Rebuilds the message that [`translate`] translated. `bytes_of` returns the length of an order.
pub(crate) fn rebuild(
    message: &Message,
    tail: &[u64],
    contents: &mut OrderContents,
    bytes_of: impl Fn(OrderIndex) -> u32,
) -> Option<GuestMessage> {
    let mut encoded = TOPIC.to_vec();
    if let Some(variant) = message.kind.0.checked_sub(FIRST_MEMBERSHIP) {
        let (&len, words) = tail.split_first()?;
        encoded.extend([SWARM, variant]);
        let start = encoded.len();
        encoded.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        encoded.truncate(start + len as usize);
        return postcard::from_bytes(&encoded).ok();
    }
    let round = |order_hop: OrderHop| u16::from(order_hop.hop).saturating_sub(1);
    let (id, content) = contents.of(message.order, bytes_of(message.order));
    let fields = match message.kind {
        Kind::PAYLOAD => {
            let scope = ScopeFields::Swarm(round(message.order_hop()));
            BroadcastFields::Gossip { id, content: &content, scope }
        }
        PRUNE => BroadcastFields::Prune,
        GRAFT => BroadcastFields::Graft { id: Some(id), round: round(message.order_hop()) },
        LINK_GRAFT => BroadcastFields::Graft { id: None, round: round(message.order_hop()) },
        Kind::HAVE => {
            let mut list = vec![(id, round(message.order_hop()))];
            for &word in tail {
                let other = OrderHop::from_word(word)?;
                list.push((contents.of(other.order, bytes_of(other.order)).0, round(other)));
            }
            BroadcastFields::IHave(list)
        }
        _ => return None,
    };
    encoded.push(GOSSIP);
    postcard::from_bytes(&postcard::to_extend(&fields, encoded).ok()?).ok()
}

/// Returns the orders that an IHAVE announces.
pub(crate) fn announced(message: &Message, tail: &[u64]) -> impl Iterator<Item = OrderIndex> {
    let others = tail.iter().filter_map(|&word| OrderHop::from_word(word));
    std::iter::once(message.order).chain(others.map(|other| other.order))
}

/// Returns an order at the hop of this round; `None` beyond the last hop.
fn order_hop(order: OrderIndex, round: u16) -> Option<OrderHop> {
    let hop = u8::try_from(round).ok()?.checked_add(1)?;
    Some(OrderHop { order, ttl: HOPS_MAX - hop, hop })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes a message of a layer from its kind and its fields.
    fn message(layer: u8, fields: &[u8]) -> GuestMessage {
        let encoded = [&TOPIC[..], &[layer], fields].concat();
        postcard::from_bytes(&encoded).expect("a message")
    }

    fn broadcast(fields: &BroadcastFields<'_>) -> GuestMessage {
        message(GOSSIP, &postcard::to_stdvec(fields).expect("fields"))
    }

    /// Every message comes back as it was, under its kind, order and hop.
    #[test]
    fn messages_survive_the_journey() {
        let mut contents = OrderContents::default();
        let (first, content) = contents.of(OrderIndex(1), 256);
        let (second, _) = contents.of(OrderIndex(300), 256);
        let peers = [NodeId(0), NodeId(70_000)].map(PeerId::of);
        let [of_zero, of_other] = peers.map(|peer| postcard::to_stdvec(&peer).expect("an identifier"));
        // A list of two peers with their data: each an identifier, present data, and its length 0.
        let nodes = [&[2][..], &of_zero, &[1, 0], &of_other, &[0]].concat();
        let gossip = BroadcastFields::Gossip { id: first, content: &content, scope: ScopeFields::Swarm(8) };
        for (sent, kind, order, hop) in [
            (broadcast(&gossip), Kind::PAYLOAD, 1, 9),
            (broadcast(&BroadcastFields::Prune), PRUNE, 7, 1),
            (broadcast(&BroadcastFields::Graft { id: Some(second), round: 0 }), GRAFT, 300, 1),
            (broadcast(&BroadcastFields::Graft { id: None, round: 254 }), LINK_GRAFT, 7, 255),
            (broadcast(&BroadcastFields::IHave(vec![(second, 3), (first, 0)])), Kind::HAVE, 300, 4),
            (message(SWARM, &[0, 1, 0]), Kind(192), 0, 1),
            (message(SWARM, &[&[2][..], &of_other, &nodes, &[6]].concat()), Kind(194), 0, 1),
            (message(SWARM, &[&[3][..], &nodes].concat()), Kind(195), 0, 1),
            (message(SWARM, &[4, 0, 1, 0]), Kind(196), 0, 1),
            (message(SWARM, &[5, 1, 0]), DISCONNECT, 0, 1),
        ] {
            let mut words = Vec::new();
            let translated = translate(&sent, OrderIndex(7), &contents, &mut words).expect("a message of ours");
            let OrderHop { order: named, hop: at, .. } = translated.order_hop;
            assert_eq!((translated.kind, named, at), (kind, OrderIndex(order), hop), "{sent:?}");
            let travelled =
                translated.order_hop.message_with(kind, NodeId(1), NodeId(2), u8::try_from(words.len()).unwrap());
            let rebuilt = rebuild(&travelled, &words, &mut contents, |_| 256).expect("a message of theirs");
            let [before, after] = [&sent, &rebuilt].map(|message| postcard::to_stdvec(message).unwrap());
            assert_eq!((before.len(), before), (translated.bytes as usize, after), "{sent:?}");
        }
    }

    #[test]
    fn what_has_no_message_here_is_refused() {
        let mut contents = OrderContents::default();
        let (id, content) = contents.of(OrderIndex(0), 4);
        let unknown = BroadcastFields::Graft { id: Some([9; 32]), round: 0 };
        let far = BroadcastFields::Graft { id: Some(id), round: 255 };
        let near = BroadcastFields::Gossip { id, content: &content, scope: ScopeFields::Neighbors };
        for fields in [unknown, far, near, BroadcastFields::IHave(Vec::new())] {
            assert_eq!(translate(&broadcast(&fields), OrderIndex(0), &contents, &mut Vec::new()), None);
        }
        let stray = OrderHop::NO_ORDER.message(Kind(99), NodeId(0), NodeId(1));
        assert!(rebuild(&stray, &[], &mut contents, |_| 4).is_none());
        let empty = OrderHop::NO_ORDER.message(DISCONNECT, NodeId(0), NodeId(1));
        assert!(rebuild(&empty, &[], &mut contents, |_| 4).is_none());
    }

    #[test]
    fn contents_are_unique_and_as_long_as_their_order() {
        let mut contents = OrderContents::default();
        let all: Vec<_> = (0..300).map(|order| contents.of(OrderIndex(order), 256)).collect();
        for (order, (id, content)) in (0..).zip(&all) {
            assert_eq!((content.len(), OrderContents::order_of(content)), (256, Some(OrderIndex(order))));
            assert_eq!(contents.by_id[id], OrderIndex(order));
        }
        assert_eq!((contents.by_id.len(), OrderContents::order_of(&[1, 2])), (300, None));
    }
}
