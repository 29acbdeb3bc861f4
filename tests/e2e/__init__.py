"""Releases of the chart on a real cluster: what installs, scales, dies and upgrades there. Run by `make e2e`.

Not shown here, because they want more than a plain cluster of one node has: an Ingress, and a drain to another node. What
the chart makes for them is looked at by tests/chart.
"""
