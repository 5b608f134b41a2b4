"""Pixels on their way into a network."""
