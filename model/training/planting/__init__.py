"""Training of the label-aware attention: mutual information, learning to rank, planting, fine-tuning."""
