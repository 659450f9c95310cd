"""Benchmarks: the product against its peers and against its own aims. See docs/performance.md."""
