"""The singular value decomposition of a rational kernel in closed form, where square roots are all it takes.

An eigenvector of `K K^T` for an eigenvalue `a + b sqrt(d)` has entries of the same kind; only its length is a root of
one. So `u = w / |w|` and `v = x / |x|` with w and x of such entries, and that `K` is the sum of `w (K^T w)^T / |w|^2`
is verified in exact arithmetic before anything is returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.separability.roots import Root
from convmatrix.analysis.separability.spectrum import ExactSpectrum, quadratic_root, surd_root
from convmatrix.analysis.separability.surds import Surd, Vector, inner, null_space, orthogonal, scaled

MAX_RANK = 9
"""The largest rank whose decomposition is written out."""
MAX_ENTRIES = 1000
"""The most entries a kernel may have for that."""


@dataclass(frozen=True)
class Direction:
    """One singular triple without its roots.

    `w` and `x` are positive multiples of the singular vectors, `image` is the kernel's `K^T w` and `norm` is `w^T w`.
    """

    w: Vector
    x: Vector
    image: Vector
    norm: Surd

    @property
    def d(self) -> int:
        """What its numbers hold the root of."""
        return self.norm.d

    def share(self, r: int, c: int) -> Surd:
        """Its part of one entry of the kernel, without the content."""
        return self.w[r] * self.image[c] / self.norm


def directions(spectrum: ExactSpectrum) -> tuple[Direction, ...] | None:
    """The singular directions in the order of the singular values, proved; None where they take more than roots."""
    rank = len(spectrum.characteristic) - 1
    if spectrum.form != "radicals" or rank > MAX_RANK or spectrum.shape[0] * spectrum.shape[1] > MAX_ENTRIES:
        return None
    gram = spectrum.right.dot(spectrum.right.T).dot(spectrum.left.T.dot(spectrum.left))
    found: list[Direction] = []
    for root in spectrum.roots:
        of_root = _of_root(root, gram, spectrum)
        if of_root is None:
            return None
        found += of_root
    return tuple(found) if _add_up(found, spectrum) else None


def triples(spectrum: ExactSpectrum, found: tuple[Direction, ...]) -> tuple[tuple[Any, np.ndarray, np.ndarray], ...]:
    """`(sigma, u, v)` as SymPy expressions, sigma the spectrum's own."""
    sigmas = spectrum.values
    return tuple(
        (sigma, _unit(direction.w), _unit(direction.x)) for sigma, direction in zip(sigmas, found, strict=False)
    )


def partial_sum(spectrum: ExactSpectrum, found: tuple[Direction, ...]) -> np.ndarray:
    """The sum of the triples given: integers and fractions where the roots cancel, otherwise SymPy expressions."""
    rows, columns = spectrum.shape
    entries = np.empty((rows, columns), dtype=object)
    for r, c in np.ndindex(rows, columns):
        entries[r, c] = exact.to_sympy(spectrum.content) * sum(
            (direction.share(r, c).expression() for direction in found), exact.to_sympy(0)
        )
    return exact.as_array(entries, "kernel")


def _of_root(root: Root, gram: np.ndarray, spectrum: ExactSpectrum) -> list[Direction] | None:
    """Orthogonal directions of one eigenvalue, as many as its multiplicity."""
    eigenvalue = _as_surd(root)
    d, size = eigenvalue.d, len(gram)
    shifted = [
        [_plain(gram[r, c], d) - eigenvalue if r == c else _plain(gram[r, c], d) for c in range(size)]
        for r in range(size)
    ]
    basis = null_space(shifted)
    if len(basis) != root.multiplicity:
        return None
    columns = orthogonal([_applied(spectrum.left, vector) for vector in basis])
    found = []
    for w in (_turned(column) for column in columns):
        image, norm = _image(w, spectrum), inner(w, w)
        if inner(image, image) != eigenvalue * norm:
            return None
        found.append(Direction(w, _simple(image), image, norm))
    return found


def _add_up(found: list[Direction], spectrum: ExactSpectrum) -> bool:
    """Whether the triples add up to the kernel exactly: the fractions to its entries, the roots of each d to 0."""
    wanted = spectrum.left.dot(spectrum.right)
    for r, c in np.ndindex(*spectrum.shape):
        plain, roots = Fraction(0), dict.fromkeys({one.d for one in found}, Fraction(0))
        for share in (one.share(r, c) for one in found):
            plain += share.a
            roots[share.d] += share.b
        if plain != wanted[r, c] or any(roots.values()):
            return False
    return True


def _image(w: Vector, spectrum: ExactSpectrum) -> Vector:
    """`K^T w` without the content, by way of the factors."""
    return _applied(spectrum.right.T, _applied(spectrum.left.T, w))


def _applied(matrix: np.ndarray, vector: Vector) -> Vector:
    d = vector[0].d
    return [inner([_plain(value, d) for value in row], vector) for row in matrix]


def _turned(vector: Vector) -> Vector:
    """A simple multiple whose first entry that is not 0 is positive."""
    simple = _simple(vector)
    return [-value for value in simple] if next(value for value in simple if value).is_negative() else simple


def _simple(vector: Vector) -> Vector:
    """A positive multiple without common divisors, its first entry that is not 0 rational."""
    lead = next(value for value in vector if value)
    size = -lead if lead.is_negative() else lead
    return scaled([value / size for value in vector])


def _unit(vector: Vector) -> np.ndarray:
    norm = inner(vector, vector)
    length = surd_root(norm.a, norm.b, norm.d)
    entries = np.empty(len(vector), dtype=object)
    entries[:] = [value.expression() / length for value in vector]
    return entries


def _as_surd(root: Root) -> Surd:
    if len(root.factor) == 2:
        return Surd(Fraction(-root.factor[1], root.factor[0]), Fraction(0), 1)
    return Surd(*quadratic_root(root))


def _plain(value: Any, d: int) -> Surd:
    return Surd(Fraction(value), Fraction(0), d)
