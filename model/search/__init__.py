"""Search over vectors that lie on a torch device."""
