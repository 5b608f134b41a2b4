"""How far to look and which moves: exhaustive (alpha-beta), sparse (MCTS) and exact (solvers). No opinion of its own."""
