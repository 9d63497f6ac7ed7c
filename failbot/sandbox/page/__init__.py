"""The sandbox's page: a small Slack in the browser, on the sandbox's own server."""
