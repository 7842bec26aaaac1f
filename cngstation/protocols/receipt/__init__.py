"""Receipts as text and as ESC/POS bytes."""
