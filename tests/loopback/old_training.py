"""A training script from before `mabe`: `python old_training.py PAUSE` prints its app and its call.

It is independent of this project; its output is what users have in their old logs.
"""

import sys
import time

import modal

HEADER = """=== H100 Training Started ===
GPU: H100 (80GB)
Batch Size: 384
Learning Rate: 0.0004 (warmup 3 epochs)
"""
EPOCHS = (
    "Epoch 1/3 (Warmup): lr=0.000133\n  Loss: 0.4234, F1: 0.2356, Acc: 0.9768\n  Time: 52s\n",
    "Epoch 2/3: Loss: 0.1987, F1: 0.4332, Acc: 0.9823  ← BEST",
    "Epoch 3/3:\n  Loss: 0.1756, F1: 0.4389, Acc: 0.9827\n  Time: 50s\n  ✓ Best model saved (F1: 0.4389)",
)
END = "\n=== Training Complete ===\nTotal Time: 1h 23min\nBest F1: 0.4389 (Epoch 3)"
app = modal.App("mabe-h100-training")


@app.function()
def train(pause: float) -> None:
    """Print what they printed, an epoch after each pause."""
    print(HEADER, flush=True)
    for epoch in EPOCHS:
        time.sleep(pause)
        print(epoch, flush=True)
    print(END, flush=True)


if __name__ == "__main__":
    with app.run(detach=True):
        call = train.spawn(float(sys.argv[1]))
        print(app.app_id, call.object_id)
