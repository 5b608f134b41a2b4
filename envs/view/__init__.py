"""Pictures of games and agents from plain data, and the window that shows them. Knows no agent."""
