"""The headless core: what an experiment is, and how it is trained, evaluated and applied."""
