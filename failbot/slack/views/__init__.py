"""What Slack shows: blocks, cards, answers, digests and forms, made from values. Pure."""
