"""How any engine is driven: a name goes in, an `Engine` comes out that answers cases."""
