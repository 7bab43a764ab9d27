"""What a layer makes of a constant: the outputs its borders leave alone, the paths that reach them, their gains."""

from convmatrix.analysis.phases.gains import respond, response_of_bias
from convmatrix.analysis.phases.interior import Interior, interior
from convmatrix.analysis.phases.paths import axis_paths, axis_paths_at, axis_phase_paths, paths, phase_paths
from convmatrix.analysis.phases.reading import axes_of, check_layers
from convmatrix.operators.algebra import branches_of, steps_of

__all__ = [
    "Interior",
    "axes_of",
    "axis_paths",
    "axis_paths_at",
    "axis_phase_paths",
    "branches_of",
    "check_layers",
    "interior",
    "paths",
    "phase_paths",
    "respond",
    "response_of_bias",
    "steps_of",
]
