"""The answer to one note as a FHIR R4 Bundle."""
