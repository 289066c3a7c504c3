"""What bytes a rendition is: names, formats, limits, the engine, and the pool it runs in.

Knows no network, no framework and no other package of the project; only the pool of
`imaging.workers` has an event loop.
"""
