"""What benchmarks and soak tests share."""
