"""Test vectors: programs with their true answers, which engines in any language can be judged by."""
