"""What a month of the stack costs."""
