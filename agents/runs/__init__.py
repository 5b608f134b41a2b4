"""The paper trail of training: run folders, model files, random streams, metrics, progress and plots."""
