"""Engines in pytest: one test for each operation in each role, each check of state and limits, and graphs."""
