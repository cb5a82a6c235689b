"""What the augmentation kernels compute, in NumPy and Python: the oracle of their tests."""

import math

import numpy as np

MASK = (1 << 64) - 1


def mix(z: int) -> int:
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def symmetric(bits: int) -> float:
    return (bits >> 11) * (2.0 / 9007199254740991.0) - 1.0


def draw(samples: list[int], key: int, *amounts: float) -> np.ndarray:
    shift_y, shift_x, rotation, scale = amounts
    moves = []
    for sample in samples:
        own = mix(key ^ mix(sample))
        a, b, c, d = (symmetric(mix((own + k) & MASK)) for k in range(4))
        moves.append([shift_y * a, shift_x * b, rotation * c, 1 + scale * d])
    return np.array(moves).reshape(len(samples), 4)


def turn(degrees: float) -> tuple[float, float]:
    """Return the cosine and sine."""
    quarters = math.floor(degrees / 90 + 0.5)
    x = (degrees - 90.0 * quarters) * 0.017453292519943295
    z = x * x
    s = x * (1 - z / 6 * (1 - z / 20 * (1 - z / 42 * (1 - z / 72 * (1 - z / 110)))))
    c = 1 - z / 2 * (1 - z / 12 * (1 - z / 30 * (1 - z / 56 * (1 - z / 90))))
    return [(c, s), (-s, c), (-c, -s), (s, -c)][quarters % 4]


def warp(images: np.ndarray, moves: np.ndarray, fill: float) -> np.ndarray:
    """Move images (n, height, width, channels)."""
    return np.array([see(*pair, fill) for pair in zip(images, moves, strict=True)], images.dtype)


def see(image: np.ndarray, move: np.ndarray, fill: float) -> np.ndarray:
    f4 = np.float32
    height, width, _ = image.shape
    down, right, degrees, factor = (float(v) for v in move)
    cosine, sine = (v / factor for v in turn(degrees))
    middle_y, middle_x = 0.5 * (height - 1), 0.5 * (width - 1)
    y, x = -middle_y - down, -middle_x - right
    start_y, start_x = (
        f4(cosine * y + sine * x + middle_y + 1),
        f4(cosine * x - sine * y + middle_x + 1),
    )
    rows, columns = np.arange(height, dtype=f4)[:, None], np.arange(width, dtype=f4)
    step_y, step_x = f4(sine), f4(cosine)
    at_y = np.clip((start_y + step_x * rows) + step_y * columns, f4(0), f4(height + 1))
    at_x = np.clip((start_x - step_y * rows) + step_x * columns, f4(0), f4(width + 1))
    i, j = at_y.astype(int), at_x.astype(int)
    part_y, part_x = (at_y - i.astype(f4))[..., None], (at_x - j.astype(f4))[..., None]
    p = np.pad(image.astype(f4), ((1, 2), (1, 2), (0, 0)), constant_values=fill)
    upper = p[i, j] + part_x * (p[i, j + 1] - p[i, j])
    lower = p[i + 1, j] + part_x * (p[i + 1, j + 1] - p[i + 1, j])
    seen = upper + part_y * (lower - upper)
    return (seen + f4(0.5)).astype(np.uint8) if image.dtype == np.uint8 else seen
