"""Kernels written out as text: a tokenizer and a recursive-descent parser. Text is never evaluated.

The grammar, outside in; blanks are allowed wherever two things are separated and nowhere inside a cell::

    literal := planes | bracket
    bracket := "[" planes "]"  |  "[" bracket {("," | ";" | blank) bracket} "]"
    planes  := rows {"|" rows} ["|"]
    rows    := row {(";" | newline) row} [";"]
    row     := cell {("," | blank) cell}
    cell    := product {("+" | "-") product}
    product := factor {("*" | "/") factor}
    factor  := ["+" | "-"] (number | name | "(" cell ")")
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from numpy.typing import NDArray

from convmatrix.errors import KernelError
from convmatrix.kernels.arrays import clip, exact_array

MAX_CHARACTERS = 1_000_000
# Covers every float64, subnormal ones too, and keeps 10**exponent small.
MAX_EXPONENT = 400
MAX_DIGITS = 1000
MAX_OPERATIONS = 64
MAX_BRACKETS = 8
MAX_PARENTHESES = 32

_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<blank>\s+)"
    r"|(?P<mark>[-+*/(),;|\[\]])"
)
NOT_FINITE = {"nan", "inf", "infinity"}
"""Words that are numbers nowhere here, and no symbols either."""
_CELL_ENDS = {"blank", "newline", ",", ";", "|", "]", "end"}
_GROUP_ENDS = {"|", "]", "end"}


@dataclass(frozen=True)
class Literal:
    """What a literal says, before it is decided what numbers it is made of.

    Attributes
    ----------
    cells : tuple
        The entries in row-major order: int, Fraction or SymPy expression.
    shape : tuple of int
        Their arrangement.
    has_decimal, has_fraction, has_symbol : bool
        Whether a decimal point or exponent, a `/`, a symbol was written anywhere.
    """

    cells: tuple[Any, ...]
    shape: tuple[int, ...]
    has_decimal: bool
    has_fraction: bool
    has_symbol: bool


def parse_literal(text: str) -> NDArray[Any]:
    """Kernel written as text, exactly: `0.1` is one tenth.

    Parameters
    ----------
    text : str
        The literal, see the grammar above.

    Returns
    -------
    ndarray
        1-D for one row without `;`, 2-D with `;` or several lines, 3-D with `|`, as deep as its brackets otherwise;
        of int64, `fractions.Fraction` or SymPy expressions.

    Raises
    ------
    KernelError
        If the text does not follow the grammar, is ragged, divides by zero or names something infinite.

    References
    ----------
    The row and cell separators are those of the MATLAB language's matrix constructor.

    Examples
    --------
    >>> parse_literal("1/4 1/2 1/4")
    array([Fraction(1, 4), Fraction(1, 2), Fraction(1, 4)], dtype=object)
    """
    literal = read_literal(text)
    return exact_array(literal.cells, literal.shape)


def parse_number(text: str) -> Fraction:
    """One exact number such as `5`, `-1/3` or `2.5e-3`, as kernel parameters are written.

    >>> parse_number("2.5e-1")
    Fraction(1, 4)
    """
    literal = read_literal(text)
    if literal.shape != (1,) or literal.has_symbol:
        raise KernelError(f"number must be a single integer, fraction or decimal, got {clip(text)}")
    return Fraction(literal.cells[0])


def read_literal(text: str, limit: int = MAX_CHARACTERS) -> Literal:
    """Read a literal, and keep what was written in it; raises `KernelError` as `parse_literal` does.

    >>> read_literal("0.5 1; 2 3").has_decimal
    True
    """
    if len(text) > limit:
        raise KernelError(f"kernel text must have at most {limit} characters, got {len(text)}")
    if not text.strip():
        raise KernelError(f"kernel text must not be empty, got {clip(text)}")
    parser = _Parser(text)
    tree = parser.literal()
    shape = _shape(tree)
    cells = tree
    for _ in shape[1:]:
        cells = [cell for group in cells for cell in group]
    return Literal(tuple(cells), shape, parser.has_decimal, parser.has_fraction, parser.has_symbol)


def _shape(tree: list[Any]) -> tuple[int, ...]:
    """Lengths of the nested lists, level by level; every list of a level must be as long as its first."""
    shape = [len(tree)]
    level: list[Any] = [tree]
    places: list[tuple[int, ...]] = [()]
    while isinstance(level[0][0], list):
        places = [(*place, i) for place, group in zip(places, level, strict=True) for i in range(1, len(group) + 1)]
        level = [item for group in level for item in group]
        lengths = [len(item) for item in level]
        for place, length in zip(places, lengths, strict=True):
            if length != lengths[0]:
                _fail_ragged(isinstance(level[0][0], list), place, length, lengths[0])
        shape.append(lengths[0])
    return tuple(shape)


def _fail_ragged(of_groups: bool, place: tuple[int, ...], length: int, first: int) -> NoReturn:
    row, cell = ("plane", "row") if of_groups else ("row", "cell")
    where = f"{row} {place[-1]}"
    if len(place) == 2:
        where += f" of plane {place[0]}"
    elif len(place) > 2:
        where += f" of block {', '.join(map(str, place[:-1]))}"
    counted = f"{length} {cell}" + ("s" if length != 1 else "")
    raise KernelError(f"kernel {row}s must all be as long as the first, got {where} with {counted}, not {first}")


class _Parser:
    """One pass over one text; each method reads what its name says and leaves `position` behind it."""

    def __init__(self, text: str) -> None:
        # A minus sign pasted from a paper, and line ends of other systems.
        self.text = text.replace("\u2212", "-").replace("\r\n", "\n").replace("\r", "\n").strip()
        self.tokens = list(self._tokenize())
        self.position = 0
        self.brackets = 0
        self.parentheses = 0
        self.operations = 0
        self.has_decimal = self.has_fraction = self.has_symbol = False

    def _tokenize(self) -> list[tuple[str, str, int]]:
        tokens = []
        at = 0
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            if match is None:
                self._fail_at(at, "be made of numbers, symbols and + - * / ( ) , ; | [ ]", self.text[at])
            kind, word = str(match.lastgroup), match.group()
            if kind == "mark":
                kind = word
            elif kind == "blank" and "\n" in word:
                kind = "newline"
            tokens.append((kind, word, at))
            at = match.end()
        return [*tokens, ("end", "the end", at)]

    def _fail_at(self, at: int, rule: str, found: str) -> NoReturn:
        where = f"at character {at + 1} of {clip(self.text)}"
        raise KernelError(f"kernel literal must {rule}, got {clip(found, 30)} {where}")

    def _fail(self, rule: str) -> NoReturn:
        _, found, at = self.tokens[self.position]
        self._fail_at(at, rule, found)

    def _peek(self) -> str:
        kind = self.tokens[self.position][0]
        while self.parentheses and kind in ("blank", "newline"):
            self.position += 1
            kind = self.tokens[self.position][0]
        # NumPy prints a long row of a matrix over several lines: inside [[ ]] a line end is a blank.
        return "blank" if kind == "newline" and self.brackets > 1 else kind

    def _take(self) -> str:
        word = self.tokens[self.position][1]
        self.position += 1
        return word

    def _skip_blanks(self) -> None:
        while self._peek() in ("blank", "newline"):
            self.position += 1

    def literal(self) -> list[Any]:
        tree = self._bracket() if self._peek() == "[" else self._planes()
        self._skip_blanks()
        if self._peek() != "end":
            self._fail("end after its last row or bracket")
        return tree

    def _bracket(self) -> list[Any]:
        self._take()
        self.brackets += 1
        if self.brackets > MAX_BRACKETS:
            self._fail(f"have at most {MAX_BRACKETS} brackets inside each other")
        self._skip_blanks()
        tree = self._bracket_list() if self._peek() == "[" else self._planes()
        self._skip_blanks()
        if self._peek() != "]":
            self._fail("close every bracket with ] and not mix brackets and cells")
        self._take()
        self.brackets -= 1
        return tree

    def _bracket_list(self) -> list[Any]:
        items = [self._bracket()]
        while True:
            self._skip_blanks()
            separated = self._peek() in (",", ";")
            if separated:
                self._take()
                self._skip_blanks()
            if self._peek() != "[":
                if separated:
                    self._fail("have a bracket on both sides of every separator")
                return items
            items.append(self._bracket())

    def _planes(self) -> list[Any]:
        rows, is_table = self._rows()
        if self._peek() != "|":
            return rows if is_table else rows[0]
        planes = [rows]
        while self._peek() == "|":
            self._take()
            self._skip_blanks()
            if self._peek() in ("]", "end"):
                break
            planes.append(self._rows()[0])
        return planes

    def _rows(self) -> tuple[list[Any], bool]:
        rows = [self._row()]
        is_table = False
        while True:
            starts_line = self._peek() == "newline"
            self._skip_blanks()
            if self._peek() == ";":
                self._take()
                self._skip_blanks()
                is_table = True
            elif not starts_line:
                return rows, is_table
            if self._peek() in _GROUP_ENDS:
                return rows, is_table
            rows.append(self._row())
            is_table = True

    def _row(self) -> list[Any]:
        cells = [self._cell()]
        while True:
            if self._peek() == "blank":
                self._take()
            if self._peek() == ",":
                self._take()
                if self._peek() == "blank":
                    self._take()
            elif self._peek() in _CELL_ENDS:
                return cells
            cells.append(self._cell())

    def _cell(self) -> Any:
        self.operations = 0
        if self._peek() in _CELL_ENDS:
            self._fail("have no empty rows or cells")
        value = self._sum()
        following = self._peek()
        if following == "(":
            self._fail("not call functions (parameters of a named kernel are written gaussian:size=5)")
        if following not in _CELL_ENDS:
            self._fail("separate its cells by blanks or commas and write products with *")
        return value

    def _sum(self) -> Any:
        value = self._product()
        while self._peek() in ("+", "-"):
            self._count()
            value = value + self._product() if self._take() == "+" else value - self._product()
        return value

    def _product(self) -> Any:
        value = self._factor()
        while self._peek() in ("*", "/"):
            self._count()
            if self._take() == "*":
                value = value * self._factor()
                continue
            self.has_fraction = True
            start = self.position
            divisor = self._factor()
            if divisor == 0:
                self.position = start
                self._fail("not divide by zero")
            # Exact for integers; SymPy takes over where a symbol is involved.
            value = value / (Fraction(divisor) if isinstance(divisor, int) else divisor)
        return value

    def _count(self) -> None:
        self.operations += 1
        if self.operations > MAX_OPERATIONS:
            self._fail(f"have at most {MAX_OPERATIONS} operations in a cell")

    def _factor(self) -> Any:
        sign = self._take() if self._peek() in ("+", "-") else "+"
        kind = self._peek()
        if kind == "number":
            value = self._number()
        elif kind == "name":
            value = self._symbol()
        elif kind == "(":
            value = self._parenthesis()
        elif kind in ("blank", "newline"):
            self._fail("have no blank around + - * / inside a cell")
        else:
            self._fail("have a number or a symbol in every place that needs one")
        return -value if sign == "-" else value

    def _parenthesis(self) -> Any:
        self._take()
        self.parentheses += 1
        if self.parentheses > MAX_PARENTHESES:
            self._fail(f"have at most {MAX_PARENTHESES} parentheses inside each other")
        value = self._sum()
        if self._peek() != ")":
            self._fail("close every parenthesis within its cell")
        self._take()
        self.parentheses -= 1
        return value

    def _number(self) -> int | Fraction:
        word = self.tokens[self.position][1]
        if len(word) > MAX_DIGITS:
            self._fail(f"have numbers of at most {MAX_DIGITS} digits")
        if word.isdigit():
            return int(self._take())
        self.has_decimal = True
        exponent = word.lower().partition("e")[2]
        if abs(int(exponent or 0)) > MAX_EXPONENT:
            self._fail(f"have exponents from -{MAX_EXPONENT} to {MAX_EXPONENT}")
        return Fraction(self._take())

    def _symbol(self) -> Any:
        if self.tokens[self.position][1].casefold() in NOT_FINITE:
            self._fail("be finite")
        import sympy  # only here: a kernel of numbers must not pay for loading it

        self.has_symbol = True
        return sympy.Symbol(self._take())
