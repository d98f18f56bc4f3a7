"""The outputs of several batches as one array, for the scripts that predict in batches."""

import numpy as np


def joined(pieces):
    """All pieces in one array; where their second axis differs, filled with NaN."""
    if pieces[0].ndim < 3:
        return np.concatenate(pieces)
    shape = [sum(len(piece) for piece in pieces), max(piece.shape[1] for piece in pieces)]
    whole = np.full(shape + list(pieces[0].shape[2:]), np.nan, np.float32)
    start = 0
    for piece in pieces:
        whole[start : start + len(piece), : piece.shape[1]] = piece
        start += len(piece)
    return whole
