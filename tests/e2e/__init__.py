"""Releases of the chart on a real cluster: what installs, scales, dies and upgrades there. Run by `make e2e`."""
