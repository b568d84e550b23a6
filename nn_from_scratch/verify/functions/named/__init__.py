"""A function that somebody names: found with its gradient and inputs, asked, and told as results."""
