"""A small reverse-mode autodiff engine from numpy alone."""
