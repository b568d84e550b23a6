"""What is asked: operations, expressions of them, points, and how random ones are drawn.

A seed goes in, cases come out. No answer stands here: see `oracles` and `engines`.
"""
