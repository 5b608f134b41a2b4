"""Pictures of games and agents from plain data, and the one window that shows them. Knows no agent and no network."""
