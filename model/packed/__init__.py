"""Encoders without padding, in torch: the real tokens of a batch laid end to end. Needs the extra [torch]."""
