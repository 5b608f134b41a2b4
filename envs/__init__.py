"""Environments: what happens, never what to do. Atari, toys, board games, and their views."""
