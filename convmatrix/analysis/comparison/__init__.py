"""`compare`: are two operators the same matrix?"""

from convmatrix.analysis.comparison.report import Comparison, affordable_pair, as_float, compare, vanishes

__all__ = ["Comparison", "affordable_pair", "as_float", "compare", "vanishes"]
