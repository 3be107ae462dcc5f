"""What is kept about a person, by their `user_id`: handed out, and made anonymous."""

from .anonymising import Anonymised, anonymise, deletable_of, new_pseudonym
from .export import data_of
from .mentions import mentions_of
from .renaming import Renaming

__all__ = ["Anonymised", "Renaming", "anonymise", "data_of", "deletable_of", "mentions_of", "new_pseudonym"]
