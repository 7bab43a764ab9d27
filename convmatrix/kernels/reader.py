"""The one parser of kernels, for Python and for the command line."""

from __future__ import annotations

import os
import re
from typing import Any

from numpy.typing import NDArray

from convmatrix.errors import KernelError
from convmatrix.kernels.arrays import clip
from convmatrix.kernels.files import is_file_name, read_file
from convmatrix.kernels.literal import MAX_CHARACTERS, NOT_FINITE, parse_literal
from convmatrix.kernels.registry import build_named, is_named, kernel_info

_LIKE_A_PATH = re.compile(r"\S*\.[A-Za-z]\w*")
_LIKE_A_CALL = re.compile(r"(?P<name>[^\W\d][\w.]*)\([^\s;|]*")


def kernel(text_or_path: str | os.PathLike[str]) -> NDArray[Any]:
    """Kernel or weight from a name, a literal or a file.

    Text is parsed and never evaluated. A path object, or a string that ends in a known extension, is a file; a single
    bare word, with or without `:parameters`, is a name; everything else is a literal.

    Parameters
    ----------
    text_or_path : str or path-like
        One of

        - a name of `kernel_names()`, with optional parameters: `sobel_x`, `gaussian:size=5,sigma=1`, where a size is
          `5`, `5x3` or `3x3x3`;
        - a literal: rows separated by `;` or line ends, cells by blanks or commas, planes by `|`, brackets at will:
          `-1 0 1; -2 0 2; -1 0 1`. A cell is an integer, a fraction `1/16`, a decimal `0.1` (exactly one tenth), a
          symbol `w0`, or a product or sum of these without blanks, such as `-3/2*a+b`. One row without `;` is 1-D;
        - a file `.npy`, `.npz` (`file.npz:name` picks an array), `.csv` or `.txt`. Decimals in text files are
          measurements, not exact numbers.

    Returns
    -------
    ndarray
        A fresh array: int64 if all entries are integers, otherwise an object array of `fractions.Fraction`, or of
        SymPy expressions if any symbol occurs; float64 for sampled kernels and measurements; weights from NumPy files
        as `float32`, `float64` or complex, of any rank.

    Raises
    ------
    KernelError
        If the name is unknown (the message lists those close to it), a parameter breaks its rule, the literal is
        ragged, empty or not one, or the file cannot be read or holds anything but finite numbers.

    See Also
    --------
    kernel_names : the names.
    kernel_info : what a name stands for.

    References
    ----------
    Each named kernel's own is in `kernel_info(name).reference`. All are meant for correlation, deep learning's
    convolution: `sobel_x` is positive where brightness grows to the right.

    Examples
    --------
    >>> import convmatrix as cm
    >>> cm.kernel("sobel_x")
    array([[-1,  0,  1],
           [-2,  0,  2],
           [-1,  0,  1]])
    >>> bool((cm.kernel("-1 0 1; -2 0 2; -1 0 1") == cm.kernel("sobel_x")).all())
    True
    >>> cm.kernel("1/4 1/2 1/4")
    array([Fraction(1, 4), Fraction(1, 2), Fraction(1, 4)], dtype=object)
    >>> cm.kernel("a b; -b 2*a")
    array([[a, b],
           [-b, 2*a]], dtype=object)
    >>> cm.kernel("sobelx")
    Traceback (most recent call last):
    ...
    convmatrix.errors.KernelError: kernel name must be one that kernel_names() lists, got the unknown name ...
    """
    if isinstance(text_or_path, os.PathLike):
        return read_file(os.fsdecode(text_or_path))
    if not isinstance(text_or_path, str):
        raise KernelError(f"kernel must be text or a path, got {type(text_or_path).__name__}")
    text = text_or_path.strip()
    if len(text) > MAX_CHARACTERS:
        raise KernelError(f"kernel text must have at most {MAX_CHARACTERS} characters, got {len(text)}")
    if is_file_name(text):
        return read_file(text)
    if is_named(text) and text.casefold() not in NOT_FINITE:
        return build_named(text)
    try:
        return parse_literal(text)
    except KernelError:
        if _LIKE_A_PATH.fullmatch(text):
            raise KernelError(f"kernel file must end in .npy, .npz, .csv or .txt, got {clip(text)}") from None
        if call := _LIKE_A_CALL.fullmatch(text):
            kernel_info(call["name"])  # which refuses an unknown one
        raise
