"""Positions a training keeps aside to see how well it plays: solved exactly, never learned from."""
