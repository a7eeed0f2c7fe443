"""One module for each family of rule forms; `registry.py` is the only list of them."""
