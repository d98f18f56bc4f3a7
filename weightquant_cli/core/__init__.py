"""Quantization: model, plan, quantized model. Prints nothing, reads no environment, never exits.

May import `formats` and `errors`. Its rooms stand in the order of the data's way through them, and
each imports only those before it: model, lite, plan, tensors, quantize, check, inspect, opt_script.
"""
