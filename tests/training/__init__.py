"""Training of failbot's own encoder from teams' failures and labelled questions."""
