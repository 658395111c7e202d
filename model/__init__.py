"""What is learned, over arrays: encoders, nested prefixes, losses, training, metrics, export. Imports nothing of ours."""
