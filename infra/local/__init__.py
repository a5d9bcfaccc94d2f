"""Deploys and demonstrates Edgesweep on one machine; never packaged."""
