"""`convmatrix receptive-field`, and the words that layers are typed in."""

from __future__ import annotations

import json
import shlex
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import convmatrix as cm
from convmatrix.analysis.receptive_field import receptive_field
from convmatrix.cli.receptive_field_command import COMMAND
from convmatrix.cli.stack import MAX_LAYERS, read_stack


def ones(*shape):
    return np.ones(shape, dtype=int)


WORDS = {
    "3": (["3"], 1, lambda: cm.conv(ones(3), 20)),
    "3x5": (["3x5"], 1, lambda: cm.conv(ones(3, 5), (20, 20))),
    "conv:3": (["conv:3"], 1, lambda: cm.conv(ones(3), 20)),
    "options": (
        ["3:stride=2,padding=0:1,dilation=3,padding_mode=circular"],
        1,
        lambda: cm.conv(ones(3), 20, stride=2, padding=[(0, 1)], dilation=3, padding_mode="circular"),
    ),
    "options behind a comma": (["3,stride=2"], 1, lambda: cm.conv(ones(3), 20, stride=2)),
    "same": (["3:padding=same"], 1, lambda: cm.conv(ones(3), 20, padding="same")),
    "channels": (["3:channels=6,groups=2"], 4, lambda: cm.conv(ones(6, 2, 3), 20, groups=2)),
    "depthwise": (["depthwise:3"], 4, lambda: cm.conv(ones(4, 1, 3), 20, groups=4)),
    "transposed": (
        ["conv_transpose:4x3,stride=2,padding=1,output_padding=1x0,channels=3"],
        2,
        lambda: cm.conv_transpose(ones(2, 3, 4, 3), (20, 20), stride=2, padding=1, output_padding=(1, 0)),
    ),
    "pool": (["avg_pool:3,stride=2,padding=1"], 2, lambda: cm.avg_pool((2, 20), 3, stride=2, padding=1)),
    "resize": (["resize:3/2,mode=linear"], 2, lambda: cm.resize((2, 20), Fraction(3, 2), "linear")),
    "resize an axis": (["resize:2x1.5"], 1, lambda: cm.resize((1, 20, 20), (2, 1.5))),
    "pixel shuffle": (["pixel_shuffle:2"], 4, lambda: cm.pixel_shuffle((4, 20), 2)),
    "pixel unshuffle": (["pixel_unshuffle:2"], 1, lambda: cm.pixel_shuffle((2, 10), 2).T),
    "channel shuffle": (["channel_shuffle:2"], 4, lambda: cm.channel_shuffle((4, 20), 2)),
    "identity": (["identity"], 3, lambda: cm.identity((3, 20))),
    "branches": (
        ["begin", "3:padding=1", "3:padding=1", "+", "identity", "end"],
        1,
        lambda: cm.conv(ones(3), 20, padding=1) @ cm.conv(ones(3), 20, padding=1) + cm.identity((1, 20)),
    ),
}


@pytest.mark.parametrize(("words", "channels", "make"), WORDS.values(), ids=WORDS)
def test_a_word_is_its_layer(words, channels, make):
    (op,), expected = read_stack(words, input_size=(20,), channels=channels), make()
    assert (op.in_shape, op.out_shape) == (expected.in_shape, expected.out_shape)
    assert np.array_equal(op.toarray(dtype=float), expected.toarray(dtype=float))


def test_weights_are_integers_that_take_no_memory():
    (op,) = read_stack(["3x3:channels=2000"], channels=1000)
    assert op.dtype == np.int64
    assert op.weight.strides == (0, 0, 0, 0)
    assert op.in_shape[0] == 1000


REPEATED = {
    "a layer": (["3:times=4"], 4),
    "a block": (["begin:times=3", "3:padding=1", "+", "identity", "end", "3"], 4),
    "within a block": (["begin", "3:padding=1,times=2", "+", "5:padding=2", "end"], 1),
    "blocks within blocks": (["begin", "begin", "1", "+", "1", "end", "+", "1", "end"], 1),
}


@pytest.mark.parametrize(("words", "count"), REPEATED.values(), ids=REPEATED)
def test_layers_are_repeated_and_nested(words, count):
    ops = read_stack(words)
    assert len(ops) == count
    assert all(inner.out_shape == outer.in_shape for inner, outer in pairwise(ops))


DEFAULTS = [
    "3",
    "3:dilation=64 3:dilation=128",
    "7:stride=2,padding=3 avg_pool:3,stride=2,padding=1 3:padding=1",
    "3:padding=40,padding_mode=reflect 3",
    "conv_transpose:4,stride=2,padding=1 conv_transpose:4,stride=2,padding=1 3:padding=1",
    "3:padding=1 resize:1/3 3:padding=1 pixel_unshuffle:2",
    "begin 3:stride=2,padding=1 conv_transpose:4,stride=2,padding=1 + identity end 3:padding=1",
    "3:padding=1,times=200",
    "3:padding=5:0,dilation=4,padding_mode=replicate 2",
    "2:padding=1:0 2:dilation=2,padding=2:0 2:dilation=4,padding=4:0",
    # Of the first size that would do without padding no layer need take the output.
    "3:stride=2 pixel_unshuffle:2",
    "2:padding=1 pixel_unshuffle:2",
    "3:stride=2,padding=1 pixel_unshuffle:3 begin 3:padding=1 + identity end",
    # The one phase that reads a third input is the last of 500.
    "resize:500/501 3",
]


@pytest.mark.parametrize("words", DEFAULTS)
def test_the_default_size_leaves_outputs_that_no_border_reaches(words):
    found = receptive_field(read_stack(words.split()))
    assert found.has_interior
    assert found.empirical == found.size


def test_the_default_size_of_axes_and_channels_that_differ():
    words = "pixel_shuffle:2x3 3x1:stride=2x1,channels=8,groups=2 pixel_unshuffle:2x3 depthwise:3 channel_shuffle:8"
    found = receptive_field(read_stack(words.split(), channels=12))
    assert found.has_interior
    assert found.empirical == found.size


def test_where_no_size_fits_the_first_one_tells_why():
    """Twice the input and one more is never even."""
    with pytest.raises(cm.ConvMatrixError, match="LAYER 2 'pixel_unshuffle:2': factor must divide the input size"):
        read_stack(["conv_transpose:3,stride=2", "pixel_unshuffle:2"])


READ_ERRORS = {
    "no kind": (["foo:3"], "LAYER 1 'foo:3' must be a size such as 3 or 3x5, or one of conv, .* got 'foo'"),
    "max pool": (["3", "max_pool:2"], r"LAYER 2 'max_pool:2' must .* \(a max pool is not linear; avg_pool reads"),
    "empty": ([":"], "LAYER 1 ':' must be a size"),
    "no value": (
        ["avg_pool"],
        "LAYER 1 'avg_pool' must have its kernel_size behind a colon, as in avg_pool:2, got none",
    ),
    "option": (["3:strid=2"], "LAYER 1 '3:strid=2' must have options of stride, .* each with =, got 'strid=2'"),
    "without =": (["3:2"], "LAYER 1 '3:2' must have options of .* got '2'"),
    "twice": (["3:stride=2,stride=2"], "must give stride once, got it twice"),
    "no number": (["3:stride=a"], "LAYER 1 '3:stride=a': stride must be an integer, or one an axis as in 2x1, got 'a'"),
    "zero": (["3:stride=0"], "LAYER 1 '3:stride=0': stride must be at least 1, got 0"),
    "kernel": (["-3"], "LAYER 1 '-3': kernel_size must be at least 1, got -3"),
    "scale": (["resize:0"], "LAYER 1 'resize:0': scale must be as in 2, 3/2, 1.5 or 2x3/2, got '0'"),
    "scale of text": (["resize:a"], "scale must be as in 2, 3/2, 1.5 or 2x3/2, got 'a'"),
    "scale beyond floats": (
        ["resize:1e400"],
        "LAYER 1 'resize:1e400': scale must be a fraction of numbers of at most 18",
    ),
    "scale beyond all": (
        ["resize:2x1e-99999999"],
        "scale must be a fraction of numbers of at most 18 digits, got '2x1e",
    ),
    "long size": (["1" * 19], "kernel_size must have at most 18 digits, got '1111111111111111111'"),
    "times": (["3:times=0"], "times must be from 1 to 10,000, got 0"),
    "many": (["3:times=9999", "3:times=9999"], f"LAYER must be given at most {MAX_LAYERS:,} times, got 19,998"),
    "many in blocks": (["begin:times=200", "3:times=200", "end"], "LAYER must be given at most .* got 40,000"),
    "axes": (["3x5", "3x3x3"], "LAYER 2 '3x3x3': kernel_size must have one number an axis as LAYER 1 '3x5'"),
    "open": (["begin", "3"], "LAYER 1 'begin' must be closed by `end`, got no such word behind it"),
    "closed": (["3", "end"], "LAYER 2 'end' must come behind `begin`, got none open"),
    "plus": (["+"], r"LAYER 1 '\+' must come behind `begin`, got none open"),
    "no branch": (["begin", "3", "+", "end"], "LAYER 4 'end' must come behind a layer .* got an empty branch"),
    "deep": (["begin"] * 60, "LAYER 50 'begin' must open branches within branches at most 50 deep, got more"),
    "branches": (["begin", "3", "+", "identity", "end"], "LAYER 1 'begin': A \\+ B needs equal shapes"),
    "mode": (["3:padding_mode=foo"], "LAYER 1 '3:padding_mode=foo': padding_mode must be one of"),
    "channels": (["3", "pixel_shuffle:2"], "LAYER 2 'pixel_shuffle:2': shape must have channels divisible by 2"),
    "unshuffle": (
        ["3", "pixel_unshuffle:2"],
        "LAYER 2 'pixel_unshuffle:2': factor must divide the input size 7, got 2",
    ),
    "size": (["12"], "LAYER 1 '12': output size must be at least 1, got -2 on axis 0"),
    "nothing": ([], "LAYER must be given at least once, got none"),
}


@pytest.mark.parametrize(("words", "message"), READ_ERRORS.values(), ids=READ_ERRORS)
def test_words_that_are_refused(words, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        read_stack(words, input_size=(9,))


SIZE_ERRORS = {
    "dims": ({"dims": 0}, "--dims must be at least 1, got 0"),
    "dims and size": (
        {"dims": 3, "input_size": (4, 4)},
        "--input-size must have one number an axis as --dims has, 3, got 2",
    ),
    "channels": ({"channels": 0}, "--channels must be at least 1, got 0"),
    "size": ({"input_size": (0,)}, "--input-size must be at least 1, got 0"),
}


@pytest.mark.parametrize(("options", "message"), SIZE_ERRORS.values(), ids=SIZE_ERRORS)
def test_sizes_that_are_refused(options, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        read_stack(["3"], **options)


# -- the command ------------------------------------------------------------------------------------------------------


def test_the_table_of_stages(run):
    ran = run("receptive-field", "3", "3:dilation=2", "3:dilation=4", "--dims", "2", "--input-size", "64x64")
    assert (ran.code, ran.err) == (0, "")
    assert (
        ran.out.splitlines()[1:5]
        == [
            "  layer  output     size   jump  start",
            "      1  62 x 62    3 x 3  1 x 1  0 x 0",
            "      2  58 x 58    7 x 7  1 x 1  0 x 0",
            "      3  50 x 50  15 x 15  1 x 1  0 x 0",
        ]
        or "15 x 15  1 x 1  0 x 0" in ran.out
    )
    assert "15 x 15 inputs, all of them read" in ran.out
    assert "since --input-size was not given" not in ran.out


def test_the_default_size_is_told(run):
    assert "input size 6, since --input-size was not given" in run("receptive-field", "3").out


CHECKS = {"gaps": ("3:dilation=2,times=3", 1), "none": ("3:dilation=1,times=3", 0)}


@pytest.mark.parametrize(("word", "code"), CHECKS.values(), ids=CHECKS)
def test_check_says_no_where_the_field_has_gaps(run, word, code):
    assert run("receptive-field", word, "--check").code == code
    assert run("receptive-field", word).code == 0


def test_one_json_document_and_nothing_else(run):
    ran = run("receptive-field", "3:stride=2", "3:padding=1", "--position", "0", "--input-size", "21", "--json")
    said = json.loads(ran.out)
    found = receptive_field(read_stack(["3:stride=2", "3:padding=1"], input_size=(21,)))
    assert (ran.code, ran.err) == (0, "")
    assert (said["schema_version"], said["command"]) == (1, "receptive-field")
    assert said["receptive_field"] == json.loads(json.dumps(found.to_dict()))
    assert (said["position"], said["window"], said["input_size"]) == ([0], [[0, 5]], [21])


def test_a_position_for_all_axes(run):
    out = run("receptive-field", "3x3:padding=1", "--position", "0").out
    assert out.endswith("output 0x0 reads inputs 0:2 x 0:2\n")


def test_a_deep_stack_is_shown_by_its_ends(run):
    out = run("receptive-field", "3:times=100").out
    assert "    100" in out
    assert "..." in out
    assert len(out.splitlines()) < 60


def test_a_picture_is_written(run):
    ran = run("receptive-field", "3:dilation=2", "--plot", "field.png")
    assert (ran.code, ran.err) == (0, "wrote field.png\n")
    assert Path("field.png").read_bytes().startswith(b"\x89PNG")


ERRORS = {
    "layer": (["foo"], "error: LAYER 1 'foo' must be a size"),
    "position": (["3", "--position", "9"], "error: --position must be below the output size 4, got 9 on axis 0"),
    "axes": (["3", "--position", "1x1"], "error: --position must be one integer or one for each of the 1 axes"),
    "plot": (["3", "--plot", "x.foo"], "error: --plot must end in .png, .svg, .pdf, got 'x.foo'"),
    "size": (["3", "--input-size", "2"], "error: LAYER 1 '3': output size must be at least 1"),
    "memory": (
        ["3:times=1,dilation=30000", "3:dilation=30000,padding=2", "--dims", "2", "--plot", "a.png"],
        "error: the field must fit into memory, got ",
    ),
    "nothing": ([], "error: the following arguments are required: LAYER"),
    "long size": (
        ["3", "--input-size", "1" * 19],
        "--input-size: must have at most 18 digits, got '1111111111111111111'",
    ),
}


@pytest.mark.parametrize(("words", "message"), ERRORS.values(), ids=ERRORS)
def test_errors_are_one_line(run, words, message):
    ran = run("receptive-field", *words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err


def test_every_example_of_the_help_works(run):
    examples = [line.strip() for line in COMMAND.epilog.splitlines() if line.startswith("  convmatrix ")]
    assert len(examples) == 5
    for example in examples:
        assert run(*shlex.split(example)[1:]).code == 0
