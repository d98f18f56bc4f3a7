"""Rounding that keeps the model's answers: what the weights meet decides how they are rounded.

One pass of the FP32 model over a few inputs gives the means and second moments of what each weight
is multiplied with (`statistics`). The weights are then rounded so that their layers' outputs change
least (`rounding`), and what is left of the change on average goes into the parameter behind the
layer (`corrections`). Scales, attributes, layout and sizes stay those of rounding to nearest.
May import the rooms of `core` before it (model to run), `formats` and `errors`.
"""
