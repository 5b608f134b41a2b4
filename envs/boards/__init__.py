"""Board games as facts: states, legal moves, outcomes. No opinion about who stands better."""
