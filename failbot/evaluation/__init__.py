"""How well a memory answers labelled questions, beside the baseline."""
