"""What retrieval computes, without I/O: words, vectors, signals, scores, calibrated odds."""
