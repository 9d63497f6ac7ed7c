"""Files in and out: tables and JSON Lines read, drafts made of them, exports written."""
