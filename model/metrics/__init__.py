"""What is measured: ranked lists (ranking), code assignment (classification), words (evidence). numpy only."""
