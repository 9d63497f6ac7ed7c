"""What is done after the ack: jobs taken from the inbox, and messages sent once."""
