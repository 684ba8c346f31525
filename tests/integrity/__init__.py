"""Keeping public places clean."""
