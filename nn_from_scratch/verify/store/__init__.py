"""Campaigns that are kept in a file: random graphs by the million, asked in chunks, losing nothing.

How far it goes, measured on a loaded machine of two cores with the engine of this repository, isolated:
2.4 ms of processor time a graph, engine and truth together, the same from 2,000 graphs to 8,000 (about 390
graphs a second and core). A commit takes 0.4 ms from the first chunk to the 16,000th, and a chunk 8 bytes of
the file.

On paper, 10^10 graphs are 2.4e7 s of processor time, 280 days on one core or 3 days on a hundred, and a store
of 0.4 GB. All that grows with the graphs is the table of chunks. What breaks first is the one process that
commits: 2,500 chunks of 200 graphs a second are what 1,300 cores ask; more of them need larger chunks.
"""
