"""What ``doctor`` looks at, one file for each subject; ``examine`` has the order."""
