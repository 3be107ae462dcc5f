"""What `make check` asks of scanners that others have written."""
