"""The task service: HTTP in, domain calls out. `app.create_app` builds it from what the composition root hands over."""
