"""The norm of any operator between two numbers, the lower one attained and the upper one proved."""
