"""How Slack's requests come in: Socket Mode or HTTP."""
