"""Reading a question against its candidates: the one place where a language model is called."""
