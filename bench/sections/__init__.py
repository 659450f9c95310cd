"""The sections of the benchmark. Each measures and gives raw rows; ``report`` makes sense of them."""
