"""The nearest circular layer whose norm is at most a given one, and its weight cut back to the layer's own kernel."""
