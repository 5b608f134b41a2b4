"""What decides and what learns: players, searches, values, DQN, self-play, and all that measures them."""
