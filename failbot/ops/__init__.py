"""What whoever runs failbot asks a serving process: does it live, is all well, how fast is it."""
