"""Keeping public places clean, with due process and proof."""
