"""Environments: what happens, never what to do. Atari, toys with known answers, board games, and their views."""
