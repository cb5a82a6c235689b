"""A whole training run in a process of its own: killed at any moment, it can be started again.

python train_to_the_end.py CHECKPOINT WEIGHTS [EVENT EPOCH]

With an EVENT, the process kills itself at that event of the write of the checkpoint after EPOCH:
"open" (before the file is there), "write" (when a part of it is on disk), "os.rename" (when all of
it is).
"""

import os
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
import qnn_core as qnn

EPOCHS = 6


class Batches:
    """A function of the epoch, slow enough to be killed in the middle of."""

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return 8

    def __iter__(self):
        rng = np.random.default_rng([7, self.epoch])
        for _ in range(len(self)):
            x = rng.normal(size=(16, 6)).astype(np.float32)
            time.sleep(0.005)
            yield x, (x[:, 0] + x[:, 1] ** 2 > 0.5).astype(np.int64)


def model_and_optimizer() -> tuple[qnn.Module, qnn.optim.Optimizer]:
    model = qnn.MLP(
        [6, 9, 8, 2],
        weight="symmetric:3,axis=0",
        input="uniform:4,axis=1",
        last_weight="binary:scale=calibrated",
        last_input="uniform:3,scale=calibrated",
        batch_norm=True,
        dropout=0.2,
        seed=5,
    )
    schedule = qnn.optim.Cosine(steps=EPOCHS * 8)
    return model, qnn.optim.Adam(model.named_parameters(), lr=0.02, schedule=schedule)


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(event: str) -> None:
    """Die at the next write of a checkpoint."""
    if event == "write":
        # The system kills the process with SIGXFSZ as soon as a file grows over the limit.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    else:
        sys.addaudithook(
            lambda name, arguments: (
                kill() if name == event and ".partial" in str(arguments[0]) else None
            )
        )


def main() -> None:
    checkpoint, weights, *death = sys.argv[1:]
    model, optimizer = model_and_optimizer()

    def on_epoch(epoch: qnn.training.Epoch) -> None:
        print(epoch.epoch, flush=True)
        if death and int(death[1]) == epoch.epoch + 1:
            kill_at(death[0])

    print("began", flush=True)
    qnn.fit(
        model,
        Batches(),
        epochs=EPOCHS,
        optimizer=optimizer,
        validation=[(np.eye(6), np.arange(6) % 2)],
        keep="best",
        checkpoint=checkpoint,
        resume=True,
        on_epoch=on_epoch,
    )
    np.savez(Path(weights), **model.state_dict())


if __name__ == "__main__":
    # A shell that runs the tests in the background has children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
