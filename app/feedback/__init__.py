"""What reviewers decided on: codes, decisions, offsets and versions. No words of any note."""
