"""What the note says of a finding: present, negated, possible, hypothetical, historical or of someone else."""
