"""The database: tables, the engine with every quirk of the dialects, the stores, one file for each step of a task."""
