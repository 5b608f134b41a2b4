"""Deep Q-learning: values of actions learned from replayed experience, for any env with discrete actions."""
