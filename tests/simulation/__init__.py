"""A seeded simulation of people, Slack, a disk and two bots; see .docs/simulation.md."""
