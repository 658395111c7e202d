"""From the codes of one code set to those of another: CMS's general equivalence mappings as an artifact."""
