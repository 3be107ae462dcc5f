"""What `make bench` measures: the real server over HTTP, beside the same SQL sent by bare psycopg in the same run.

`data.py` fills the database, `servers.py` starts PostgreSQL and the web server, `floor.py` takes the SQL of a request
and sends it again, `report.py` writes the tables. Each of the other modules is one kind of measurement: a function that
takes a `Stage` and gives a `Table`, named in `__main__.py`.
"""
