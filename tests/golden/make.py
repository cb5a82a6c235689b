"""Write a golden file of a NEW format version: python tests/golden/make.py checkpoint-v2.qnn

An existing file is never overwritten: that yesterday's bytes can still be read is what it tests.
"""

import sys
from pathlib import Path

import numpy as np
import qnn_core as qnn


def main(name: str) -> None:
    path = Path(__file__).with_name(name)
    if path.exists():
        raise SystemExit(f"{path} exists: golden files are made once")
    model = qnn.MLP([3, 4, 2], weight="symmetric:2", input="uniform:2", dropout=0.5, seed=0)
    optimizer = qnn.optim.Adam(model.parameters(), lr=0.01)
    batches = [(np.eye(3), np.array([0, 1, 0]))]
    qnn.fit(model, batches, epochs=2, optimizer=optimizer, checkpoint=path)


if __name__ == "__main__":
    main(sys.argv[1])
