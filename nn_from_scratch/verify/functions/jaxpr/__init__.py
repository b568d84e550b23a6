"""The check of one function of JAX's arrays. JAX is imported here, and nowhere before this is.

`question` makes lists of arrays of what a function takes and gives; `interpreter` runs a jaxpr over
shadows, by the meanings that `computing`, `deciding`, `moving` and `linear` give to JAX's primitives
(`running` to those that run along an axis);
`formulas` compares the formulas of a derivative and of a function, and `judging` says what is wrong;
`computed` judges the numbers by balls that `rounding` widens; `measured` asks what is not traced;
`checking` puts it together.
"""
