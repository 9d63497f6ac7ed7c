"""What failbot does with what is recorded, and nothing of how it is stored or shown."""
