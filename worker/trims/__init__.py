"""
Where a worker uses Redis more sparingly than kombu does; `POSTROOM_TRIMS=false` turns all of it off.

What is stored is kombu's own format, so that workers with and without it share their queues
(docs/dispatcher.md has what each trim is worth).
"""
