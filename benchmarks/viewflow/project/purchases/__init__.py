"""The one application of the site: something is asked for, and somebody of a department fills in the form."""
