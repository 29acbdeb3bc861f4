"""Load: a soak in which nothing may grow, bursts and crowds that must be answered or refused."""
