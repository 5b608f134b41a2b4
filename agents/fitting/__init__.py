"""Values that are fitted: alpha-beta plays games, and linear models learn from them how games end."""
