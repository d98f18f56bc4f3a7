"""Arrays and blocks of weights: kernels, buffers, threads, error measures, histograms.

Knows nothing of models, plans or Paddle Lite.
May import `formats` and `errors`.
"""
