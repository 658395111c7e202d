"""The official term tables of ICD-10-CM, turned into wordings that a clinician could write."""
