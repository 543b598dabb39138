"""The way of a photo: what each event-driven function does, without the event.

vision -> (embedding) -> albums, and maintenance, which finishes what died. Every effect is idempotent: delivery is at
least once, unordered, and workers die anywhere.
"""
