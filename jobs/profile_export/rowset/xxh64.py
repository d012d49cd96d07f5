"""XXH64 over many byte strings at once, each with a seed of its own: what Spark calls ``xxhash64``.

Spark's hash of a number is XXH64 of its little-endian bytes, and a sequence of values is hashed by
giving each value the hash of what came before it as its seed. So one function is enough.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]
Places: TypeAlias = NDArray[np.int64]

_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)
_N1, _N2, _N3, _N4, _N5 = (np.array([p], np.uint64) for p in (_P1, _P2, _P3, _P4, _P5))
"""As arrays: those wrap in silence, where NumPy's scalars warn."""
_MASK = 2**64 - 1


class Pool:
    """Bytes, and the little-endian words of 8, 4 and 1 bytes that begin at each of them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        padded, count = data + bytes(8), len(data) + 1
        self.eights: Hashes = np.ndarray((count,), "<u8", padded, strides=(1,))
        self.fours: NDArray[np.uint32] = np.ndarray((count,), "<u4", padded, strides=(1,))
        self.ones: NDArray[np.uint8] = np.ndarray((count,), "u1", padded, strides=(1,))


def xxh64_many(pool: Pool, start: Places, size: Places, seed: Hashes) -> Hashes:
    """XXH64 of ``size[i]`` bytes at ``start[i]`` with ``seed[i]``."""
    hashes = seed + _N5
    large = np.flatnonzero(size >= 32)
    if large.size:
        hashes[large] = _stripes(pool, start[large], size[large] // 32, seed[large])
    hashes += size.astype(np.uint64)
    at, end = start + (size & ~31), start + size
    while (some := np.flatnonzero(at + 8 <= end)).size:
        word = _rotl(pool.eights[at[some]] * _N2, 31) * _N1
        hashes[some] = _rotl(hashes[some] ^ word, 27) * _N1 + _N4
        at[some] += 8
    if (some := np.flatnonzero(at + 4 <= end)).size:
        word = pool.fours[at[some]].astype(np.uint64) * _N1
        hashes[some] = _rotl(hashes[some] ^ word, 23) * _N2 + _N3
        at[some] += 4
    while (some := np.flatnonzero(at < end)).size:
        word = pool.ones[at[some]].astype(np.uint64) * _N5
        hashes[some] = _rotl(hashes[some] ^ word, 11) * _N1
        at[some] += 1
    return _avalanche(hashes)


def _stripes(pool: Pool, start: Places, stripes: Places, seed: Hashes) -> Hashes:
    """The four lanes of texts of 32 bytes and more, merged."""
    lanes = [seed + _N1 + _N2, seed + _N2, seed.copy(), seed - _N1]
    for stripe in range(int(stripes.max())):
        some = np.flatnonzero(stripes > stripe)
        for number, lane in enumerate(lanes):
            words = pool.eights[start[some] + (32 * stripe + 8 * number)]
            lane[some] = _rotl(lane[some] + words * _N2, 31) * _N1
    merged = sum(
        (_rotl(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)), 0 * seed
    )
    for lane in lanes:
        merged = (merged ^ (_rotl(lane * _N2, 31) * _N1)) * _N1 + _N4
    return merged


def _rotl(words: Hashes, by: int) -> Hashes:
    return (words << np.uint64(by)) | (words >> np.uint64(64 - by))


def _avalanche(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> np.uint64(33))) * _N2
    hashes = (hashes ^ (hashes >> np.uint64(29))) * _N3
    return hashes ^ (hashes >> np.uint64(32))


def xxh64(data: bytes, seed: int) -> int:
    """XXH64 of one byte string: quicker than NumPy where there are only a few."""
    size = len(data)
    value = _long(data, seed) if size >= 32 else seed + _P5
    value = (value + size) & _MASK
    for begin in range(size & ~31, size - 7, 8):
        value ^= _lane(0, int.from_bytes(data[begin : begin + 8], "little"))
        value = (_rot(value, 27) * _P1 + _P4) & _MASK
    at = size & ~7
    if size - at >= 4:
        value ^= int.from_bytes(data[at : at + 4], "little") * _P1 & _MASK
        value, at = (_rot(value, 23) * _P2 + _P3) & _MASK, at + 4
    for byte in data[at:]:
        value = _rot(value ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    value = (value ^ (value >> 33)) * _P2 & _MASK
    value = (value ^ (value >> 29)) * _P3 & _MASK
    return value ^ (value >> 32)


def _long(data: bytes, seed: int) -> int:
    lanes = [(seed + _P1 + _P2) & _MASK, (seed + _P2) & _MASK, seed & _MASK, (seed - _P1) & _MASK]
    for at in range(0, len(data) - 31, 32):
        for number in range(4):
            word = int.from_bytes(data[at + 8 * number : at + 8 * number + 8], "little")
            lanes[number] = _lane(lanes[number], word)
    value = sum(_rot(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
    for lane in lanes:
        value = ((value ^ _lane(0, lane)) * _P1 + _P4) & _MASK
    return value


def _lane(lane: int, word: int) -> int:
    return _rot((lane + word * _P2) & _MASK, 31) * _P1 & _MASK


def _rot(word: int, by: int) -> int:
    return ((word << by) | (word >> (64 - by))) & _MASK
