"""Independent sources of true gradients. None of them imports an engine or an adapter."""
