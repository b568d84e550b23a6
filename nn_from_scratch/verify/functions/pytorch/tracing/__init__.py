"""Forward and backward of a PyTorch function as formulas: exact numbers beside every operation that it runs.

A dispatch mode sees the operations of a custom function's forward and of its backward (`tracer`), keeps a
shadow for each number of each storage (`memory`), and knows what an operation means by a table (`rules`, of
`entrywise`, `reductions`, `scattering`, `collecting`, `pooling`, `resizing`, `distances` and `systems`;
`complexes`); what only moves data is run on positions (`moves`). `formula` compares.
"""
