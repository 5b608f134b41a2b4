"""Sessions behind a window: a game or an episode that a person can pause, step, take back and take over."""
