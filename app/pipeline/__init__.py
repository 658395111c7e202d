"""One note through the stages: segment, encode, search, rescore, evidence, decide. One file per stage; no HTTP here."""
