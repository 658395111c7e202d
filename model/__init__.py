"""What is learned, over arrays: encoders, prefixes, losses, training, metrics. Imports nothing of ours."""
