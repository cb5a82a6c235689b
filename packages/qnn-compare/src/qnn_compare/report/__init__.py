"""What a comparison says: tables, text, figures, pages."""
