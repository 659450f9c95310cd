"""What the raw numbers mean: tables, pictures, and the page they stand on."""
