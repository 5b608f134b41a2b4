"""Learning to judge boards from self-play alone: no human game, no expert term."""
