"""Small data sets made on the spot, for quick starts and tests."""
