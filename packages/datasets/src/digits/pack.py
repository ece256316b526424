"""Writes `bytes.ts`: the handwritten digits of UCI as scikit-learn has them, deflated, in base64.

    pip install scikit-learn
    python packages/datasets/src/digits/pack.py
"""

import base64
import pathlib
import zlib

import numpy
from sklearn.datasets import load_digits

digits = load_digits()
pixels = digits.data.astype(numpy.uint8)
labels = digits.target.astype(numpy.uint8)
assert pixels.shape == (1797, 64) and pixels.max() == 16 and (pixels == digits.data).all()

# The images one after another, then the labels; raw deflate, without a header.
deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
packed = deflate.compress(pixels.tobytes() + labels.tobytes()) + deflate.flush()
text = base64.b64encode(packed).decode("ascii")
pathlib.Path(__file__).with_name("bytes.ts").write_text(
    f"""/**
 * 1,797 images of 8 × 8 pixels from 0 to 16, then their labels, a byte each: deflated, in base64. Written by `pack.py`
 * from the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak, UCI Machine Learning
 * Repository, 1998, CC BY 4.0).
 */
export const packed =
  '{text}';
"""
)
