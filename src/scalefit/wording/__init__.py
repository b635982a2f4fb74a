"""How answers are said: numbers, tables and sentences, as text and as HTML."""
