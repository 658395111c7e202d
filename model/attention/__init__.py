"""Label-aware attention as it is served: numpy only."""
