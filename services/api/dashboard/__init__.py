"""The dashboard: pages for people, made on the server from the same library calls as the API's answers.

Every page is whole without JavaScript, and every action is a form. `pages` has what they share, `session` who looks at them;
a module of views for each kind of page registers itself on the one blueprint.
"""
