# SPDX-License-Identifier: Apache-2.0
"""What AIPP computes, from its documentation and in numpy's exact arithmetic alone."""

from fractions import Fraction

import numpy as np

IDENTITY = ((256, 0, 0), (0, 256, 0), (0, 0, 256))


def stored_bytes(layout, height, width):
    """Bytes of one image."""
    return {"YUV420SP_U8": height * width * 3 // 2, "XRGB8888_U8": height * width * 4}.get(
        layout, height * width * (3 if layout == "RGB888_U8" else 1)
    )


def _channels(layout, data, height, width, unused_first):
    """The stored channels [height, width, 3] of one image."""
    if layout == "RGB888_U8":
        return data.reshape(height, width, 3)
    if layout == "XRGB8888_U8":
        pixels = data.reshape(height, width, 4)
        return pixels[..., 1:] if unused_first else pixels[..., :3]
    luma = data[: height * width].reshape(height, width, 1)
    if layout == "YUV400_U8":
        return np.concatenate([luma, np.zeros((height, width, 2), luma.dtype)], axis=2)
    pairs = data[height * width :].reshape(height // 2, width // 2, 2)
    return np.concatenate([luma, pairs.repeat(2, axis=0).repeat(2, axis=1)], axis=2)


def _rounded(value):
    """Half away from zero."""
    return int(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


def preprocess(
    layout, data, height, width, *, matrix=IDENTITY, input_bias=(0, 0, 0), output_bias=(0, 0, 0), swap=False,
    unused_first=False, crop=None, padding=(0, 0, 0, 0), padding_value=0.0, mean=(0, 0, 0), minimum=(0.0, 0.0, 0.0),
    scale=(1.0, 1.0, 1.0), channels=3, dtype=np.float32,
):  # fmt: skip
    """One image [channels, height, width]. crop: x, y, width, height; padding: top, bottom, left, right."""
    is_yuv = layout.startswith("YUV")
    pixels = _channels(layout, data, height, width, unused_first)
    if crop:
        x, y, w, h = crop
        pixels = pixels[y : y + h, x : x + w]
    rows = [list(row) for row in matrix]
    if swap:
        one, other = (1, 2) if is_yuv else (0, 2)
        for row in rows:
            row[one], row[other] = row[other], row[one]
    result = np.empty((channels, *pixels.shape[:2]), dtype)
    for (row, column), _ in np.ndenumerate(pixels[..., 0]):
        sample = [int(v) - (b if is_yuv else 0) for v, b in zip(pixels[row, column], input_bias, strict=True)]
        for channel in range(channels):
            total = sum(m * s for m, s in zip(rows[channel], sample, strict=True))
            value = _rounded(Fraction(2 * total + 1, 512)) + (0 if is_yuv else output_bias[channel])
            value = min(max(value, 0), 255)
            if dtype != np.uint8:
                shifted = dtype(dtype(value - mean[channel]) - dtype(minimum[channel]))
                value = dtype(shifted * dtype(scale[channel]))
            result[channel, row, column] = value
    top, bottom, left, right = padding
    return np.pad(result, ((0, 0), (top, bottom), (left, right)), constant_values=dtype(padding_value))
