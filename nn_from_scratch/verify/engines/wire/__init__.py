"""An engine in a process of its own, of any language: programs go in as JSON lines, and answers come out."""
