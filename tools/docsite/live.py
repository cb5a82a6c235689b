"""A page of the site in which nets of several widths answer what is drawn."""

from pathlib import Path
from typing import Any

import qnn_core as qnn
import qnn_data

NAME = "live.html"
# What the nets' weights and inputs are, by the name that stands above their answers.
NETS = {
    "1 bit": "binary",
    "2 bits": "symmetric:2",
    "4 bits": "symmetric:4",
    "8 bits": "symmetric:8",
    "float": None,
}


def write_live(app: Any, exception: Exception | None) -> None:
    """Train the nets on the bundled digits and write the page, when the others are there."""
    if exception is not None or app.builder.name != "html":
        return
    train, test = qnn_data.MNISTMini(), qnn_data.MNISTMini(train=False)
    nets = {}
    for name, spec in NETS.items():
        given: Any = {"weight": spec, "input": spec, "batch_norm": True, "seed": 0}
        model = qnn.MLP([784, 128, 10], activation="hardtanh", **given)
        optimizer = qnn.optim.Adam(model.parameters(), lr=2e-3)
        qnn.fit(model, train, epochs=8, optimizer=optimizer, progress=False)
        nets[name] = qnn.pack(model, test[:100][0])
    qnn.page(
        nets,
        Path(app.outdir, NAME),
        transform=(train.mean, train.std),
        samples=test.images[:20],
        classes=test.classes,
        title="Draw a digit: nets of 1 to 8 bits, and a float one",
    )
