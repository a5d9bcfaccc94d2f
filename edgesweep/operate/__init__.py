"""What a person asks of a deployed stack; never deployed."""
