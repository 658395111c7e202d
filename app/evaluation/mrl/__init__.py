"""The report on nested vectors: what each prefix knows, and what storing less costs (`icd-cascade mrl`)."""
