"""The programs: `services.api` (with upkeep) and `services.worker`. They share `lib` and never import each other."""
