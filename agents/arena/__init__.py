"""All that compares agents: episodes, matches, tournaments, ratings, mistakes against solved positions."""
