"""From a graph to a program: operations fused, reordered, and cut into runs of the engine."""
