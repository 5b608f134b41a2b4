"""How far to look and which moves: exhaustive (alpha-beta), sparse (MCTS), exact (solvers). No opinions."""
