"""Arrays and blocks of weights: kernels, buffers, error measures, histograms.

Knows nothing of models, plans or Paddle Lite.
May import `formats`, `threads` and `errors`.
"""
