"""Viewflow, the nearest peer, on the same machine with the same tasks: only measured, never imported.

`project/` is a small Django project as Viewflow's quick start has it; it runs in a virtual environment of its own, from
`requirements.txt`, as a process of its own. What was chosen, and why:

- One flow, one human step with the six fields of our definitions, in one `FlowAppViewset`: fewer flows to ask for than
  our twenty definitions. A proxy model with `jsonstore` fields, so no join beyond Viewflow's own.
- A group's queue is a permission for each department, which `Permission` computes from the process: the documented way.
  Its other way, permissions on objects (django-guardian), compares a concatenation with every one of them: slower.
- `select_for_update_lock`, as in all its examples for PostgreSQL; the default is no lock.
- Its own tables, migrations, indexes, templates, filters and page size (25, as ours), nothing added, nothing left out.
- DEBUG off, compiled templates kept, the same Django, psycopg with a pool of the same size, granian with the same
  options, sessions in the database.
- No compression: its documentation names none, and it would only cost time here. Sizes are compared as gzip makes them.
- The people, their groups and the tasks are copied from our tables, so everybody has as many of each on both sides.

To write `requirements.txt` anew, in this folder: `uv pip compile requirements.in --output-file requirements.txt`, with
`--python-version 3.12 --universal --generate-hashes --no-emit-index-url`.
"""
