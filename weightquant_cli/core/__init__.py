"""Quantization: model, plan, quantized model. Prints nothing, reads no environment, never exits.

May import `formats`, `threads` and `errors`. Its rooms follow the data, and each imports only those
before it: model, lite, plan, tensors, run, quantize, check, inspect, opt_script.
"""
