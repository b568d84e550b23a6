"""The check of one function of JAX's arrays. JAX is imported here, and nowhere before this is.

`question` makes lists of arrays of what a function takes and gives, and `plain` takes custom rules away;
`interpreter` runs a jaxpr over shadows, by the meanings that `computing`, `deciding`, `moving`, `linear` and
`factoring` give to JAX's primitives (`running` to those that run along an axis; `lines` knows the user's
lines, `sizes` how much there is to run);
`formulas` compares the formulas of a derivative and of a function, `judging` says what is wrong, and `causes`
where that comes from;
`computed` asks for the numbers in several ways, and `expected` judges them by their formula (`rounding`
widens balls, `losses` finds where digits are lost, `local` asks each operation by itself);
`measured` asks what is not traced, `reference` a plain version of it, and `elsewhere` other shapes;
`checking` puts it together.
"""
