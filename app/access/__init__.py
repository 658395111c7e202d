"""Who may ask for what: keys, tokens, scopes, limits per caller, and the record of who did what."""
