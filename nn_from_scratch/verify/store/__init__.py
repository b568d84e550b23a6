"""Campaigns that are kept in a file: random graphs by the million, asked in chunks, losing nothing.

How far it goes, measured on a machine of two cores with the engine of this repository, isolated, in runs of
4,000 and 16,000 graphs (twice each): 2.2 ms of processor time a graph, engine and truth together; 450 graphs
a second with one process, 730 with two, beside some seconds to start. Whole runs take 3.3 and 3.0 times as
long for four times the graphs. A commit takes 0.4 ms from the first chunk to the 16,000th, and a chunk 8
bytes of the file.

On paper, 10^10 graphs are 2.2e7 s of processor time, 255 days on one core or 3 days on a hundred, and a store
of 0.4 GB. All that grows with the graphs is the table of chunks. What breaks first is the one process that
commits: 2,500 chunks of 200 graphs a second are what 1,100 cores ask; more of them need larger chunks.
"""
