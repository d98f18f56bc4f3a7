"""Quantization: model, plan, result. Prints nothing, reads no environment, never exits."""
