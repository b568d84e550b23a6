"""The check of one function of PyTorch's tensors. PyTorch is imported here, and nowhere before this is."""
