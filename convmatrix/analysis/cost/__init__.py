"""What layers cost: multiplications by the usual convention and true ones, additions, weights, bytes, formulas."""

from convmatrix.analysis.cost.answer import Cost, CostComparison, CostRow, CostStage
from convmatrix.analysis.cost.blank import blank_conv
from convmatrix.analysis.cost.counting import multiplications, parameters
from convmatrix.analysis.cost.formulas import CostFormula, cost_formula
from convmatrix.analysis.cost.verdict import compare_costs, cost

__all__ = [
    "Cost",
    "CostComparison",
    "CostFormula",
    "CostRow",
    "CostStage",
    "blank_conv",
    "compare_costs",
    "cost",
    "cost_formula",
    "multiplications",
    "parameters",
]
