"""What the coding conventions make of an answer as a whole: one rule a file, worked in by follow.py."""
