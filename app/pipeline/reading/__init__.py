"""Before a note is cut: what was sent becomes text to read, and every offset keeps its way back (docs/reading.md)."""
