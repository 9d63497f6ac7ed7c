"""failbot to try: a conversation in the terminal, or a small Slack in the browser."""
