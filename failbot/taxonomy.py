"""Outcomes and failure modes: neutral words, the same in code, SQL, Slack and docs."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How an experiment ended; being logged is not a verdict on a person."""

    NO_EFFECT = "no effect"
    WORSE = "worse than baseline"
    INVALIDATED = "result invalidated"
    NOT_REPLICATED = "did not replicate"
    CRASHED = "crashed or blocked"
    INCONCLUSIVE = "inconclusive"
    ABANDONED = "abandoned"


# Sources: Kapoor & Narayanan, arXiv 2207.07048 (leak.*, eval.mismatch, baseline.weak); Humbatova
# et al., arXiv 1910.11015 (train.*, code.silent, infra, data.pipeline); the AI Incident Database's
# goals, methods and failures taxonomy (data.label, data.coverage, objective.proxy, llm.agent).
MODES: dict[str, str] = {
    "leak.split": "no clean split: preprocessing or selection saw the test set",
    "leak.duplicate": "the same or near-same items on both sides of a split",
    "leak.feature": "a feature not available, or not legitimate, at prediction time",
    "leak.time": "the future informs the past",
    "leak.group": "dependent samples (patient, user, session) on both sides",
    "eval.mismatch": "the test set is not, or no longer, the target population",
    "eval.metric": "the metric, or the code that computes it, misleads",
    "eval.noise": "the effect lies within seed or run variance",
    "baseline.weak": "the gain vanishes against a fair baseline",
    "data.label": "label noise or disagreement",
    "data.coverage": "too little data, imbalance, missing cases",
    "data.pipeline": "order, tokenisation, corruption, wrong version",
    "train.unstable": "spikes, divergence, NaN",
    "train.flat": "the loss plateaus; the model underfits",
    "train.overfit": "training improves, validation does not",
    "code.silent": "it runs, and computes the wrong thing",
    "infra": "hang, out of memory, hardware, throughput",
    "idea.null": "executed properly, no benefit",
    "objective.proxy": "the proxy improved, the goal did not",
    "llm.agent": "hallucination, tool use or planning error",
    "unknown": "nobody knows yet",
}
