"""Commands that predict with exported models, and what scripts import of them."""
