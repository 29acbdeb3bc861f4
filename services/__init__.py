"""The programs of a release: the HTTP API and the worker. They share `lib`, and never import each other."""
