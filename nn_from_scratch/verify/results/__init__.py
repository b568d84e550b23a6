"""What can be made of results: tables for a terminal, JUnit XML for CI systems."""
