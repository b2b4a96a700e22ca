"""Benchmarks: measured on request, printed, never asserted."""
