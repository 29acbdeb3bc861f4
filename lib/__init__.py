"""What the API and the worker share. `lib.jobs` is the only door to the queue; the other modules are its parts."""
