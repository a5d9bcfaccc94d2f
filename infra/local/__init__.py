"""What deploys and demonstrates Edgesweep on one machine. Never packaged."""
