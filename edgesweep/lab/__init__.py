"""What strategies would have done, and what they would have cost; never deployed."""
