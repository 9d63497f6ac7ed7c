"""Where failures are kept: the contract in `base`, one package for each backend."""
