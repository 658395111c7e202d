"""What a payer's edits and the coding conventions say of an answer: warnings, never a code removed.

facts.py knows the codes, case.py holds one answer, rules/ has one file per kind of rule, edit.py runs them.
"""
