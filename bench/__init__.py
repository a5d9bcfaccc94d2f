"""Benchmarks: speed as ratios within one run, and strategies over publish histories."""
