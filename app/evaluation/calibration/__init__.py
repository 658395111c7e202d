"""Learns calibrations from coded notes: prior -> shortlists -> last stage -> thresholds. Offline only."""
