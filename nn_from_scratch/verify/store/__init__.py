"""Campaigns that are kept in a file: random graphs by the million, asked in chunks, losing nothing.

How far it goes, measured on a machine of two cores with the engine of this repository, isolated, in runs of
4,000 and 16,000 graphs (twice each): 2.2 ms of processor time a graph, engine and truth together; 450 graphs
a second with one process, 730 with two, beside some seconds to start. A chunk takes 8 bytes of the file.

How it grows, as `reference/record_campaign_growth.py` has recorded it in `reference/campaign_growth.json`:
the processor time of 400 to 12,800 graphs with their number to the power of 1.00, with 95 % between 0.96 and
1.01; that of a commit, 0.4 ms, with the number of chunks that the store has already, from 1,000 to
10,000,000, to the power of 0.00, between -0.01 and 0.02.

On paper, 10^10 graphs are 2.2e7 s of processor time, 255 days on one core or 3 days on a hundred, and a store
of 0.4 GB; at the upper end of the interval it would be 11 % more time. All that grows with the graphs is the
table of chunks. What breaks first is the one process that commits: 2,500 chunks of 200 graphs a second are
what 1,100 cores ask; more of them need larger chunks.
"""
