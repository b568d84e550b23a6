"""The check of one function of somebody's, of which there is no expression."""
