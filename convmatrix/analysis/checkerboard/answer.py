"""What `checkerboard` answers about one operator."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.checkerboard import spectrum as fourier
from convmatrix.analysis.checkerboard.borders import border_differs
from convmatrix.analysis.checkerboard.causes import causes_of
from convmatrix.analysis.checkerboard.evenness import has_symbols, is_zero
from convmatrix.analysis.checkerboard.given_bias import Bias
from convmatrix.analysis.facts import as_html, as_text
from convmatrix.operators import TensorOperator

if TYPE_CHECKING:
    from convmatrix.analysis.overlap import OverlapMap


@dataclass(frozen=True, eq=False)
class CheckerboardReport:
    """What `checkerboard` found. The causes, the spectrum and the nearest free weight are computed when asked for.

    Attributes
    ----------
    op : TensorOperator
        The operator.
    overlap : OverlapMap
        How many taps reach each output.
    period : tuple of int
        The least period an axis of the interior's answer to a constant, bias included.
    offset : tuple of int
        The phase of an output is `(position + offset) mod period`, an axis at a time.
    dc_gain : ndarray of shape `(*period, c_out, c_in)`
        The answer of each phase and output channel to a constant 1 in one input channel. Where phases agree within
        `tol` only, their mean.
    phase_gain : ndarray of shape `(*overlap.period, c_out, c_in)`
        The same for every phase of the geometry, as computed, whether phases agree or not; the phase is
        `(position + overlap.offset) mod overlap.period`.
    bias_gain : ndarray of shape `(*its period, c_out)`, or None
        What the biases add to each phase, with the same offset; of even biases the period is 1.
    is_exact : bool
        Decided by `==` on exact values; otherwise within `tol`.
    tol : float
        The absolute difference of gains that counts as none; 0 where `is_exact`.
    bias_tol : float
        The same for the bias.
    gains_are_even, bias_is_even : bool
        Whether the gains of every channel pair, and the bias of every channel, are equal in all phases. With symbols:
        identically.
    amplitude : number or None
        The ripple: the largest difference of two phases over all channel pairs, for a constant 1 in one channel; exact
        for exact weights, of complex ones the largest distance. None where symbols leave it open.
    relative_amplitude : number or None
        `amplitude` over the largest magnitude of a channel pair's mean gain; `inf` where that is 0.
    bias_amplitude : number or None
        The largest difference of two phases of the bias.
    channels : tuple of (int, int or None), or None
        Output and input channel of the largest ripple; None when free. `(c_out, None)` where the bias alone ripples.
    conditions : tuple of SymPy expressions, or None
        With symbols: free if and only if all of these are 0; `()` always, `(1,)` never.
    """

    op: TensorOperator
    overlap: OverlapMap
    period: tuple[int, ...]
    offset: tuple[int, ...]
    dc_gain: np.ndarray
    phase_gain: np.ndarray
    bias_gain: np.ndarray | None
    is_exact: bool
    tol: float
    bias_tol: float
    gains_are_even: bool
    bias_is_even: bool
    amplitude: Any
    relative_amplitude: Any
    bias_amplitude: Any
    channels: tuple[int, int | None] | None
    conditions: tuple[Any, ...] | None
    _bias: Bias | None = field(repr=False)
    _asked_tol: float | None = field(repr=False)

    @property
    def is_free(self) -> bool:
        """Whether every constant becomes a constant in the interior: gains and bias equal in all phases."""
        return self.gains_are_even and self.bias_is_even

    @property
    def compensated(self) -> bool:
        """Whether the overlap counts are uneven and the weights make up for it."""
        return self.is_free and not self.overlap.is_uniform

    @property
    def kills_constants(self) -> bool:
        """Whether all gains are 0, so that of every constant the bias alone is left.

        Beside a hole no other layer is free: a phase that no tap reaches is 0, so the others must be.
        """
        return self.gains_are_even and is_zero(self.dc_gain, self.tol)

    @cached_property
    def border_differs(self) -> bool | None:
        """Whether outputs outside the interior do not continue it, for some constant input.

        Decided by applying the operator to constants; None where that would cost more than about a second.
        """
        return border_differs(self.op, self.phase_gain, self._bias, (self.tol, self.bias_tol))

    @cached_property
    def causes(self) -> tuple[str, ...]:
        """Of "holes", "counts", "weights", "bias", "border" those that hold, in this order.

        holes
            A phase that no tap reaches.
        counts
            The phases that are reached are so by different numbers of taps.
        weights
            The gains are not in proportion to those numbers.
        bias
            The biases come out uneven.
        border
            Outputs outside the interior do not continue it. The only one that a free operator may have.
        """
        return causes_of(self)

    @property
    def cause(self) -> str | None:
        """The first of `causes`, or None."""
        return next(iter(self.causes), None)

    @cached_property
    def spectrum(self) -> np.ndarray | None:
        """The magnitude of each component of the ripple, of the shape `overlap.period`; the largest channel pair's.

        Fourier coefficients `1/phases * sum of gain * exp(-2 pi i <frequency, phase>)`, the mean removed, so in the
        unit of the gains; entry `j` of an axis of period `n` is the frequency `j/n`. All 0 when free. Of the bias where
        the gains are even. None where symbols leave it open.
        """
        found = self._shares
        return None if found is None else fourier.in_unit(*found)

    @property
    def frequencies(self) -> tuple[tuple[tuple[Fraction, ...], float], ...] | None:
        """Pairs of a frequency and its magnitude in `spectrum`, the strongest first; a frequency and its negative once.

        A frequency is in cycles per output position, an axis at a time, in `(-1/2, 1/2]`. None where `spectrum` is.
        """
        found = self._shares
        return None if found is None else fourier.listed(*found, is_real=self._is_real())

    @cached_property
    def frequency(self) -> tuple[Fraction, ...] | None:
        """The strongest frequency of the largest ripple, that of `channels`; None when free or where symbols hide it.

        1/2 along an axis is a ripple whose neighbours alternate.
        """
        ripple = self._ripple()
        if self.channels is None or ripple is None:
            return None
        output, of = self.channels
        own = ripple[..., output] if of is None else ripple[..., output, of]
        return fourier.listed(*fourier.shares(own, len(self.period)), is_real=self._is_real())[0][0]

    def nearest_free(self, factor: int | TensorOperator | None = None) -> TensorOperator:
        """The operator with the nearest weight that is free of checkerboards, in the Frobenius norm.

        Parameters
        ----------
        factor : int or TensorOperator, optional
            Which layer of a stack may change: layers with a weight are counted in the order they are applied, from 0;
            or the layer itself. Needed where more than one has a weight.

        Returns
        -------
        TensorOperator
            With an even bias of its own, too; a bias that was given to `checkerboard` is no part of it.

        Raises
        ------
        ConvMatrixError
            If `factor` is needed or names no layer, or that layer cannot help.

        Examples
        --------
        >>> import convmatrix as cm
        >>> report = cm.checkerboard(cm.conv_transpose("1 1 1", 8, stride=2))
        >>> print(*report.nearest_free().weight.reshape(-1), report.squared_distance())
        2/3 4/3 2/3 1/3
        """
        return self._fixed(factor)[0]

    def distance(self, factor: int | TensorOperator | None = None) -> float:
        """How far `nearest_free` moves the weight: the Frobenius norm of the change.

        Raises
        ------
        SymbolicError
            If it holds symbols; `squared_distance` is exact.
        """
        from convmatrix.analysis.checkerboard.wording import length_of_change, square_root

        operator, square = self._fixed(factor)
        return length_of_change(self.op, operator) if isinstance(square, float) else square_root(square)

    def squared_distance(self, factor: int | TensorOperator | None = None) -> Any:
        """The square of `distance`, exact for exact weights."""
        return self._fixed(factor)[1]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the overlap counts as plain JSON types; fractions, complex numbers, symbols as text."""
        from convmatrix.analysis.checkerboard.wording import as_dict

        return as_dict(self)

    def __str__(self) -> str:
        from convmatrix.analysis.checkerboard.wording import rows, verdict

        return as_text(verdict(self), rows(self))

    def __repr__(self) -> str:
        from convmatrix.analysis.checkerboard.wording import verdict

        return f"CheckerboardReport({verdict(self)})"

    def _repr_html_(self) -> str:
        from convmatrix.analysis.checkerboard.wording import rows, verdict

        return as_html(verdict(self), rows(self))

    @cached_property
    def _fixes(self) -> dict[Hashable, tuple[TensorOperator, Any]]:
        return {}

    def _fixed(self, factor: Any) -> tuple[TensorOperator, Any]:
        from convmatrix.analysis.checkerboard.fixing import nearest_free

        # True and 1 are not the same question: one of them is refused.
        key = (type(factor), factor if isinstance(factor, (int, TensorOperator)) else None)
        if key not in self._fixes:
            uneven = not self.gains_are_even
            self._fixes[key] = nearest_free(self.op, factor, self._asked_tol, is_uneven=uneven)
        return self._fixes[key]

    @cached_property
    def _shares(self) -> tuple[np.ndarray, float] | None:
        """The spectrum in parts of a number, with that number; None where symbols leave it open."""
        axes, ripple = len(self.period), self._ripple()
        if self.is_free:
            return np.zeros(self.phase_gain.shape[:axes]), 0.0
        if ripple is None:
            return None
        found, unit = fourier.shares(ripple, axes)
        return found.reshape(*found.shape[:axes], -1).max(axis=-1), unit

    def _ripple(self) -> np.ndarray | None:
        """What ripples: the gains, or where they are even the bias; None with symbols."""
        ripple = self.bias_gain if self.gains_are_even and not self.bias_is_even else self.phase_gain
        return None if ripple is None or has_symbols(ripple) else ripple

    def _is_real(self) -> bool:
        ripple = self._ripple()
        if ripple is None or ripple.dtype.kind == "c":
            return False
        return ripple.dtype != object or all(getattr(value, "is_real", True) for value in ripple.flat)
