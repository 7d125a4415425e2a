"""What the gateway costs, measured: ``make bench`` writes every figure of ``docs/explanation/performance.md``."""
