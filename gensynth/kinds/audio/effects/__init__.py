"""Changes of a wave: pure functions of a wave, float32 (channels, frames), numbers, and a generator of random numbers.

Each treats all channels alike, so that their phases stay as they were to each other and equal channels stay equal.
"""
