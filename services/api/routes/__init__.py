"""One module of routes per resource, each with a `blueprint`. `services.api.app` registers them; all errors go through
`services.api.problems`, all bodies through `services.api.body`."""
