"""Events from spreadsheets: a template for each kind, rows read with every error by its cell, nothing sent before all are right."""
