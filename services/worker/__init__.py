"""The worker: a supervisor (PID 1), a nursery that forks, and children that run one job each."""
