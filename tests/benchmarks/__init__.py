"""Speed and memory beside the baseline, in one run: `python -m tests.benchmarks`.

"Baseline" is what anyone would build in an hour: `SentenceTransformer.encode` of the whole text and
a flat faiss index. Only ratios count: absolute times move with the machine.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `failbot` sets it for itself
os.environ.setdefault("HF_HUB_OFFLINE", "1")
