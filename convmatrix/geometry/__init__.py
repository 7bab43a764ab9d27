"""The ground floor: which input each tap reads, for one axis and for a layer. Every size and index starts here."""

from convmatrix.geometry.axis import PADDING_MODES, Axis
from convmatrix.geometry.layer import Geometry
from convmatrix.geometry.periodic import PeriodicAxis
from convmatrix.geometry.runs import AxisTable, Segment, axis_table

__all__ = ["PADDING_MODES", "Axis", "AxisTable", "Geometry", "PeriodicAxis", "Segment", "axis_table"]
