"""The gallery of suggestions: crops in the order of their score, decided on by single keys or above a threshold."""
