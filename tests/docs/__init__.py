"""The pages say what the code does."""
