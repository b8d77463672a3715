#!/usr/bin/env python3
"""Push gossip in virtual time, written from docs/DETERMINISM.md alone: a second implementation to hold the first against.

Prints `node,time_ns,hop,sender` for every node, empty where the order did not come: the same values that
`bulkprop --transport simulated --until quiescent --timeout 0 --nodes-csv FILE` writes for the same options.
It knows the Erdos-Renyi and the complete overlay, uniform latencies and independent losses.
"""
import argparse
import heapq
from fractions import Fraction

MASK = (1 << 64) - 1
TOPOLOGY, TARGETS, NETWORK = 1, 2, 4


def mix(w):
    w = ((w ^ w >> 30) * 0xBF58476D1CE4E5B9) & MASK
    w = ((w ^ w >> 27) * 0x94D049BB133111EB) & MASK
    return w ^ w >> 31


def key(seed, *words):
    """The key of a seed, a purpose and the words that follow, each folded in."""
    state = seed
    for step, word in enumerate((0,) + words):
        state = mix(((state ^ word if step else state) + 0xD1B54A32D192ED03) & MASK)
    return state


def stream(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        yield mix(state)


def below(words, n):
    return next(words) * n >> 64


def log2_ratio(a, b):
    """log2(a / b) in whole numbers of 2^-57, digit by digit."""
    doublings = 0
    while a >= 2 * b:
        b, doublings = 2 * b, doublings + 1
    x, digits = (a << 63) // b, 0
    for _ in range(57):
        x = x * x >> 63
        digits = digits << 1 | x >> 64
        x >>= x >> 64
    return (doublings << 57) + digits


def minus_log2(word):
    """-log2((word | 1) / 2^64) in 2^-57."""
    word |= 1
    z = 64 - word.bit_length()
    f = word << (z + 1) & MASK
    i, t = f >> 55, (f & (1 << 55) - 1) - (1 << 54)
    c = 1024 + 2 * i + 1
    slope = (0x5C551D94AE0BF85D << 10) // c
    curve = ((slope << 10) // c) >> 32
    s = t >> 23
    bend = (s * s >> 31) * curve >> 25
    return max(0, ((z + 1) << 57) - (log2_ratio(c, 1024) + (slope * t >> 69) - bend))


def erdos_renyi(nodes, peers, seed):
    rows = [[] for _ in range(nodes)]
    if peers >= nodes - 1:
        return [[b for b in range(nodes) if b != a] for a in range(nodes)]
    d = log2_ratio(nodes - 1, nodes - 1 - peers)
    bits = d.bit_length()
    r = (1 << bits + 62) // d
    size = 1 << max(13, nodes.bit_length() - 11)
    strips = [range(start, min(start + size, nodes)) for start in range(0, nodes, size)]
    for i, down in enumerate(strips):
        for j in range(i, len(strips)):
            across = strips[j]
            words = stream(key(seed, TOPOLOGY, 1, i, j))
            width = 1 << (len(across) - 1).bit_length()
            # Places are counted over the pairs of the strip: above the diagonal within one, else over padded rows.
            place, row, start = -1, 0, 0
            while True:
                place += 1 + ((minus_log2(next(words)) * r >> 64) >> bits - 2)
                length = len(down) - 1 - row if i == j else width
                while row < len(down) and place - start >= length:
                    row, start = row + 1, start + length
                    length = len(down) - 1 - row if i == j else width
                if row >= len(down):
                    break
                column = row + 1 + place - start if i == j else place - start
                if column < len(across):
                    rows[down[row]].append(across[column])
                    rows[across[column]].append(down[row])
    return [sorted(row) for row in rows]


def targets(row, fanout, seed, node):
    row, words = list(row), stream(key(seed, TARGETS, 0, node))
    for i in range(min(fanout, len(row))):
        j = i + below(words, len(row) - i)
        row[i], row[j] = row[j], row[i]
    return row[:fanout]


def push(o, rows):
    """First receipts as (time, hop, sender) by node; ties break by (time, round, sender, sequence)."""
    receipts, events = [None] * o.nodes, [(0, 0, o.origin, 0, o.origin, 0)]
    is_lost_below = -((-o.loss.numerator << 63) // o.loss.denominator)
    while events:
        time, rnd, sender, _, node, hop = heapq.heappop(events)
        if receipts[node] is not None:
            continue
        receipts[node] = (time, hop, sender)
        if hop == o.ttl:
            continue
        for sequence, to in enumerate(targets(rows[node], o.fanout, o.seed, node)):
            words = stream(key(o.seed, NETWORK, 0, node, to))
            latency = o.least + below(words, o.greatest - o.least + 1)
            if next(words) >> 1 >= is_lost_below:
                heapq.heappush(events, (time + latency, 0 if latency else rnd + 1, node, sequence, to, hop + 1))
    return receipts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    defaults = dict(nodes=1000, peers=20, fanout=8, ttl=6, seed=7, origin=0, least=50_000_000, greatest=50_000_000)
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--loss", type=Fraction, default=Fraction(0), help="--least and --greatest are latencies in ns")
    o = parser.parse_args()
    print("node,time_ns,hop,sender")
    for node, receipt in enumerate(push(o, erdos_renyi(o.nodes, o.peers, o.seed))):
        time, hop, sender = receipt or ("", "", "")
        print(f"{node},{time},{hop},{sender if hop else ''}")


if __name__ == "__main__":
    main()
