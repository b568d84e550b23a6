"""The suite that proves an engine's gradients right."""
