"""Why phases differ: holes, counts, weights, the bias; and whether the border does."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from convmatrix.analysis.checkerboard.evenness import in_classes, is_even, roomy, tiled

if TYPE_CHECKING:
    from convmatrix.analysis.checkerboard.answer import CheckerboardReport


def causes_of(report: CheckerboardReport) -> tuple[str, ...]:
    """Those of `reasons_of`, and "border" where outputs outside the interior do not continue it."""
    return (*reasons_of(report), "border") if report.border_differs else reasons_of(report)


def reasons_of(report: CheckerboardReport) -> tuple[str, ...]:
    """Of "holes", "counts", "weights", "bias" those that hold, in this order; none exactly where it is free.

    The first three are asked where gains differ: whether a phase is reached by no tap; whether the phases that are
    reached are so unevenly; whether gains are not in proportion to the counts.
    """
    found = []
    if not report.gains_are_even:
        counts = report.overlap.phase_counts
        if report.overlap.holes:
            found.append("holes")
        if len(set(counts[counts > 0].tolist())) > 1:
            found.append("counts")
        if not _proportional(report.phase_gain, counts, report.tol):
            found.append("weights")
    if not report.bias_is_even:
        found.append("bias")
    return tuple(found)


def _proportional(gains: np.ndarray, counts: np.ndarray, tol: float) -> bool:
    """Whether gain over count is the same in every phase that is reached; exact gains are not divided."""
    axes = counts.ndim
    period = tuple(map(math.lcm, gains.shape[:axes], counts.shape))
    members = in_classes(tiled(gains, period), (1,) * axes)
    own = tiled(counts, period).reshape(-1, 1).astype(object)
    reached = own[:, 0] > 0
    if not reached.any():
        return True
    members, own = members[reached], own[reached]
    if members.dtype.kind in "fc":
        # By the least count, as counts may be beyond floats.
        least = min(own[:, 0])
        return is_even(members / np.array([[float(Fraction(count, least))] for count in own[:, 0]]), tol)
    whole = math.lcm(*own[:, 0].tolist())
    factors = np.array([[whole // count] for count in own[:, 0]], dtype=object)
    return is_even(roomy(members).astype(object) * factors, Fraction(tol) * whole if tol else 0)
