"""The table of the fifteen relationships."""

from __future__ import annotations

from convmatrix.analysis.arithmetic.relationships import Relationship, always

_C, _P, _T = "convolution", "pooling", "transposed"

RELATIONSHIPS: tuple[Relationship, ...] = (
    Relationship(
        1, "no padding, stride 1", "The kernel stands at every place where all of it is on the input.",
        "ik", _C, lambda v: v.i - v.k + 1, lambda v: v.i >= v.k,
    ),
    Relationship(
        2, "zero padding, stride 1", "The input is longer by p zeros at both ends.",
        "ikp", _C, lambda v: v.i - v.k + 2 * v.p + 1, lambda v: v.i + 2 * v.p >= v.k,
    ),
    Relationship(
        3, "half padding, stride 1", "An odd kernel with floor(k/2) zeros at both ends keeps the size.",
        "ik", _C, lambda v: v.i, lambda v: v.odd(v.k), "half",
    ),
    Relationship(
        4, "full padding, stride 1", "With k - 1 zeros at both ends every overlap of kernel and input is an output.",
        "ik", _C, lambda v: v.i + v.k - 1, always, "full",
    ),
    Relationship(
        5, "no padding, any stride", "Of the places of relationship 1 every s-th is taken, from the first on.",
        "iks", _C, lambda v: v.floor((v.i - v.k) / v.s) + 1, lambda v: v.i >= v.k,
    ),
    Relationship(
        6, "zero padding, any stride", "Of the places of relationship 2 every s-th is taken, from the first on.",
        "iksp", _C, lambda v: v.floor((v.i + 2 * v.p - v.k) / v.s) + 1, lambda v: v.i + 2 * v.p >= v.k,
    ),
    Relationship(
        7, "pooling", "A pooling window moves as an unpadded kernel does.",
        "iks", _P, lambda v: v.floor((v.i - v.k) / v.s) + 1, lambda v: v.i >= v.k,
    ),
    Relationship(
        8, "transposed: no padding, stride 1", "The transpose is the turned kernel on the input padded by k - 1.",
        "ik", _T, lambda v: v.i + v.k - 1, always,
    ),
    Relationship(
        9, "transposed: zero padding, stride 1",
        "The transpose is the turned kernel on the input padded by k - p - 1.",
        "ikp", _T, lambda v: v.i + v.k - 1 - 2 * v.p, lambda v: v.both(v.p < v.k, v.i + v.k - 1 > 2 * v.p),
    ),
    Relationship(
        10, "transposed: half padding, stride 1", "For an odd kernel the transpose has half padding too.",
        "ik", _T, lambda v: v.i, lambda v: v.odd(v.k), "half",
    ),
    Relationship(
        11, "transposed: full padding, stride 1", "The transpose has no padding.",
        "ik", _T, lambda v: v.i - (v.k - 1), lambda v: v.i >= v.k, "full",
    ),
    Relationship(
        12, "transposed: no padding, any stride, i - k a multiple of s on the way down",
        "The transpose is the turned kernel on the input stretched by s - 1 zeros and padded by k - 1.",
        "iks", _T, lambda v: v.s * (v.i - 1) + v.k, always,
    ),
    Relationship(
        13, "transposed: zero padding, any stride, i + 2p - k a multiple of s on the way down",
        "The transpose is the turned kernel on the stretched input padded by k - p - 1.",
        "iksp", _T, lambda v: v.s * (v.i - 1) + v.k - 2 * v.p,
        lambda v: v.both(v.p < v.k, v.s * (v.i - 1) + v.k > 2 * v.p),
    ),
    Relationship(
        14, "transposed: zero padding, any stride, a left over on the way down",
        "Where (i + 2p - k) mod s = a on the way down, a more zeros stand behind the padded stretched input.",
        "ikspa", _T, lambda v: v.s * (v.i - 1) + v.a + v.k - 2 * v.p,
        lambda v: v.both(v.p < v.k, v.a < v.s, v.s * (v.i - 1) + v.a + v.k > 2 * v.p),
    ),
    Relationship(
        15, "dilation, zero padding, any stride", "A dilated kernel takes the room of d(k - 1) + 1 taps.",
        "ikspd", _C, lambda v: v.floor((v.i + 2 * v.p - v.k - (v.k - 1) * (v.d - 1)) / v.s) + 1,
        lambda v: v.i + 2 * v.p > v.d * (v.k - 1),
    ),
)  # fmt: skip
"""Dumoulin and Visin's relationships 1 to 15, in their order: `RELATIONSHIPS[n - 1]` is number n."""
