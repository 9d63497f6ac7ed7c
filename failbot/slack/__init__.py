"""failbot in Slack: payloads in, the service's answers out as Block Kit."""
